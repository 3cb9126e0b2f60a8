#include "core/policy/parameters.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/policy/merging.h"
#include "core/policy/parts.h"

namespace kvatlas::policy {
namespace {

std::optional<double> parseNumber(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, value);
  if (text.empty() || code != std::errc() || rest != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<std::int64_t> parseInteger(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, value);
  if (text.empty() || code != std::errc() || rest != end) return std::nullopt;
  return value;
}

std::vector<std::string> choices(std::string_view values) {
  std::vector<std::string> list;
  for (std::size_t begin = 0; begin <= values.size();) {
    const std::size_t end = std::min(values.find('|', begin), values.size());
    list.emplace_back(values.substr(begin, end - begin));
    begin = end + 1;
  }
  return list;
}

// A choice among the rows of a table of parts; those that keep the whole prompt are of the full cache alone.
template <class Part>
ParameterSpec partParameter(std::string_view name, std::span<const Part> parts, std::string_view meaning) {
  static std::map<std::string_view, std::string> values;  // [name]: lives as long as the programme
  std::string& list = values[name];
  for (const Part& part : parts)
    if (part.name != "everything") list.append(list.empty() ? "" : "|").append(part.name);
  return {.name = name,
          .values = list,
          .default_value = "of the method",
          .paper_value = "of the method",
          .meaning = meaning,
          .changes_score = true};
}

bool inRange(const ParameterSpec& spec, double value) {
  return value >= spec.lowest && value <= spec.highest;
}

bool acceptable(const ParameterSpec& spec, std::string_view value) {
  if (spec.kind == ParameterKind::Number) {
    const auto number = parseNumber(value);
    return number && inRange(spec, *number);
  }
  const auto integer = parseInteger(value);
  if (!integer || !inRange(spec, static_cast<double>(*integer))) return false;
  return spec.kind == ParameterKind::Integer || *integer % 2 != 0;
}

}  // namespace

void checkParameter(std::string_view method, const ParameterSpec& spec, std::string_view value) {
  if (spec.kind == ParameterKind::Choice) {
    const std::vector<std::string> known = choices(spec.values);
    if (std::find(known.begin(), known.end(), value) != known.end()) return;
    failUsage("method '{}': '{}' is not a value of parameter '{}'{}", method, value, spec.name,
              suggestion(value, known));
  }
  if (spec.kind == ParameterKind::Text ? value.empty() : !acceptable(spec, value))
    failUsage("method '{}': parameter '{}' must be {}, not '{}'", method, spec.name, spec.values, value);
}

std::string_view presetValue(const ParameterSpec& spec, Preset preset) {
  if (preset == Preset::Kvpress && !spec.kvpress_value.empty()) return spec.kvpress_value;
  return preset == Preset::Paper ? spec.paper_value : spec.default_value;
}

std::span<const ParameterSpec> commonParameters() {
  static const std::vector<ParameterSpec> common{
      partParameter("allocate", allocateParts(), "how many tokens each head keeps"),
      partParameter("select", selectParts(), "which tokens a head keeps"),
      partParameter("values", valuesParts(), "what scores are multiplied by"),
      partParameter("merge", mergeParts(), "what becomes of evicted tokens"),
      partParameter("store", storeParts(), "how keys and values are kept, bits=2|4|8 for short"),
      kEveryParameter};
  return common;
}

const ParameterSpec* findParameter(const Method& method, std::string_view name) {
  const auto named = [&](const ParameterSpec& spec) { return spec.name == name; };
  if (const auto own = std::ranges::find_if(method.parameters, named); own != method.parameters.end()) return &*own;
  if (method.keeps_everything) return nullptr;
  const std::span<const ParameterSpec> parts = commonParameters();
  const auto common = std::ranges::find_if(parts, named);
  return common == parts.end() ? nullptr : &*common;
}

SignalSet commonOf(SignalSet a, SignalSet b) {
  SignalSet common;
  for (const Signal signal : a.members())
    if (b.contains(signal)) common |= {signal};
  return common;
}

std::string everyObstacle(const Method& method) {
  if (method.keeps_everything) return "every token is kept";
  if (method.reads_pages) return "nothing is evicted, and each query chooses anew";
  if (method.store->decides_once) return fmt::format("store={} pairs what the prompt's end keeps", method.store->name);
  for (const Signal needed : method.needs.members())
    if (!(kSignalsWhileDecoding | kSignalsOfEntries).contains(needed))
      return fmt::format("the signal '{}' is known for the prompt only", nameOf(needed));
  return {};
}

std::uint32_t everyOf(const std::map<std::string, std::string, std::less<>>& parameters) {
  const auto found = parameters.find(kEveryParameter.name);
  if (found == parameters.end()) return 0;
  return static_cast<std::uint32_t>(parseInteger(found->second).value_or(0));
}

std::uint32_t everyOf(const MethodRequest& request) {
  ParameterValues values = request.given;
  for (const ParameterSpec& spec : request.method->parameters) values.emplace(spec.name, spec.default_value);
  return everyOf(values);
}

std::string_view textParameter(const Setting& setting, std::string_view name) {
  const auto found = setting.parameters.find(name);
  if (found == setting.parameters.end()) fail("the setting lacks parameter '{}'", name);
  return found->second;
}

std::int64_t integerParameter(const Setting& setting, std::string_view name) {
  const auto value = parseInteger(textParameter(setting, name));
  if (!value) fail("parameter '{}' is not an integer: '{}'", name, textParameter(setting, name));
  return *value;
}

double numberParameter(const Setting& setting, std::string_view name) {
  const auto value = parseNumber(textParameter(setting, name));
  if (!value) fail("parameter '{}' is not a number: '{}'", name, textParameter(setting, name));
  return *value;
}

}  // namespace kvatlas::policy
