// The filters of Jinja2 that chat templates use, with tojson as Transformers has it. Filters of sequences are in
// sequence_filters.cpp.
#include "core/text/template/filters.h"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "core/base/utf8.h"
#include "core/text/template/letters.h"
#include "core/text/template/literals.h"
#include "core/text/template/python_text.h"
#include "core/text/template/text_search.h"

namespace kvatlas::text::jinja {
namespace {

const std::string kNothing;

Value asText(const Filtered& call, std::string text) {
  return call.runtime.work.text(std::move(text));
}

std::string textOf(const Filtered& call) {
  call.runtime.work.charge(call.value.asText() ? call.value.asText()->size() : 0);
  return toText(call.value, call.runtime.work);
}

Value filterTrim(const Filtered& call) {
  const Bound bound(call.called(), call.arguments, {"chars"});
  const Value text = asText(call, textOf(call));
  Arguments arguments;
  if (bound.given(0)) arguments.positional.push_back(*bound.at(0));
  return callTextMethod(*text.asText(), "strip", arguments, call.runtime);
}

// What title() of Jinja2 takes for the beginning of a word: what follows these, or blanks.
std::string titled(std::string_view text) {
  std::string out, word;
  const auto flush = [&] {
    if (word.empty()) return;
    const std::size_t first = readUtf8(word).length;
    out += upper(word.substr(0, first)) + lower(word.substr(first));
    word.clear();
  };
  for (const std::string_view character : characters(text)) {
    const std::uint32_t code_point = readUtf8(character).code_point;
    if (isBlank(code_point) || std::string_view("-({[<").find(character) != std::string_view::npos) {
      flush();
      out += character;
    } else {
      word += character;
    }
  }
  flush();
  return out;
}

Value filterCase(const Filtered& call) {
  const Bound none(call.called(), call.arguments, {});
  const std::string text = textOf(call);
  call.runtime.work.charge(4 * text.size());
  if (call.name == "upper") return asText(call, upper(text));
  if (call.name == "lower") return asText(call, lower(text));
  return asText(call, call.name == "title" ? titled(text) : capitalized(text));
}

Value filterString(const Filtered& call) {
  const Bound none(call.called(), call.arguments, {});
  if (call.value.asText()) return call.value;
  return asText(call, toText(call.value, call.runtime.work));
}

Value filterReplace(const Filtered& call) {
  const Bound bound(call.called(), call.arguments, {"old", "new", "count"}, 2);
  Work& work = call.runtime.work;
  const std::int64_t most = bound.given(2) && bound.at(2)->is<None>() ? -1 : bound.integer(2, -1);
  return work.text(replaceAll(textOf(call), toText(*bound.at(0), work), toText(*bound.at(1), work), most, work));
}

Value filterDefault(const Filtered& call) {
  const Bound bound(call.called(), call.arguments, {"default_value", "boolean"});
  const bool missing = call.value.is<Undefined>() || (bound.truth(1, false) && !isTrue(call.value));
  if (!missing) return call.value;
  return bound.given(0) ? *bound.at(0) : Value::text("");
}

Value filterInt(const Filtered& call) {
  const Bound bound(call.called(), call.arguments, {"default", "base"});
  requireDefined(call.value);
  const Value otherwise = bound.given(0) ? *bound.at(0) : Value(std::int64_t{0});
  double number = 0;
  if (const std::string* text = call.value.asText()) {
    if (text->size() > 4096) throw Failure("int: the string is too long");
    const std::int64_t base = bound.integer(1, 10);
    if (base != 0 && (base < 2 || base > 36)) return otherwise;
    if (const auto value = parseInteger(*text, static_cast<int>(base))) return *value;
    const auto value = parseFloat(*text);
    if (!value) return otherwise;
    number = *value;
  } else if (call.value.isInteger()) {
    return call.value.integer();
  } else if (call.value.is<double>()) {
    number = call.value.as<double>();
  } else {
    return otherwise;
  }
  if (!std::isfinite(number)) {
    if (std::isinf(number) && call.value.is<double>()) throw Failure("int: infinity is no integer");
    return otherwise;
  }
  if (std::abs(number) >= 0x1p63) throw Failure("integers beyond 64 bits are not supported");
  return static_cast<std::int64_t>(number);
}

Value filterFloat(const Filtered& call) {
  const Bound bound(call.called(), call.arguments, {"default"});
  requireDefined(call.value);
  if (call.value.isNumber()) return call.value.number();
  if (call.value.asText())
    if (const auto value = parseFloat(*call.value.asText())) return *value;
  return bound.given(0) ? *bound.at(0) : Value(0.0);
}

Value filterAbs(const Filtered& call) {
  const Bound none(call.called(), call.arguments, {});
  requireDefined(call.value);
  if (call.value.is<double>()) return std::abs(call.value.as<double>());
  if (!call.value.isInteger()) throw Failure(fmt::format("abs needs a number, not a {}", typeName(call.value)));
  if (call.value.integer() == INT64_MIN) throw Failure("integers beyond 64 bits are not supported");
  return std::abs(call.value.integer());
}

// Correctly rounded, ties to even, as Python's round(): through the shortest decimal that is exact enough.
double roundedTo(double number, std::int64_t digits) {
  if (!std::isfinite(number) || digits > 300) return number;
  if (digits < 0) throw Failure("round: a negative precision is not supported");
  return std::stod(fmt::format("{:.{}f}", number, static_cast<int>(digits)));
}

Value filterRound(const Filtered& call) {
  static const std::string kCommon = "common";
  const Bound bound(call.called(), call.arguments, {"precision", "method"});
  requireDefined(call.value);
  if (!call.value.isNumber()) throw Failure(fmt::format("round needs a number, not a {}", typeName(call.value)));
  const std::string& method = bound.text(1, kCommon);
  const std::int64_t precision = bound.integer(0, 0);
  if (method == "common") {
    if (call.value.isInteger() && precision >= 0) return call.value.integer();
    return roundedTo(call.value.number(), precision);
  }
  if (method != "ceil" && method != "floor") throw Failure("round: the method is common, ceil or floor");
  if (precision < 0 || precision > 300) throw Failure("round: this precision is not supported");
  const double power = std::pow(10.0, static_cast<double>(precision)), scaled = call.value.number() * power;
  return (method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / power;
}

Value filterIndent(const Filtered& call) {
  const Bound bound(call.called(), call.arguments, {"width", "first", "blank"});
  requireDefined(call.value);
  if (!call.value.asText()) throw Failure(fmt::format("indent needs a string, not a {}", typeName(call.value)));
  std::string indent;
  if (bound.given(0) && bound.at(0)->asText()) {
    indent = *bound.at(0)->asText();
  } else {
    const std::int64_t width = bound.integer(0, 4);
    if (width > 10'000) throw Failure("indent: the width is too large");
    indent.assign(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
  }
  const bool blank = bound.truth(2, false);
  const std::string text = *call.value.asText() + "\n";
  call.runtime.work.charge(text.size() * 17);
  std::string out = bound.truth(1, false) ? indent : "";
  bool first = true;
  for (const std::string_view line : splitLines(text, false)) {
    call.runtime.work.charge(indent.size() + line.size() + 1);
    if (!first) out += '\n';
    if (!first && (blank || !line.empty())) out += indent;
    out += line;
    first = false;
  }
  return asText(call, std::move(out));
}

Value filterToJson(const Filtered& call) {
  const Bound bound(call.called(), call.arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style{.ascii = bound.truth(0, false), .sorted = bound.truth(3, false), .indent = {}};
  if (bound.given(1) && !bound.at(1)->is<None>()) {
    style.item_separator = ",";
    if (bound.at(1)->asText()) {
      style.indent = *bound.at(1)->asText();
    } else {
      const std::int64_t width = bound.integer(1, 0);
      if (width > 1000) throw Failure("tojson: the indent is too large");
      style.indent.emplace(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
    }
  }
  if (bound.given(2) && !bound.at(2)->is<None>()) {
    const Sequence* pair = bound.at(2)->asSequence();
    if (!pair || pair->items.size() != 2 || !pair->items[0].asText() || !pair->items[1].asText())
      throw Failure("tojson: 'separators' are two strings");
    style.item_separator = *pair->items[0].asText();
    style.key_separator = *pair->items[1].asText();
  }
  return asText(call, toJson(call.value, style, call.runtime.work));
}

Value filterSafe(const Filtered&) {
  throw Failure("the filter 'safe' is supported only where a value is printed, as the last one");
}

Value filterWordCount(const Filtered& call) {
  const Bound none(call.called(), call.arguments, {});
  bool inside = false;
  std::int64_t count = 0;
  const std::string text = textOf(call);
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Unit unit = readUtf8(std::string_view(text).substr(at));
    at += unit.length;
    if (unit.code_point >= 0x80) throw Failure("wordcount of characters beyond ASCII is not supported");
    const bool word =
        isLetter(unit.code_point) || unit.code_point == '_' || (unit.code_point >= '0' && unit.code_point <= '9');
    if (word && !inside) ++count;
    inside = word;
  }
  return count;
}

}  // namespace

std::string Filtered::called() const {
  return fmt::format("the filter '{}'", name);
}

Value applyFilter(std::string_view name, const Value& value, const Arguments& arguments, Runtime& runtime) {
  using Filter = Value (*)(const Filtered&);
  static const std::map<std::string_view, Filter> kFilters{
      {"trim", filterTrim},          {"upper", filterCase},    {"lower", filterCase},      {"title", filterCase},
      {"capitalize", filterCase},    {"string", filterString}, {"replace", filterReplace}, {"default", filterDefault},
      {"d", filterDefault},          {"int", filterInt},       {"float", filterFloat},     {"abs", filterAbs},
      {"round", filterRound},        {"indent", filterIndent}, {"tojson", filterToJson},   {"safe", filterSafe},
      {"wordcount", filterWordCount}};
  runtime.work.step();
  const Filtered call{name, value, arguments, runtime};
  if (const auto found = kFilters.find(name); found != kFilters.end()) return found->second(call);
  if (auto result = applySequenceFilter(call)) return *std::move(result);
  throw Failure(fmt::format("the filter '{}' is not supported", name));
}

}  // namespace kvatlas::text::jinja
