#include "core/text/template/template.h"

#include "core/base/error.h"
#include "core/text/template/interpreter.h"
#include "core/text/template/lexer.h"
#include "core/text/template/parser.h"

namespace kvatlas::text::jinja {
namespace {

using nlohmann::ordered_json;

Value valueOf(const ordered_json& json, std::uint64_t& bytes) {
  bytes += 64;
  switch (json.type()) {
    case ordered_json::value_t::null:
      return None{};
    case ordered_json::value_t::boolean:
      return json.get<bool>();
    case ordered_json::value_t::number_integer:
    case ordered_json::value_t::number_unsigned:
      return json.get<std::int64_t>();
    case ordered_json::value_t::number_float:
      return json.get<double>();
    case ordered_json::value_t::string:
      bytes += json.get_ref<const std::string&>().size();
      return Value::text(json.get<std::string>());
    case ordered_json::value_t::array: {
      std::vector<Value> items;
      for (const ordered_json& item : json) items.push_back(valueOf(item, bytes));
      return makeSequence(SequenceKind::List, std::move(items));
    }
    default: {
      Dict dict;
      for (const auto& [key, value] : json.items()) dict.set(Value::text(key), valueOf(value, bytes));
      return makeDict(std::move(dict));
    }
  }
}

}  // namespace

Template::Template(std::string_view source, std::string name, const Limits& limits)
    : m_name(std::move(name)), m_limits(limits) {
  try {
    m_block = parseTemplate(source, m_limits);
  } catch (const SyntaxError& error) {
    fail("{}: line {}: {}", m_name, error.line(), error.what());
  } catch (const Failure& failure) {
    fail("{}: {}", m_name, failure.what());
  }
}

Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

std::string Template::render(const ordered_json& variables, const DateTime& now) const {
  std::uint32_t line = 0;
  try {
    std::uint64_t bytes = 0;
    const Value given = valueOf(variables, bytes);
    const Dict none;
    Interpreter interpreter(m_block, given.asDict() ? *given.asDict() : none, m_limits, now, bytes);
    try {
      return interpreter.run();
    } catch (const Failure&) {
      line = interpreter.line();
      throw;
    }
  } catch (const Failure& failure) {
    if (failure.refused())
      failUsage("{}: line {}: the template refuses the conversation: {}", m_name, line, failure.what());
    if (line == 0) fail("{}: {}", m_name, failure.what());
    fail("{}: line {}: {}", m_name, line, failure.what());
  }
}

}  // namespace kvatlas::text::jinja
