// Runs the tree of a template: one object for one rendering.
#pragma once

#include <deque>
#include <map>

#include "core/text/template/loop.h"
#include "core/text/template/syntax.h"

namespace kvatlas::text::jinja {

// The names that a block sets, within those around it.
struct Scope {
  std::map<std::string, Value, std::less<>> names;
  std::shared_ptr<Scope> parent;
};
using ScopePointer = std::shared_ptr<Scope>;

struct Macro {
  const Statement* definition;
  ScopePointer scope;  // where it was defined
};

class Interpreter {
 public:
  // Everything given has to outlive the object.
  Interpreter(const Block& block, const Dict& variables, const Limits& limits, const DateTime& now,
              std::uint64_t input_bytes);

  // The text. Failure; line() then tells where.
  [[nodiscard]] std::string run();
  [[nodiscard]] std::uint32_t line() const { return m_line; }

 private:
  enum class Flow { Next, Break, Continue };
  class Level;  // counts how deep evaluation stands

  Flow runBlock(const Block& block);
  Flow runStatement(const Statement& statement);
  Flow runIf(const Statement& statement);
  Flow runFor(const Statement& statement);
  Flow runWith(const Statement& statement);
  void runOutput(const Expression& expression);
  void runMacro(const Statement& statement);
  // The text of a block with names of its own.
  Value captured(const Block& block);
  // The block in a scope of its own.
  Flow runScoped(const Block& block);
  void assign(const Target& target, const Value& value);
  void append(const std::string& text);

  Value evaluate(const Expression& expression);
  Value evaluateKind(const Expression& expression);
  Value evaluateName(const Expression& expression);
  Value evaluateSequence(const Expression& expression);
  Value evaluateDict(const Expression& expression);
  Value evaluateItem(const Expression& expression);
  Value evaluateCall(const Expression& expression);
  Value evaluateArithmetic(const Expression& expression);
  Value evaluateConcat(const Expression& expression);
  Value evaluateCompare(const Expression& expression);
  Value evaluateLogic(const Expression& expression);
  Value evaluateConditional(const Expression& expression);
  bool compare(std::string_view symbol, const Value& left, const Value& right);
  Arguments evaluateArguments(const Expression& expression);
  Value callMacro(const Macro& macro, const Arguments& arguments);

  const Block& m_block;
  const Dict& m_variables;
  const Limits& m_limits;
  Runtime m_runtime;
  ScopePointer m_scope;
  std::deque<Namespace> m_namespaces;
  std::deque<Loop> m_loops;
  std::deque<Macro> m_macros;
  std::string* m_out = nullptr;
  Value m_captured;
  std::uint32_t m_line = 1;
  unsigned m_depth = 0;
};

class Interpreter::Level {
 public:
  explicit Level(Interpreter& interpreter) : m_interpreter(interpreter) {
    if (++interpreter.m_depth > interpreter.m_limits.evaluation_depth)
      throw Failure("macros or expressions lie too deep in each other");
    interpreter.m_runtime.work.step();
  }
  ~Level() { --m_interpreter.m_depth; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

 private:
  Interpreter& m_interpreter;
};

}  // namespace kvatlas::text::jinja
