#include "core/text/template/operators.h"

#include <fmt/format.h>

#include <cmath>

#include "core/text/template/python_text.h"

namespace kvatlas::text::jinja {
namespace {

[[noreturn]] void failTooLarge() {
  throw Failure("integers beyond 64 bits are not supported");
}

std::int64_t floorDivided(std::int64_t left, std::int64_t right) {
  if (left == INT64_MIN && right == -1) failTooLarge();
  const std::int64_t quotient = left / right;
  return left % right != 0 && (left < 0) != (right < 0) ? quotient - 1 : quotient;
}

std::int64_t power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  while (true) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) failTooLarge();
    exponent >>= 1;
    if (exponent == 0) return result;
    if (__builtin_mul_overflow(base, base, &base)) failTooLarge();
  }
}

Value calculateIntegers(std::string_view symbol, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  if (symbol == "+") {
    if (__builtin_add_overflow(left, right, &result)) failTooLarge();
  } else if (symbol == "-") {
    if (__builtin_sub_overflow(left, right, &result)) failTooLarge();
  } else if (symbol == "*") {
    if (__builtin_mul_overflow(left, right, &result)) failTooLarge();
  } else if (symbol == "**") {
    if (right < 0) return std::pow(static_cast<double>(left), static_cast<double>(right));
    return power(left, right);
  } else if (right == 0) {
    throw Failure("division by zero");
  } else if (symbol == "/") {
    return static_cast<double>(left) / static_cast<double>(right);
  } else if (symbol == "//") {
    return floorDivided(left, right);
  } else {
    return right == -1 ? std::int64_t{0} : left - right * floorDivided(left, right);
  }
  return result;
}

Value calculateFloats(std::string_view symbol, double left, double right) {
  if (symbol == "+") return left + right;
  if (symbol == "-") return left - right;
  if (symbol == "*") return left * right;
  if (symbol == "**") {
    const double result = std::pow(left, right);
    if (std::isinf(result) && std::isfinite(left) && std::isfinite(right)) throw Failure("a power is too large");
    if (std::isnan(result) && !std::isnan(left) && !std::isnan(right))
      throw Failure("complex numbers are not supported");
    return result;
  }
  if (right == 0) throw Failure("division by zero");
  if (symbol == "/") return left / right;
  double rest = std::fmod(left, right);
  if (rest != 0 && (rest < 0) != (right < 0)) rest += right;
  if (symbol == "%") return rest == 0 ? std::copysign(0.0, right) : rest;
  const double quotient = (left - rest) / right, whole = std::floor(quotient);
  return quotient == 0 ? std::copysign(0.0, left / right) : quotient - whole > 0.5 ? whole + 1 : whole;
}

std::uint64_t repeats(std::int64_t count, std::uint64_t size, Work& work, std::uint64_t item_bytes) {
  if (count <= 0 || size == 0) return 0;
  const auto times = static_cast<std::uint64_t>(count);
  if (times > (std::uint64_t{1} << 40) / size) work.charge(~std::uint64_t{0});
  work.charge(times * size * item_bytes);
  return times;
}

// A string or list, several times.
std::optional<Value> repeated(const Value& value, const Value& count, Runtime& runtime) {
  if (!count.isInteger()) return std::nullopt;
  if (const std::string* text = value.asText()) {
    std::string out;
    for (std::uint64_t i = repeats(count.integer(), text->size(), runtime.work, 1); i > 0; --i) out += *text;
    return runtime.work.text(std::move(out));
  }
  const Sequence* sequence = value.asSequence();
  if (!sequence || (sequence->kind != SequenceKind::List && sequence->kind != SequenceKind::Tuple)) return std::nullopt;
  std::vector<Value> items;
  for (std::uint64_t i = repeats(count.integer(), sequence->items.size(), runtime.work, 64); i > 0; --i)
    items.insert(items.end(), sequence->items.begin(), sequence->items.end());
  return runtime.work.sequence(sequence->kind, std::move(items));
}

std::optional<Value> joined(const Value& left, const Value& right, Runtime& runtime) {
  if (left.asText() && right.asText()) {
    runtime.work.charge(left.asText()->size() + right.asText()->size());
    return Value::text(*left.asText() + *right.asText());
  }
  const Sequence *first = left.asSequence(), *second = right.asSequence();
  const bool lists = first && second && first->kind == second->kind &&
                     (first->kind == SequenceKind::List || first->kind == SequenceKind::Tuple);
  if (!lists) return std::nullopt;
  runtime.work.chargeItems(first->items.size() + second->items.size());
  std::vector<Value> items = first->items;
  items.insert(items.end(), second->items.begin(), second->items.end());
  return makeSequence(first->kind, std::move(items));
}

std::string converted(char conversion, const Value& value, Runtime& runtime) {
  if (conversion == 's') return toText(value, runtime.work);
  if (conversion == 'r') return representation(value, runtime.work);
  if (conversion != 'd' && conversion != 'i')
    throw Failure(fmt::format("the conversion '%{}' of strings is not supported", conversion));
  requireDefined(value);
  if (!value.isInteger()) throw Failure(fmt::format("'%d' needs an integer, not a {}", typeName(value)));
  return fmt::format("{}", value.integer());
}

// 'text %s' % value, with %s, %r, %d and %%.
Value formatted(const std::string& format, const Value& right, Runtime& runtime) {
  std::vector<Value> values{right};
  const Sequence* tuple = right.asSequence();
  if (tuple && tuple->kind == SequenceKind::Tuple) values = tuple->items;
  if (right.asDict()) throw Failure("'%' with a dictionary is not supported");
  std::string out;
  std::size_t next = 0;
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      out += format[at];
      continue;
    }
    if (++at == format.size()) throw Failure("the format ends with '%'");
    if (format[at] == '%') {
      out += '%';
      continue;
    }
    if (next == values.size()) throw Failure("'%' has too few values");
    const std::string text = converted(format[at], values[next++], runtime);
    runtime.work.charge(text.size());
    out += text;
  }
  if (next != values.size()) throw Failure("'%' has too many values");
  return runtime.work.text(std::move(out));
}

}  // namespace

Value calculate(std::string_view symbol, const Value& left, const Value& right, Runtime& runtime) {
  requireDefined(left);
  if (symbol == "%" && left.asText()) return formatted(*left.asText(), right, runtime);
  requireDefined(right);
  if (left.isInteger() && right.isInteger()) return calculateIntegers(symbol, left.integer(), right.integer());
  if (left.isNumber() && right.isNumber()) return calculateFloats(symbol, left.number(), right.number());
  std::optional<Value> result;
  if (symbol == "+") result = joined(left, right, runtime);
  if (symbol == "*") result = left.isInteger() ? repeated(right, left, runtime) : repeated(left, right, runtime);
  if (!result) throw Failure(fmt::format("'{}' does not take {} and {}", symbol, typeName(left), typeName(right)));
  return *std::move(result);
}

Value negated(const Value& value) {
  requireDefined(value);
  if (value.is<double>()) return -value.as<double>();
  if (!value.isInteger()) throw Failure(fmt::format("'-' does not take a {}", typeName(value)));
  if (value.integer() == INT64_MIN) failTooLarge();
  return -value.integer();
}

}  // namespace kvatlas::text::jinja
