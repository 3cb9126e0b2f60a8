#include "core/base/json_fields.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/error.h"

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

nlohmann::json parseJson(std::string_view text, const std::string& where, int most_depth) {
  try {
    return nlohmann::json::parse(text, [&](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) {
      if (depth > most_depth) fail("{}: not valid here: nested deeper than {} levels", where, most_depth);
      return true;
    });
  } catch (const nlohmann::json::exception& error) {
    fail("{}: not valid JSON: {}", where, problemOf(error.what()));
  }
}

JsonFields::JsonFields(const std::filesystem::path& file, const nlohmann::json& object, std::string prefix)
    : m_file(file), m_object(&object), m_prefix(std::move(prefix)) {
  if (!object.is_object())
    fail("{}: expected a JSON object{}", file.string(), m_prefix.empty() ? "" : " in " + m_prefix);
}

const nlohmann::json* JsonFields::find(const char* field) const {
  const auto found = m_object->find(field);
  return found == m_object->end() || found->is_null() ? nullptr : &*found;
}

bool JsonFields::has(const char* field) const {
  return find(field) != nullptr;
}

void JsonFields::refuse(const char* field, const std::string& expected) const {
  fail("{}: field '{}{}': expected {}, found {}", m_file.string(), m_prefix, field, expected, shown(find(field)));
}

std::uint64_t JsonFields::integer(const char* field, std::uint64_t least, std::uint64_t most,
                                  std::optional<std::uint64_t> fallback) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr && fallback) return *fallback;
  const std::string expected = fmt::format("a whole number from {} to {}", least, most);
  // Accepts 4096.0 too: some exporters write counts as floating point.
  if (value != nullptr && value->is_number_float()) {
    const double number = value->get<double>();
    if (!(number >= 0 && number <= 1e15 && std::floor(number) == number)) refuse(field, expected);
    const auto whole = static_cast<std::uint64_t>(number);
    if (whole < least || whole > most) refuse(field, expected);
    return whole;
  }
  if (value == nullptr || !value->is_number_unsigned()) refuse(field, expected);
  const auto whole = value->get<std::uint64_t>();
  if (whole < least || whole > most) refuse(field, expected);
  return whole;
}

double JsonFields::number(const char* field, double least, double most) const {
  const nlohmann::json* value = find(field);
  const bool inside = value != nullptr && value->is_number() && value->get<double>() >= least &&
                      value->get<double>() <= most && std::isfinite(value->get<double>());
  if (!inside) refuse(field, fmt::format("a number from {} to {}", least, most));
  return value->get<double>();
}

double JsonFields::positive(const char* field, std::optional<double> fallback) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr && fallback) return *fallback;
  if (value == nullptr || !value->is_number()) refuse(field, "a number above 0");
  const double number = value->get<double>();
  if (!std::isfinite(number) || number <= 0) refuse(field, "a number above 0");
  return number;
}

bool JsonFields::boolean(const char* field, bool fallback) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) refuse(field, "true or false");
  return value->get<bool>();
}

std::string JsonFields::text(const char* field, std::optional<std::string> fallback) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr && fallback) return *fallback;
  if (value == nullptr || !value->is_string()) refuse(field, "a string");
  return value->get<std::string>();
}

JsonFields JsonFields::object(const char* field) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr || !value->is_object()) refuse(field, "an object");
  return JsonFields(m_file, *value, m_prefix + field + ".");
}

const nlohmann::json& JsonFields::array(const char* field) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr || !value->is_array()) refuse(field, "a list");
  return *value;
}

}  // namespace kvatlas
