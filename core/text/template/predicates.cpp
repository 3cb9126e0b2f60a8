// The tests of Jinja2: `value is name`.
#include <fmt/format.h>

#include <map>

#include "core/text/template/compare.h"
#include "core/text/template/python_text.h"
#include "core/text/template/runtime.h"

namespace kvatlas::text::jinja {
namespace {

struct Tested {
  std::string_view name;
  const Value& value;
  const Arguments& arguments;
  Runtime& runtime;

  [[nodiscard]] std::string called() const { return fmt::format("the test '{}'", name); }
  // Of the tests that compare with one other value.
  [[nodiscard]] const Value& other() const {
    if (arguments.positional.size() != 1 || !arguments.keywords.empty())
      throw Failure(called() + " compares with one value");
    return arguments.positional.front();
  }
  [[nodiscard]] bool isLess(const Value& left, const Value& right) const { return less(left, right, runtime.work); }
};

using Test = bool (*)(const Tested&);

// Of the tests that take no argument, by the value alone.
const std::map<std::string_view, bool (*)(const Value&)>& plainTests() {
  static const std::map<std::string_view, bool (*)(const Value&)> kTests{
      {"defined", [](const Value& v) { return !v.is<Undefined>(); }},
      {"undefined", [](const Value& v) { return v.is<Undefined>(); }},
      {"none", [](const Value& v) { return v.is<None>(); }},
      {"string", [](const Value& v) { return v.asText() != nullptr; }},
      {"mapping", [](const Value& v) { return v.asDict() != nullptr; }},
      {"number", [](const Value& v) { return v.isNumber(); }},
      {"integer", [](const Value& v) { return v.is<std::int64_t>(); }},
      {"float", [](const Value& v) { return v.is<double>(); }},
      {"boolean", [](const Value& v) { return v.is<bool>(); }},
      {"true", [](const Value& v) { return v.is<bool>() && v.as<bool>(); }},
      {"false", [](const Value& v) { return v.is<bool>() && !v.as<bool>(); }},
      {"callable", [](const Value& v) { return typeName(v) == "function" || v.is<Undefined>() || v.is<Loop*>(); }},
      {"iterable",
       [](const Value& v) { return v.is<Undefined>() || v.asText() || v.asSequence() || v.asDict() || v.is<Loop*>(); }},
      {"sequence", [](const Value& v) {
         const Sequence* sequence = v.asSequence();
         if (sequence) return sequence->kind != SequenceKind::View && sequence->kind != SequenceKind::Generator;
         return v.asText() || v.asDict() || v.is<Undefined>();
       }}};
  return kTests;
}

bool testParity(const Tested& call) {
  requireDefined(call.value);
  if (call.name != "divisibleby" && !(call.arguments.positional.empty() && call.arguments.keywords.empty()))
    throw Failure(call.called() + " takes no argument");
  const Value two = std::int64_t{2};
  const Value& by = call.name == "divisibleby" ? call.other() : two;
  requireDefined(by);
  if (call.value.is<double>() || by.is<double>()) throw Failure(call.called() + " of floats is not supported");
  if (!call.value.isInteger() || !by.isInteger())
    throw Failure(fmt::format("{} needs an integer, not a {}", call.called(), typeName(call.value)));
  if (by.integer() == 0) throw Failure(call.called() + ": division by zero");
  const bool even = by.integer() == -1 || call.value.integer() % by.integer() == 0;
  return even == (call.name != "odd");
}

// Letters of ASCII only: islower() of Python has tables of its own.
bool testCase(const Tested& call) {
  const Bound none(call.called(), call.arguments, {});
  const std::string text = toText(call.value, call.runtime.work);
  return isTrue(callTextMethod(text, call.name == "lower" ? "islower" : "isupper", {}, call.runtime));
}

const std::map<std::string_view, Test>& otherTests() {
  static constexpr Test kEqual = [](const Tested& call) { return equal(call.value, call.other(), call.runtime.work); };
  static constexpr Test kDifferent = [](const Tested& call) {
    return !equal(call.value, call.other(), call.runtime.work);
  };
  static constexpr Test kLess = [](const Tested& call) { return call.isLess(call.value, call.other()); };
  static constexpr Test kGreater = [](const Tested& call) { return call.isLess(call.other(), call.value); };
  static constexpr Test kAtMost = [](const Tested& call) {
    return call.isLess(call.value, call.other()) || equal(call.value, call.other(), call.runtime.work);
  };
  static constexpr Test kAtLeast = [](const Tested& call) {
    return call.isLess(call.other(), call.value) || equal(call.value, call.other(), call.runtime.work);
  };
  static const std::map<std::string_view, Test> kTests{
      {"equalto", kEqual},
      {"eq", kEqual},
      {"==", kEqual},
      {"ne", kDifferent},
      {"!=", kDifferent},
      {"lt", kLess},
      {"<", kLess},
      {"lessthan", kLess},
      {"gt", kGreater},
      {">", kGreater},
      {"greaterthan", kGreater},
      {"le", kAtMost},
      {"<=", kAtMost},
      {"ge", kAtLeast},
      {">=", kAtLeast},
      {"odd", testParity},
      {"even", testParity},
      {"divisibleby", testParity},
      {"lower", testCase},
      {"upper", testCase},
      {"in", [](const Tested& call) { return contains(call.other(), call.value, call.runtime); }}};
  return kTests;
}

// `is` of Python for what is one of a kind: none and the truth values.
bool testSameAs(const Tested& call) {
  const Value& other = call.other();
  if (other.is<None>() || call.value.is<None>()) return other.is<None>() && call.value.is<None>();
  if (other.is<bool>() || call.value.is<bool>())
    return other.is<bool>() && call.value.is<bool>() && other.as<bool>() == call.value.as<bool>();
  throw Failure("the test 'sameas' is supported for true, false and none only");
}

}  // namespace

bool applyTest(std::string_view name, const Value& value, const Arguments& arguments, Runtime& runtime) {
  runtime.work.step();
  const Tested call{name, value, arguments, runtime};
  if (const auto found = plainTests().find(name); found != plainTests().end()) {
    const Bound none(call.called(), arguments, {});
    return found->second(value);
  }
  if (const auto found = otherTests().find(name); found != otherTests().end()) return found->second(call);
  if (name == "sameas") return testSameAs(call);
  throw Failure(fmt::format("the test '{}' is not supported", name));
}

}  // namespace kvatlas::text::jinja
