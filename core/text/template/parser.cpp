#include "core/text/template/parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/text/template/expression_parser.h"

namespace kvatlas::text::jinja {
namespace {

class Parser {
 public:
  Parser(std::string_view source, const Limits& limits) : m_stream(tokenize(source), limits), m_expressions(m_stream) {}

  Block run() {
    Block block = parseBlock({});
    if (!m_stream.at(TokenKind::End)) m_stream.failUnexpected("the end of the template");
    return block;
  }

 private:
  using Words = std::initializer_list<std::string_view>;

  // Up to the tag, not included, whose word is one of `ends`; with none, to the end of the template.
  Block parseBlock(Words ends, std::string_view opened = {}, std::uint32_t opened_line = 0) {
    const TokenStream::Level level(m_stream);
    Block block;
    while (!m_stream.at(TokenKind::End)) {
      if (m_stream.at(TokenKind::Data)) {
        block.push_back(begin(StatementKind::Data));
        block.back().text = m_stream.take().text;
      } else if (m_stream.at(TokenKind::OutputBegin)) {
        block.push_back(parseOutput());
      } else {
        m_stream.expect(TokenKind::BlockBegin);
        if (m_stream.atAnyName(ends)) return block;
        block.push_back(parseStatement());
        m_stream.expect(TokenKind::BlockEnd);
      }
    }
    if (!opened.empty()) throw SyntaxError(opened_line, fmt::format("the tag '{}' has no end", opened));
    return block;
  }

  std::unique_ptr<Block> parseBody(Words ends, const Statement& opener, std::string_view name) {
    m_stream.skipOperator(":");
    m_stream.expect(TokenKind::BlockEnd);
    return std::make_unique<Block>(parseBlock(ends, name, opener.line));
  }

  // A body whose text is caught: a loop around it cannot be left from inside.
  std::unique_ptr<Block> parseCaughtBody(Words ends, const Statement& opener, std::string_view name) {
    const unsigned loops = std::exchange(m_loops, 0);
    std::unique_ptr<Block> body = parseBody(ends, opener, name);
    m_loops = loops;
    m_stream.take();  // the end's word
    return body;
  }

  Statement begin(StatementKind kind) const {
    Statement statement;
    statement.kind = kind;
    statement.line = m_stream.current().line;
    return statement;
  }

  Statement parseOutput() {
    m_stream.take();
    Statement output = begin(StatementKind::Output);
    output.value = m_expressions.parseTuple();
    m_stream.expect(TokenKind::OutputEnd);
    return output;
  }

  Statement parseStatement() {
    using Parse = Statement (Parser::*)();
    static constexpr std::array<std::pair<std::string_view, Parse>, 9> kTags{{{"if", &Parser::parseIf},
                                                                              {"for", &Parser::parseFor},
                                                                              {"set", &Parser::parseSet},
                                                                              {"macro", &Parser::parseMacro},
                                                                              {"filter", &Parser::parseFilterBlock},
                                                                              {"generation", &Parser::parseGeneration},
                                                                              {"with", &Parser::parseWith},
                                                                              {"break", &Parser::parseJump},
                                                                              {"continue", &Parser::parseJump}}};
    for (const auto& [word, parse] : kTags)
      if (m_stream.atName(word)) return (this->*parse)();
    if (!m_stream.at(TokenKind::Name)) m_stream.failUnexpected("the name of a tag");
    const std::string& name = m_stream.current().text;
    if (name.starts_with("end") || name == "else" || name == "elif")
      m_stream.fail(fmt::format("the tag '{}' ends or continues nothing here", name));
    m_stream.fail(fmt::format("the tag '{}' is not supported", name));
  }

  Statement parseIf() {
    Statement statement = begin(StatementKind::If);
    bool last = false;
    do {
      const std::string word = m_stream.take().text;  // if, elif, else
      last = word == "else";
      Branch branch;
      if (!last) branch.condition = m_expressions.parseTuple(InlineIf::Refused);
      branch.body =
          last ? parseBody({"endif"}, statement, "if") : parseBody({"elif", "else", "endif"}, statement, "if");
      statement.branches.push_back(std::move(branch));
    } while (!m_stream.atName("endif"));
    m_stream.take();
    return statement;
  }

  Statement parseFor() {
    Statement statement = begin(StatementKind::For);
    m_stream.take();
    statement.targets.push_back(parseTarget(false));
    m_stream.expectName("in");
    statement.value = m_expressions.parseTuple(InlineIf::Refused);
    if (m_stream.skipName("if")) statement.condition = m_expressions.parseExpression();
    if (m_stream.atName("recursive")) m_stream.fail("recursive loops are not supported");
    ++m_loops;
    statement.body = parseBody({"else", "endfor"}, statement, "for");
    --m_loops;
    if (m_stream.skipName("else")) statement.otherwise = parseBody({"endfor"}, statement, "for");
    m_stream.expectName("endfor");
    return statement;
  }

