#include "core/text/template/interpreter.h"

#include <fmt/format.h>

#include <utility>

#include "core/text/template/python_text.h"

namespace kvatlas::text::jinja {

Interpreter::Interpreter(const Block& block, const Dict& variables, const Limits& limits, const DateTime& now,
                         std::uint64_t input_bytes)
    : m_block(block),
      m_variables(variables),
      m_limits(limits),
      m_runtime{.work = Work(limits, input_bytes),
                .now = now,
                .makeNamespace =
                    [this] {
                      m_runtime.work.charge(256);
                      return &m_namespaces.emplace_back();
                    }},
      m_scope(std::make_shared<Scope>()) {}

std::string Interpreter::run() {
  std::string out;
  m_out = &out;
  runBlock(m_block);
  return out;
}

void Interpreter::append(const std::string& text) {
  m_runtime.work.charge(text.size());
  *m_out += text;
}

Interpreter::Flow Interpreter::runBlock(const Block& block) {
  const Level level(*this);
  for (const Statement& statement : block) {
    m_runtime.work.step();
    m_line = statement.line;
    if (const Flow flow = runStatement(statement); flow != Flow::Next) return flow;
  }
  return Flow::Next;
}

Interpreter::Flow Interpreter::runStatement(const Statement& statement) {
  switch (statement.kind) {
    case StatementKind::Data:
      append(statement.text);
      return Flow::Next;
    case StatementKind::Output:
      runOutput(*statement.value);
      return Flow::Next;
    case StatementKind::If:
      return runIf(statement);
    case StatementKind::For:
      return runFor(statement);
    case StatementKind::Set:
      assign(statement.targets.front(), evaluate(*statement.value));
      return Flow::Next;
    case StatementKind::SetBlock:
      m_captured = captured(*statement.body);
      assign(statement.targets.front(), statement.value ? evaluate(*statement.value) : m_captured);
      return Flow::Next;
    case StatementKind::Macro:
      runMacro(statement);
      return Flow::Next;
    case StatementKind::FilterBlock:
      m_captured = captured(*statement.body);
      runOutput(*statement.value);
      return Flow::Next;
    case StatementKind::Scope:
      return runScoped(*statement.body);
    case StatementKind::With:
      return runWith(statement);
    case StatementKind::Break:
      return Flow::Break;
    case StatementKind::Continue:
      return Flow::Continue;
  }
  return Flow::Next;
}

void Interpreter::runOutput(const Expression& expression) {
  const Expression* printed = &expression;
  // Nothing is escaped, so a value marked as safe prints as it is.
  while (printed->kind == ExpressionKind::Filter && printed->name == "safe" && printed->parts.size() == 1)
    printed = printed->parts.front().get();
  const Value value = evaluate(*printed);
  m_line = expression.line;
  if (value.asText())
    append(*value.asText());
  else
    append(toText(value, m_runtime.work));
}

Interpreter::Flow Interpreter::runIf(const Statement& statement) {
  for (const Branch& branch : statement.branches)
    if (!branch.condition || isTrue(evaluate(*branch.condition))) return runBlock(*branch.body);
  return Flow::Next;
}

Interpreter::Flow Interpreter::runScoped(const Block& block) {
  const ScopePointer outer = m_scope;
  m_runtime.work.charge(256);
  m_scope = std::make_shared<Scope>(Scope{.names = {}, .parent = outer});
  const Flow flow = runBlock(block);
  m_scope = outer;
  return flow;
}

Value Interpreter::captured(const Block& block) {
  std::string text;
  std::string* const outer = std::exchange(m_out, &text);
  runScoped(block);
  m_out = outer;
  return m_runtime.work.text(std::move(text));
}

Interpreter::Flow Interpreter::runFor(const Statement& statement) {
  const Value source = evaluate(*statement.value);
  m_line = statement.line;
  m_runtime.work.charge(512);
  Loop& loop = m_loops.emplace_back();
  loop.items = itemsOf(source, m_runtime);
  const ScopePointer outer = m_scope;
  const auto inner = [this, outer, &statement](const Value& item) {
    m_runtime.work.charge(256);
    m_scope = std::make_shared<Scope>(Scope{.names = {}, .parent = outer});
    assign(statement.targets.front(), item);
  };
  if (statement.condition)
    loop.condition = [this, inner, &statement](const Value& item) {
      const ScopePointer before = m_scope;
      inner(item);
      const bool holds = isTrue(evaluate(*statement.condition));
      m_scope = before;
      return holds;
    };
  Flow flow = Flow::Next;
  while (flow != Flow::Break && loop.advance()) {
    inner(*loop.current);
    m_scope->names.insert_or_assign("loop", &loop);
    flow = runBlock(*statement.body);
    m_scope = outer;
  }
  m_scope = outer;
  return loop.index0 < 0 && statement.otherwise ? runScoped(*statement.otherwise) : Flow::Next;
}

Interpreter::Flow Interpreter::runWith(const Statement& statement) {
  std::vector<Value> values;
  for (const ExpressionPointer& value : statement.defaults) values.push_back(evaluate(*value));
  const ScopePointer outer = m_scope;
  m_scope = std::make_shared<Scope>(Scope{.names = {}, .parent = outer});
  for (std::size_t i = 0; i < values.size(); ++i) assign(statement.targets[i], values[i]);
  const Flow flow = runBlock(*statement.body);
  m_scope = outer;
  return flow;
}

void Interpreter::runMacro(const Statement& statement) {
  m_runtime.work.charge(256);
  const Macro& macro = m_macros.emplace_back(Macro{.definition = &statement, .scope = m_scope});
  m_scope->names.insert_or_assign(statement.text, &macro);
}

Value Interpreter::callMacro(const Macro& macro, const Arguments& arguments) {
  const Statement& definition = *macro.definition;
  const std::size_t count = definition.targets.size(), first_default = count - definition.defaults.size();
  if (arguments.positional.size() > count)
    throw Failure(fmt::format("the macro '{}' takes {} arguments at most", definition.text, count));
  std::vector<const Value*> given(count, nullptr);
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) given[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.keywords) {
    std::size_t at = 0;
    while (at < count && definition.targets[at].name != name) ++at;
    if (at == count || given[at])
      throw Failure(fmt::format("the macro '{}' takes no argument '{}' here", definition.text, name));
    given[at] = &value;
  }
  const ScopePointer outer = m_scope;
  m_runtime.work.charge(256);
  m_scope = std::make_shared<Scope>(Scope{.names = {}, .parent = macro.scope});
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& name = definition.targets[i].name;
    if (given[i])
      assign(definition.targets[i], *given[i]);
    else if (i >= first_default)
      assign(definition.targets[i], evaluate(*definition.defaults[i - first_default]));
    else
      assign(definition.targets[i], Value::undefined(fmt::format("the argument '{}' of a macro is not given", name)));
  }
  const Value text = captured(*definition.body);
  m_scope = outer;
  return text;
}

void Interpreter::assign(const Target& target, const Value& value) {
  if (target.is_tuple) {
    requireDefined(value);
    const std::vector<Value> items = itemsOf(value, m_runtime);
    if (items.size() != target.parts.size())
      throw Failure(fmt::format("{} values cannot be given to {} names", items.size(), target.parts.size()));
    for (std::size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i]);
    return;
  }
  m_runtime.work.charge(96);
  if (target.member.empty()) {
    m_scope->names.insert_or_assign(target.name, value);
    return;
  }
  Expression name;
  name.kind = ExpressionKind::Name;
  name.name = target.name;
  const Value space = evaluateName(name);
  if (!space.is<Namespace*>())
    throw Failure(fmt::format("'{}' is no namespace: its member '{}' cannot be set", target.name, target.member));
  if (target.member.starts_with("_")) throw Failure("names of a namespace that begin with '_' are refused");
  space.as<Namespace*>()->members[target.member] = value;
}

}  // namespace kvatlas::text::jinja
