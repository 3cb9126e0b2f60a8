#include "core/text/template/expression_parser.h"

#include <algorithm>

namespace kvatlas::text::jinja {

Expression ExpressionParser::begin(ExpressionKind kind) const {
  Expression expression;
  expression.kind = kind;
  expression.line = m_stream.current().line;
  return expression;
}

ExpressionPointer ExpressionParser::finish(Expression&& expression) {
  for (const ExpressionPointer& part : expression.parts)
    if (part) expression.depth = std::max(expression.depth, part->depth + 1);
  if (expression.depth > m_stream.depthLimit()) m_stream.failTooDeep();
  return std::make_unique<const Expression>(std::move(expression));
}

ExpressionPointer ExpressionParser::one(ExpressionKind kind, std::uint32_t line, ExpressionPointer part) {
  Expression expression;
  expression.kind = kind;
  expression.line = line;
  expression.parts.push_back(std::move(part));
  return finish(std::move(expression));
}

bool ExpressionParser::atTupleEnd() const {
  return m_stream.at(TokenKind::OutputEnd) || m_stream.at(TokenKind::BlockEnd) || m_stream.atOperator(")") ||
         m_stream.atName("recursive");
}

ExpressionPointer ExpressionParser::parseTuple(InlineIf inline_if, bool in_brackets) {
  Expression tuple = begin(ExpressionKind::Tuple);
  bool comma = false;
  while (!atTupleEnd()) {
    tuple.parts.push_back(parseExpression(inline_if));
    comma = m_stream.skipOperator(",");
    if (!comma) break;
  }
  if (tuple.parts.size() == 1 && !comma) return std::move(tuple.parts.front());
  if (tuple.parts.empty() && !in_brackets) m_stream.failUnexpected("an expression");
  return finish(std::move(tuple));
}

ExpressionPointer ExpressionParser::parseExpression(InlineIf inline_if) {
  const TokenStream::Level level(m_stream);
  return inline_if == InlineIf::Allowed ? parseConditional() : parseOr();
}

ExpressionPointer ExpressionParser::parseConditional() {
  Expression node = begin(ExpressionKind::Conditional);
  ExpressionPointer first = parseOr();
  while (m_stream.skipName("if")) {
    node.parts.push_back(std::move(first));
    node.parts.push_back(parseOr());
    node.parts.push_back(m_stream.skipName("else") ? parseExpression() : nullptr);
    first = finish(std::move(node));
    node = begin(ExpressionKind::Conditional);
  }
  return first;
}

ExpressionPointer ExpressionParser::parseOr() {
  Expression node = begin(ExpressionKind::Or);
  do {
    node.parts.push_back(parseAnd());
  } while (m_stream.skipName("or"));
  return node.parts.size() == 1 ? std::move(node.parts.front()) : finish(std::move(node));
}

ExpressionPointer ExpressionParser::parseAnd() {
  Expression node = begin(ExpressionKind::And);
  do {
    node.parts.push_back(parseNot());
  } while (m_stream.skipName("and"));
  return node.parts.size() == 1 ? std::move(node.parts.front()) : finish(std::move(node));
}

ExpressionPointer ExpressionParser::parseNot() {
  if (!m_stream.atName("not")) return parseCompare();
  const TokenStream::Level level(m_stream);
  const std::uint32_t line = m_stream.take().line;
  return one(ExpressionKind::Not, line, parseNot());
}

ExpressionPointer ExpressionParser::parseCompare() {
  static constexpr std::string_view kSymbols[] = {"==", "!=", "<", "<=", ">", ">="};
  Expression node = begin(ExpressionKind::Compare);
  node.parts.push_back(parseSum());
  while (true) {
    if (m_stream.at(TokenKind::Operator) &&
        std::ranges::find(kSymbols, m_stream.current().text) != std::end(kSymbols)) {
      node.words.push_back(m_stream.take().text);
    } else if (m_stream.skipName("in")) {
      node.words.emplace_back("in");
    } else if (m_stream.atName("not") && m_stream.following().kind == TokenKind::Name &&
               m_stream.following().text == "in") {
      m_stream.take();
      m_stream.take();
      node.words.emplace_back("not in");
    } else {
      break;
    }
    node.parts.push_back(parseSum());
  }
  return node.words.empty() ? std::move(node.parts.front()) : finish(std::move(node));
}

template <class Operand>
ExpressionPointer ExpressionParser::parseChain(std::initializer_list<std::string_view> symbols, Operand operand) {
  Expression node = begin(ExpressionKind::Arithmetic);
  node.parts.push_back(operand());
  while (m_stream.at(TokenKind::Operator) && std::ranges::find(symbols, m_stream.current().text) != symbols.end()) {
    node.words.push_back(m_stream.take().text);
    node.parts.push_back(operand());
  }
  return node.words.empty() ? std::move(node.parts.front()) : finish(std::move(node));
}

ExpressionPointer ExpressionParser::parseSum() {
  return parseChain({"+", "-"}, [this] { return parseConcat(); });
}

ExpressionPointer ExpressionParser::parseConcat() {
  Expression node = begin(ExpressionKind::Concat);
  do {
    node.parts.push_back(parseProduct());
  } while (m_stream.skipOperator("~"));
  return node.parts.size() == 1 ? std::move(node.parts.front()) : finish(std::move(node));
}

ExpressionPointer ExpressionParser::parseProduct() {
  return parseChain({"*", "/", "//", "%"}, [this] { return parsePower(); });
}

ExpressionPointer ExpressionParser::parsePower() {
  return parseChain({"**"}, [this] { return parseUnary(true); });
}

// A sign binds tighter than a filter: -1|abs is 1.
ExpressionPointer ExpressionParser::parseUnary(bool with_filters) {
  const TokenStream::Level level(m_stream);
  ExpressionPointer node;
  if (m_stream.atOperator("-") || m_stream.atOperator("+")) {
    const Token sign = m_stream.take();
    const auto kind = sign.text == "-" ? ExpressionKind::Negative : ExpressionKind::Positive;
    node = one(kind, sign.line, parseUnary(false));
  } else {
    node = parsePrimary();
  }
  node = parsePostfix(std::move(node));
  return with_filters ? parseFilters(std::move(node)) : std::move(node);
}

ExpressionPointer ExpressionParser::parsePrimary() {
  if (m_stream.at(TokenKind::Name)) return parseName();
  if (m_stream.at(TokenKind::String)) {
    Expression node = begin(ExpressionKind::Constant);
    std::string text;
    while (m_stream.at(TokenKind::String)) text += m_stream.take().text;
    node.value = Value::text(std::move(text));
    return finish(std::move(node));
  }
  if (m_stream.at(TokenKind::Integer) || m_stream.at(TokenKind::Float)) {
    Expression node = begin(ExpressionKind::Constant);
    node.value = m_stream.take().number;
    return finish(std::move(node));
  }
  if (m_stream.skipOperator("(")) {
    ExpressionPointer node = parseTuple(InlineIf::Allowed, true);
    m_stream.expectOperator(")");
    return node;
  }
  if (m_stream.atOperator("[")) return parseList();
  if (m_stream.atOperator("{")) return parseDict();
  m_stream.failUnexpected("an expression");
}

ExpressionPointer ExpressionParser::parseName() {
  Expression node = begin(ExpressionKind::Name);
  node.name = m_stream.takeName();
  if (node.name == "true" || node.name == "True" || node.name == "false" || node.name == "False") {
    node.kind = ExpressionKind::Constant;
    node.value = node.name[0] == 't' || node.name[0] == 'T';
  } else if (node.name == "none" || node.name == "None") {
    node.kind = ExpressionKind::Constant;
    node.value = None{};
  } else if (node.name == "varargs" || node.name == "kwargs" || node.name == "caller") {
    throw SyntaxError(node.line, fmt::format("'{}' of macros is not supported", node.name));
  }
  return finish(std::move(node));
}

ExpressionPointer ExpressionParser::parseList() {
  Expression node = begin(ExpressionKind::List);
  m_stream.expectOperator("[");
  while (!m_stream.atOperator("]")) {
    node.parts.push_back(parseExpression());
    if (!m_stream.skipOperator(",")) break;
  }
  m_stream.expectOperator("]");
  return finish(std::move(node));
}

ExpressionPointer ExpressionParser::parseDict() {
  Expression node = begin(ExpressionKind::Dict);
  m_stream.expectOperator("{");
  while (!m_stream.atOperator("}")) {
    node.parts.push_back(parseExpression());
    m_stream.expectOperator(":");
    node.parts.push_back(parseExpression());
    if (!m_stream.skipOperator(",")) break;
  }
  m_stream.expectOperator("}");
  return finish(std::move(node));
}

ExpressionPointer ExpressionParser::parsePostfix(ExpressionPointer node) {
  while (true) {
    if (m_stream.atOperator(".") || m_stream.atOperator("["))
      node = parseMember(std::move(node));
    else if (m_stream.atOperator("("))
      node = parseCall(std::move(node));
    else
      return node;
  }
}

ExpressionPointer ExpressionParser::parseFilters(ExpressionPointer node) {
  while (true) {
    if (m_stream.atOperator("|"))
      node = parseFilter(std::move(node));
    else if (m_stream.atName("is"))
      node = parseTest(std::move(node));
    else if (m_stream.atOperator("("))
      node = parseCall(std::move(node));
    else
      return node;
  }
}

ExpressionPointer ExpressionParser::parseFilter(ExpressionPointer node) {
  m_stream.skipOperator("|");
  Expression filter = begin(ExpressionKind::Filter);
  filter.name = m_stream.takeName();
  filter.parts.push_back(std::move(node));
  if (m_stream.atOperator("(")) parseArguments(filter);
  return finish(std::move(filter));
}

ExpressionPointer ExpressionParser::parseFiltersOfCaptured(bool begun) {
  ExpressionPointer node = finish(begin(ExpressionKind::Captured));
  while (begun || m_stream.atOperator("|")) {
    node = parseFilter(std::move(node));
    begun = false;
  }
  return node;
}

ExpressionPointer ExpressionParser::parseTest(ExpressionPointer node) {
  Expression test = begin(ExpressionKind::Test);
  m_stream.expectName("is");
  const bool negated = m_stream.skipName("not");
  test.name = m_stream.takeName();
  test.parts.push_back(std::move(node));
  const bool argument = m_stream.at(TokenKind::Name) || m_stream.at(TokenKind::String) ||
                        m_stream.at(TokenKind::Integer) || m_stream.at(TokenKind::Float) || m_stream.atOperator("[") ||
                        m_stream.atOperator("{");
  if (m_stream.atOperator("(")) {
    parseArguments(test);
  } else if (argument && !m_stream.atAnyName({"else", "or", "and"})) {
    if (m_stream.atName("is")) m_stream.fail("tests with 'is' cannot follow each other");
    const TokenStream::Level level(m_stream);
    test.parts.push_back(parsePostfix(parsePrimary()));
  }
  const std::uint32_t line = test.line;
  ExpressionPointer tested = finish(std::move(test));
  return negated ? one(ExpressionKind::Not, line, std::move(tested)) : std::move(tested);
}

ExpressionPointer ExpressionParser::parseMember(ExpressionPointer node) {
  Expression member = begin(ExpressionKind::Item);
  member.parts.push_back(std::move(node));
  if (m_stream.skipOperator(".")) {
    if (m_stream.at(TokenKind::Integer)) {
      Expression index = begin(ExpressionKind::Constant);
      index.value = m_stream.take().number;
      member.parts.push_back(finish(std::move(index)));
    } else {
      member.kind = ExpressionKind::Attribute;
      member.name = m_stream.takeName();
    }
    return finish(std::move(member));
  }
  m_stream.expectOperator("[");
  Expression tuple = begin(ExpressionKind::Tuple);
  while (!m_stream.atOperator("]")) {
    tuple.parts.push_back(parseIndex());
    if (!m_stream.skipOperator(",")) break;
  }
  m_stream.expectOperator("]");
  if (tuple.parts.size() != 1) m_stream.fail("several indices in [] are not supported");
  member.parts.push_back(std::move(tuple.parts.front()));
  return finish(std::move(member));
}

// An expression, or from:to:step with any of them left out.
ExpressionPointer ExpressionParser::parseIndex() {
  Expression slice = begin(ExpressionKind::Slice);
  const auto bound = [this]() -> ExpressionPointer {
    if (m_stream.atOperator(":") || m_stream.atOperator("]") || m_stream.atOperator(",")) return nullptr;
    return parseExpression();
  };
  slice.parts.push_back(bound());
  if (!m_stream.atOperator(":")) {
    if (!slice.parts.front()) m_stream.failUnexpected("an expression");
    return std::move(slice.parts.front());
  }
  while (slice.parts.size() < 3 && m_stream.skipOperator(":")) slice.parts.push_back(bound());
  slice.parts.resize(3);
  return finish(std::move(slice));
}

ExpressionPointer ExpressionParser::parseCall(ExpressionPointer node) {
  Expression call = begin(ExpressionKind::Call);
  call.parts.push_back(std::move(node));
  parseArguments(call);
  return finish(std::move(call));
}

void ExpressionParser::parseArguments(Expression& call) {
  m_stream.expectOperator("(");
  while (!m_stream.atOperator(")")) {
    if (m_stream.atOperator("*") || m_stream.atOperator("**"))
      m_stream.fail("arguments unpacked with * or ** are not supported");
    const Token& next = m_stream.following();
    if (m_stream.at(TokenKind::Name) && next.kind == TokenKind::Operator && next.text == "=") {
      call.words.push_back(m_stream.takeName());
      m_stream.take();
    } else if (!call.words.empty()) {
      m_stream.fail("an argument without a name follows one with a name");
    }
    call.parts.push_back(parseExpression());
    if (!m_stream.skipOperator(",")) break;
  }
  m_stream.expectOperator(")");
}

}  // namespace kvatlas::text::jinja
