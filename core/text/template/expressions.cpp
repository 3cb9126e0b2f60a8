// The expressions of a template as Jinja2 evaluates them.
#include <fmt/format.h>

#include "core/text/template/compare.h"
#include "core/text/template/interpreter.h"
#include "core/text/template/operators.h"
#include "core/text/template/python_text.h"

namespace kvatlas::text::jinja {

Value Interpreter::evaluate(const Expression& expression) {
  const Level level(*this);
  m_line = expression.line;
  return evaluateKind(expression);
}

Value Interpreter::evaluateKind(const Expression& expression) {
  switch (expression.kind) {
    case ExpressionKind::Constant:
      return expression.value;
    case ExpressionKind::Captured:
      return m_captured;
    case ExpressionKind::Name:
      return evaluateName(expression);
    case ExpressionKind::List:
    case ExpressionKind::Tuple:
      return evaluateSequence(expression);
    case ExpressionKind::Dict:
      return evaluateDict(expression);
    case ExpressionKind::Attribute:
    case ExpressionKind::Item:
      return evaluateItem(expression);
    case ExpressionKind::Call:
    case ExpressionKind::Filter:
    case ExpressionKind::Test:
      return evaluateCall(expression);
    case ExpressionKind::Not:
      return !isTrue(evaluate(*expression.parts[0]));
    case ExpressionKind::Negative:
      return negated(evaluate(*expression.parts[0]));
    case ExpressionKind::Positive:
      return negated(negated(evaluate(*expression.parts[0])));
    case ExpressionKind::Arithmetic:
      return evaluateArithmetic(expression);
    case ExpressionKind::Concat:
      return evaluateConcat(expression);
    case ExpressionKind::Compare:
      return evaluateCompare(expression);
    case ExpressionKind::And:
    case ExpressionKind::Or:
      return evaluateLogic(expression);
    case ExpressionKind::Conditional:
      return evaluateConditional(expression);
    case ExpressionKind::Slice:
      break;
  }
  throw Failure("a slice stands outside []");
}

Value Interpreter::evaluateName(const Expression& expression) {
  for (const Scope* scope = m_scope.get(); scope; scope = scope->parent.get())
    if (const auto found = scope->names.find(expression.name); found != scope->names.end()) return found->second;
  if (const Value* given = m_variables.find(std::string_view(expression.name))) return *given;
  if (auto function = findGlobal(expression.name)) return *std::move(function);
  m_runtime.work.charge(64);
  return Value::undefined(fmt::format("'{}' is undefined", expression.name));
}

Value Interpreter::evaluateSequence(const Expression& expression) {
  std::vector<Value> items;
  for (const ExpressionPointer& part : expression.parts) items.push_back(evaluate(*part));
  const auto kind = expression.kind == ExpressionKind::List ? SequenceKind::List : SequenceKind::Tuple;
  return m_runtime.work.sequence(kind, std::move(items));
}

Value Interpreter::evaluateDict(const Expression& expression) {
  Dict dict;
  m_runtime.work.chargeItems(1 + 2 * expression.parts.size());
  for (std::size_t i = 0; i + 1 < expression.parts.size(); i += 2) {
    const Value key = evaluate(*expression.parts[i]);
    m_runtime.work.charge(key.asText() ? key.asText()->size() : 0);
    dict.set(key, evaluate(*expression.parts[i + 1]));
  }
  return makeDict(std::move(dict));
}

Value Interpreter::evaluateItem(const Expression& expression) {
  const Value value = evaluate(*expression.parts[0]);
  if (expression.kind == ExpressionKind::Attribute) {
    m_line = expression.line;
    return attributeOf(value, expression.name, m_runtime);
  }
  const Expression& index = *expression.parts[1];
  if (index.kind != ExpressionKind::Slice) {
    const Value key = evaluate(index);
    m_line = expression.line;
    return itemOf(value, key, m_runtime);
  }
  std::vector<Value> bounds;
  for (const ExpressionPointer& bound : index.parts) bounds.push_back(bound ? evaluate(*bound) : Value(None{}));
  m_line = expression.line;
  return sliceOf(value, bounds, m_runtime);
}

Arguments Interpreter::evaluateArguments(const Expression& expression) {
  Arguments arguments;
  const std::size_t positional = expression.parts.size() - expression.words.size();
  for (std::size_t i = 1; i < expression.parts.size(); ++i) {
    Value value = evaluate(*expression.parts[i]);
    if (i < positional)
      arguments.positional.push_back(std::move(value));
    else
      arguments.keywords.emplace_back(expression.words[i - positional], std::move(value));
  }
  return arguments;
}

Value Interpreter::evaluateCall(const Expression& expression) {
  const Value value = evaluate(*expression.parts[0]);
  const Arguments arguments = evaluateArguments(expression);
  m_line = expression.line;
  if (expression.kind == ExpressionKind::Filter) return applyFilter(expression.name, value, arguments, m_runtime);
  if (expression.kind == ExpressionKind::Test) return applyTest(expression.name, value, arguments, m_runtime);
  requireDefined(value);
  if (value.is<MethodPointer>()) return callMethod(*value.as<MethodPointer>(), arguments, m_runtime);
  if (value.is<GlobalFunction>()) return callGlobal(value.as<GlobalFunction>().name, arguments, m_runtime);
  if (value.is<const Macro*>()) return callMacro(*value.as<const Macro*>(), arguments);
  throw Failure(fmt::format("a value of type {} cannot be called", typeName(value)));
}

Value Interpreter::evaluateArithmetic(const Expression& expression) {
  Value result = evaluate(*expression.parts[0]);
  for (std::size_t i = 0; i < expression.words.size(); ++i) {
    const Value operand = evaluate(*expression.parts[i + 1]);
    m_line = expression.parts[i + 1]->line;
    result = calculate(expression.words[i], result, operand, m_runtime);
  }
  return result;
}

Value Interpreter::evaluateConcat(const Expression& expression) {
  std::string out;
  for (const ExpressionPointer& part : expression.parts) {
    const Value value = evaluate(*part);
    const std::string text = toText(value, m_runtime.work);
    m_runtime.work.charge(text.size());
    out += text;
  }
  return m_runtime.work.text(std::move(out));
}

bool Interpreter::compare(std::string_view symbol, const Value& left, const Value& right) {
  Work& work = m_runtime.work;
  if (symbol == "==") return equal(left, right, work);
  if (symbol == "!=") return !equal(left, right, work);
  if (symbol == "<") return less(left, right, work);
  if (symbol == ">") return less(right, left, work, ">");
  if (symbol == "<=") return less(left, right, work, "<=") || equal(left, right, work);
  if (symbol == ">=") return less(right, left, work, ">=") || equal(left, right, work);
  return contains(right, left, m_runtime) == (symbol == "in");
}

Value Interpreter::evaluateCompare(const Expression& expression) {
  Value left = evaluate(*expression.parts[0]);
  for (std::size_t i = 0; i < expression.words.size(); ++i) {
    Value right = evaluate(*expression.parts[i + 1]);
    m_line = expression.parts[i + 1]->line;
    if (!compare(expression.words[i], left, right)) return false;
    left = std::move(right);
  }
  return true;
}

// The operand that decides, not its truth, as in Python.
Value Interpreter::evaluateLogic(const Expression& expression) {
  const bool ends = expression.kind == ExpressionKind::Or;
  for (std::size_t i = 0; i + 1 < expression.parts.size(); ++i)
    if (Value value = evaluate(*expression.parts[i]); isTrue(value) == ends) return value;
  return evaluate(*expression.parts.back());
}

Value Interpreter::evaluateConditional(const Expression& expression) {
  if (isTrue(evaluate(*expression.parts[1]))) return evaluate(*expression.parts[0]);
  if (expression.parts[2]) return evaluate(*expression.parts[2]);
  return Value::undefined("an inline 'if' without 'else' was not true");
}

}  // namespace kvatlas::text::jinja
