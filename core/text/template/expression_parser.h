// The expressions of a chat template; knows no statements.
#pragma once

#include "core/text/template/syntax.h"
#include "core/text/template/token_stream.h"

namespace kvatlas::text::jinja {

enum class InlineIf { Allowed, Refused };  // a `for` and an `if` tag take none at their top level

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& stream) : m_stream(stream) {}

  // One expression, or several with commas: a tuple.
  [[nodiscard]] ExpressionPointer parseTuple(InlineIf inline_if = InlineIf::Allowed, bool in_brackets = false);
  [[nodiscard]] ExpressionPointer parseExpression(InlineIf inline_if = InlineIf::Allowed);
  // name(arguments)|name … applied to what a block has captured. `begun`: the first has no '|' before it.
  [[nodiscard]] ExpressionPointer parseFiltersOfCaptured(bool begun);

 private:
  ExpressionPointer finish(Expression&& expression);
  Expression begin(ExpressionKind kind) const;
  ExpressionPointer one(ExpressionKind kind, std::uint32_t line, ExpressionPointer part);
  bool atTupleEnd() const;

  ExpressionPointer parseConditional();
  ExpressionPointer parseOr();
  ExpressionPointer parseAnd();
  ExpressionPointer parseNot();
  ExpressionPointer parseCompare();
  ExpressionPointer parseSum();
  ExpressionPointer parseConcat();
  ExpressionPointer parseProduct();
  ExpressionPointer parsePower();
  ExpressionPointer parseUnary(bool with_filters);
  ExpressionPointer parsePrimary();
  ExpressionPointer parseName();
  ExpressionPointer parseList();
  ExpressionPointer parseDict();
  ExpressionPointer parsePostfix(ExpressionPointer node);
  ExpressionPointer parseFilters(ExpressionPointer node);
  ExpressionPointer parseFilter(ExpressionPointer node);
  ExpressionPointer parseTest(ExpressionPointer node);
  ExpressionPointer parseMember(ExpressionPointer node);
  ExpressionPointer parseIndex();
  ExpressionPointer parseCall(ExpressionPointer node);
  void parseArguments(Expression& call);
  // An operand, an operator of `symbols`, an operand, …: from the left.
  template <class Operand>
  ExpressionPointer parseChain(std::initializer_list<std::string_view> symbols, Operand operand);

  TokenStream& m_stream;
};

}  // namespace kvatlas::text::jinja
