// The functions that Transformers gives to every chat template.
#include <fmt/format.h>

#include <algorithm>

#include "core/text/template/python_text.h"
#include "core/text/template/runtime.h"

namespace kvatlas::text::jinja {
namespace {

constexpr std::string_view kFunctions[] = {"range", "dict", "namespace", "raise_exception", "strftime_now"};

Value callRange(const Arguments& arguments, Runtime& runtime) {
  const Bound bound("range()", arguments, {"start", "stop", "step"}, 1);
  std::int64_t begin = 0, end = bound.integer(0, 0);
  if (bound.given(1)) begin = end, end = bound.integer(1, 0);
  const std::int64_t step = bound.integer(2, 1);
  if (step == 0) throw Failure("range(): the step cannot be 0");
  std::vector<Value> numbers;
  for (std::int64_t at = begin; step > 0 ? at < end : at > end;) {
    if (numbers.size() == kMaxRange) throw Failure(fmt::format("range() gives {} numbers at most", kMaxRange));
    numbers.emplace_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  return runtime.work.sequence(SequenceKind::Range, std::move(numbers));
}

// dict(mapping, name=value, …)
Dict dictOf(std::string_view called, const Arguments& arguments, Runtime& runtime) {
  if (arguments.positional.size() > 1) throw Failure(fmt::format("{} takes one argument without a name", called));
  Dict dict;
  if (!arguments.positional.empty()) {
    const Value& first = arguments.positional.front();
    requireDefined(first);
    if (!first.asDict()) throw Failure(fmt::format("{} of a {} is not supported", called, typeName(first)));
    runtime.work.chargeItems(4 * first.asDict()->members.size());
    dict = *first.asDict();
  }
  for (const auto& [name, value] : arguments.keywords) {
    runtime.work.chargeItems(4);
    dict.set(Value::text(name), value);
  }
  return dict;
}

Value callNamespace(const Arguments& arguments, Runtime& runtime) {
  Namespace* space = runtime.makeNamespace();
  for (const auto& [name, value] : dictOf("namespace()", arguments, runtime).members) {
    if (!name.asText()) throw Failure("namespace(): the names of members are strings");
    if (name.asText()->starts_with("_")) throw Failure("namespace(): names that begin with '_' are refused");
    space->members[*name.asText()] = value;
  }
  return space;
}

}  // namespace

std::optional<Value> findGlobal(std::string_view name) {
  for (const std::string_view function : kFunctions)
    if (function == name) return GlobalFunction{function};
  if (name == "lipsum" || name == "cycler" || name == "joiner")
    throw Failure(fmt::format("the function '{}' is not supported", name));
  return std::nullopt;
}

Value callGlobal(std::string_view name, const Arguments& arguments, Runtime& runtime) {
  if (name == "range") return callRange(arguments, runtime);
  if (name == "dict") return makeDict(dictOf("dict()", arguments, runtime));
  if (name == "namespace") return callNamespace(arguments, runtime);
  if (name == "raise_exception") {
    const Bound bound("raise_exception()", arguments, {"message"}, 1);
    throw Failure(toText(*bound.at(0), runtime.work).substr(0, 2000), true);
  }
  static const std::string kNothing;
  const Bound bound("strftime_now()", arguments, {"format"}, 1);
  const std::string& format = bound.text(0, kNothing);
  if (format.size() > 1000) throw Failure("strftime_now(): the format is too long");
  return runtime.work.text(formatDate(runtime.now, format));
}

}  // namespace kvatlas::text::jinja