  Statement parseSet() {
    Statement statement = begin(StatementKind::Set);
    m_stream.take();
    statement.targets.push_back(parseTarget(true));
    if (m_stream.skipOperator("=")) {
      statement.value = m_expressions.parseTuple();
      return statement;
    }
    statement.kind = StatementKind::SetBlock;
    if (m_stream.atOperator("|")) statement.value = m_expressions.parseFiltersOfCaptured(false);
    statement.body = parseCaughtBody({"endset"}, statement, "set");
    return statement;
  }

  Statement parseMacro() {
    Statement statement = begin(StatementKind::Macro);
    m_stream.take();
    statement.text = m_stream.takeName();
    m_stream.expectOperator("(");
    while (!m_stream.atOperator(")")) {
      statement.targets.push_back(nameTarget());
      if (m_stream.skipOperator("="))
        statement.defaults.push_back(m_expressions.parseExpression());
      else if (!statement.defaults.empty())
        m_stream.fail("a parameter without a default follows one with a default");
      if (!m_stream.skipOperator(",")) break;
    }
    m_stream.expectOperator(")");
    statement.body = parseCaughtBody({"endmacro"}, statement, "macro");
    return statement;
  }

  Statement parseFilterBlock() {
    Statement statement = begin(StatementKind::FilterBlock);
    m_stream.take();
    statement.value = m_expressions.parseFiltersOfCaptured(true);
    statement.body = parseCaughtBody({"endfilter"}, statement, "filter");
    return statement;
  }

  // Transformers marks what the model says with it; the text stays as it is.
  Statement parseGeneration() {
    Statement statement = begin(StatementKind::Scope);
    m_stream.take();
    statement.body = parseCaughtBody({"endgeneration"}, statement, "generation");
    return statement;
  }

  Statement parseWith() {
    Statement statement = begin(StatementKind::With);
    m_stream.take();
    while (!m_stream.at(TokenKind::BlockEnd)) {
      if (!statement.targets.empty()) m_stream.expectOperator(",");
      statement.targets.push_back(parseTarget(false));
      m_stream.expectOperator("=");
      statement.defaults.push_back(m_expressions.parseExpression());
    }
    statement.body = parseBody({"endwith"}, statement, "with");
    m_stream.take();
    return statement;
  }

  Statement parseJump() {
    Statement statement = begin(m_stream.atName("break") ? StatementKind::Break : StatementKind::Continue);
    if (m_loops == 0) m_stream.fail(fmt::format("'{}' stands in no loop that it can leave", m_stream.current().text));
    m_stream.take();
    return statement;
  }

  Target nameTarget() {
    Target target{.name = m_stream.takeName(), .member = {}, .parts = {}};
    static constexpr std::string_view kTaken[] = {"true", "True", "false", "False", "none", "None"};
    if (std::ranges::find(kTaken, target.name) != std::end(kTaken))
      m_stream.fail(fmt::format("'{}' cannot be given a value", target.name));
    return target;
  }

  // name, name.member (where `members`), (targets), or several with commas.
  Target parseTarget(bool members) {
    const TokenStream::Level level(m_stream);
    Target tuple{.name = {}, .member = {}, .parts = {}, .is_tuple = true};
    bool comma = false;
    do {
      if (comma && (m_stream.atName("in") || m_stream.atOperator("=") || m_stream.atOperator(")"))) break;
      if (m_stream.skipOperator("(")) {
        tuple.parts.push_back(parseTarget(members));
        m_stream.expectOperator(")");
      } else {
        tuple.parts.push_back(nameTarget());
        if (members && m_stream.skipOperator(".")) tuple.parts.back().member = m_stream.takeName();
      }
      comma = m_stream.skipOperator(",");
      if (!comma && tuple.parts.size() == 1) return std::move(tuple.parts.front());
    } while (comma);
    return tuple;
  }

  TokenStream m_stream;
  ExpressionParser m_expressions;
  unsigned m_loops = 0;  // around the place, in the same body
};

}  // namespace

Block parseTemplate(std::string_view source, const Limits& limits) {
  if (source.size() > limits.source_bytes)
    throw SyntaxError(1, fmt::format("the template has {} bytes, more than the {} that are read", source.size(),
                                     limits.source_bytes));
  return Parser(source, limits).run();
}

}  // namespace kvatlas::text::jinja
