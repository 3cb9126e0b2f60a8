#include "core/base/json_field.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/error.h"
#include "core/base/json_depth.h"

namespace kvatlas {
namespace {

// A value as written in the file, shortened to fit one line.
std::string shown(const nlohmann::json* value) {
  if (value == nullptr) return "nothing";
  if (value->is_number_float() && !std::isfinite(value->get<double>()))
    return std::isnan(value->get<double>()) ? "NaN" : value->get<double>() > 0 ? "Infinity" : "-Infinity";
  if (value->is_structured() && value->size() > 8) return value->is_array() ? "a long list" : "an object";
  std::string text = value->dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  return text;
}

// What the library says, without its own number and without a long piece of the file.
std::string problemOf(std::string_view said) {
  constexpr std::size_t kMost = 200;
  if (const auto end = said.find("] "); said.starts_with('[') && end != std::string_view::npos)
    said.remove_prefix(end + 2);
  if (said.size() > kMost) said = said.substr(0, std::min(said.find("; last read: '"), kMost));
  return std::string(said);
}

}  // namespace

nlohmann::json parseJson(std::string_view text, const std::string& where, std::size_t most_depth) {
  // Not in a callback of the parser: with one, it looks through a whole list after each object in it.
  if (isDeeperThan(text, most_depth)) fail("{}: not valid here: nested deeper than {} levels", where, most_depth);
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    fail("{}: not valid JSON: {}", where, problemOf(error.what()));
  }
}

JsonField::JsonField(std::string file, const nlohmann::json& value, std::string path)
    : m_file(std::move(file)), m_value(&value), m_path(std::move(path)) {}

std::string JsonField::where() const {
  return m_path.empty() ? m_file : fmt::format("{}: {}", m_file, m_path);
}

std::string JsonField::pathOf(std::string_view key) const {
  return m_path.empty() ? std::string(key) : fmt::format("{}.{}", m_path, key);
}

void JsonField::complain(std::string_view what) const {
  fail("{}: {}", where(), what);
}

void JsonField::refuse(std::string_view key, std::string_view expected) const {
  fail("{}: field '{}': expected {}, found {}", m_file, pathOf(key), expected, shown(raw(key)));
}

void JsonField::expected(std::string_view what) const {
  const std::string field = m_path.empty() ? "" : fmt::format("field '{}': ", m_path);
  fail("{}: {}expected {}, found {}", m_file, field, what, shown(m_value));
}

const std::string& JsonField::asString() const {
  if (!m_value->is_string()) expected("a string");
  return m_value->get_ref<const std::string&>();
}

std::uint64_t JsonField::asUnsigned() const {
  if (!m_value->is_number_unsigned()) expected("a whole number of 0 or more");
  return m_value->get<std::uint64_t>();
}

std::vector<JsonField> JsonField::elements() const {
  if (!m_value->is_array()) expected("a list");
  std::vector<JsonField> fields;
  fields.reserve(m_value->size());
  for (std::size_t i = 0; i < m_value->size(); ++i)
    fields.emplace_back(m_file, (*m_value)[i], fmt::format("{}[{}]", m_path, i));
  return fields;
}

const nlohmann::json* JsonField::raw(std::string_view key) const {
  if (!m_value->is_object()) expected("a JSON object");
  const auto found = m_value->find(key);
  return found == m_value->end() || found->is_null() ? nullptr : &*found;
}

std::optional<JsonField> JsonField::find(std::string_view key) const {
  const nlohmann::json* const found = raw(key);
  if (found == nullptr) return std::nullopt;
  return JsonField(m_file, *found, pathOf(key));
}

JsonField JsonField::at(std::string_view key) const {
  std::optional<JsonField> found = find(key);
  if (!found) complain(fmt::format("'{}' is missing", key));
  return *std::move(found);
}

std::uint64_t JsonField::integer(std::string_view key, std::uint64_t least, std::uint64_t most,
                                 std::optional<std::uint64_t> fallback) const {
  const nlohmann::json* value = raw(key);
  if (value == nullptr && fallback) return *fallback;
  const std::string expected = fmt::format("a whole number from {} to {}", least, most);
  // Accepts 4096.0 too: some exporters write counts as floating point.
  if (value != nullptr && value->is_number_float()) {
    const double number = value->get<double>();
    if (!(number >= 0 && number <= 1e15 && std::floor(number) == number)) refuse(key, expected);
    const auto whole = static_cast<std::uint64_t>(number);
    if (whole < least || whole > most) refuse(key, expected);
    return whole;
  }
  if (value == nullptr || !value->is_number_unsigned()) refuse(key, expected);
  const auto whole = value->get<std::uint64_t>();
  if (whole < least || whole > most) refuse(key, expected);
  return whole;
}

double JsonField::number(std::string_view key, double least, double most) const {
  const nlohmann::json* value = raw(key);
  const bool inside = value != nullptr && value->is_number() && value->get<double>() >= least &&
                      value->get<double>() <= most && std::isfinite(value->get<double>());
  if (!inside) refuse(key, fmt::format("a number from {} to {}", least, most));
  return value->get<double>();
}

double JsonField::positive(std::string_view key, std::optional<double> fallback) const {
  const nlohmann::json* value = raw(key);
  if (value == nullptr && fallback) return *fallback;
  if (value == nullptr || !value->is_number()) refuse(key, "a number above 0");
  const double number = value->get<double>();
  if (!std::isfinite(number) || number <= 0) refuse(key, "a number above 0");
  return number;
}

bool JsonField::boolean(std::string_view key, bool fallback) const {
  const nlohmann::json* value = raw(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) refuse(key, "true or false");
  return value->get<bool>();
}

std::string JsonField::text(std::string_view key, std::optional<std::string> fallback) const {
  const nlohmann::json* value = raw(key);
  if (value == nullptr && fallback) return *fallback;
  if (value == nullptr || !value->is_string()) refuse(key, "a string");
  return value->get<std::string>();
}

JsonField JsonField::object(std::string_view key) const {
  const nlohmann::json* value = raw(key);
  if (value == nullptr || !value->is_object()) refuse(key, "an object");
  return {m_file, *value, pathOf(key)};
}

const nlohmann::json& JsonField::array(std::string_view key) const {
  const nlohmann::json* value = raw(key);
  if (value == nullptr || !value->is_array()) refuse(key, "a list");
  return *value;
}

}  // namespace kvatlas
