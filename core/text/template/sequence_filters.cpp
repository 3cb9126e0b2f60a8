#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/text/template/compare.h"
#include "core/text/template/filters.h"
#include "core/text/template/letters.h"
#include "core/text/template/python_text.h"

namespace kvatlas::text::jinja {
namespace {

std::vector<Value> items(const Filtered& call) {
  return itemsOf(call.value, call.runtime);
}

// Equal without regard to case, unless asked for: what sort, min and unique compare.
Value folded(const Value& value, bool case_sensitive, Runtime& runtime) {
  if (case_sensitive || !value.asText()) return value;
  return runtime.work.text(lower(*value.asText()));
}

// "a.b.0" of a value; a number is an index.
Value memberOf(Value value, const Value& path, const Value* otherwise, Runtime& runtime) {
  std::vector<Value> steps;
  if (const std::string* text = path.asText()) {
    for (std::size_t begin = 0; begin <= text->size();) {
      const std::size_t end = std::min(text->find('.', begin), text->size());
      const std::string part = text->substr(begin, end - begin);
      const bool digits = !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
      if (digits && part.size() < 18)
        steps.emplace_back(std::int64_t{std::stoll(part)});
      else
        steps.push_back(Value::text(part));
      begin = end + 1;
    }
  } else if (!path.is<None>()) {
    steps.push_back(path);
  }
  for (const Value& step : steps) {
    runtime.work.step();
    value = itemOf(value, step, runtime);
    if (otherwise && !otherwise->is<None>() && value.is<Undefined>()) value = *otherwise;
  }
  return value;
}

Value filterLength(const Filtered& call) {
  const Bound none(call.called(), call.arguments, {});
  if (call.value.is<Undefined>()) return std::int64_t{0};
  if (const std::string* text = call.value.asText()) {
    call.runtime.work.charge(text->size());
    return static_cast<std::int64_t>(characterCount(*text));
  }
  if (const Dict* dict = call.value.asDict()) return static_cast<std::int64_t>(dict->members.size());
  const Sequence* sequence = call.value.asSequence();
  if (!sequence || sequence->kind == SequenceKind::Generator)
    throw Failure(fmt::format("a value of type {} has no length", typeName(call.value)));
  return static_cast<std::int64_t>(sequence->items.size());
}

Value filterFirst(const Filtered& call) {
  const Bound none(call.called(), call.arguments, {});
  if (const Sequence* sequence = call.value.asSequence()) {
    if (sequence->read < sequence->items.size())
      return sequence->items[sequence->kind == SequenceKind::Generator ? sequence->read++ : 0];
    return Value::undefined("there is no first item");
  }
  const std::vector<Value> all = items(call);
  return all.empty() ? Value::undefined("there is no first item") : all.front();
}

Value filterLast(const Filtered& call) {
  const Bound none(call.called(), call.arguments, {});
  requireDefined(call.value);
  if (const Sequence* sequence = call.value.asSequence(); sequence && sequence->kind == SequenceKind::Generator)
    throw Failure("last needs a list: a generator cannot be read from its end");
  const std::vector<Value> all = items(call);
  return all.empty() ? Value::undefined("there is no last item") : all.back();
}

Value filterJoin(const Filtered& call) {
  const Bound bound(call.called(), call.arguments, {"d", "attribute"});
  const std::string separator = bound.given(0) ? toText(*bound.at(0), call.runtime.work) : "";
  std::string out;
  bool first = true;
  for (Value& item : items(call)) {
    if (bound.given(1) && !bound.at(1)->is<None>()) item = memberOf(item, *bound.at(1), nullptr, call.runtime);
    const std::string text = toText(item, call.runtime.work);
    call.runtime.work.charge(separator.size() + text.size());
    if (!first) out += separator;
    out += text;
    first = false;
  }
  return call.runtime.work.text(std::move(out));
}

Value filterList(const Filtered& call) {
  const Bound none(call.called(), call.arguments, {});
  return call.runtime.work.sequence(SequenceKind::List, items(call));
}

Value filterItems(const Filtered& call) {
  const Bound none(call.called(), call.arguments, {});
  std::vector<Value> pairs;
  if (!call.value.asDict() && !call.value.is<Undefined>()) throw Failure("items needs a dictionary");
  if (const Dict* dict = call.value.asDict())
    for (const auto& [key, value] : dict->members)
      pairs.push_back(call.runtime.work.sequence(SequenceKind::Tuple, {key, value}));
  return call.runtime.work.sequence(SequenceKind::Generator, std::move(pairs));
}

struct Keyed {
  Value key, item;
};

// Stable; what is compared is `key`.
Value sorted(std::vector<Keyed> all, bool reverse, Work& work) {
  std::ranges::stable_sort(all, [&](const Keyed& left, const Keyed& right) {
    return reverse ? less(right.key, left.key, work) : less(left.key, right.key, work);
  });
  if (all.size() == 1) (void)work;
  std::vector<Value> result;
  for (Keyed& entry : all) result.push_back(std::move(entry.item));
  return work.sequence(SequenceKind::List, std::move(result));
}

Value filterSort(const Filtered& call) {
  const Bound bound(call.called(), call.arguments, {"reverse", "case_sensitive", "attribute"});
  const bool by_member = bound.given(2) && !bound.at(2)->is<None>();
  if (by_member && bound.at(2)->asText() && bound.at(2)->asText()->find(',') != std::string::npos)
    throw Failure("sort by several attributes is not supported");
  std::vector<Keyed> all;
  for (Value& item : items(call)) {
    const Value key = by_member ? memberOf(item, *bound.at(2), nullptr, call.runtime) : item;
    all.push_back({folded(key, bound.truth(1, false), call.runtime), std::move(item)});
  }
  return sorted(std::move(all), bound.truth(0, false), call.runtime.work);
}

Value filterDictSort(const Filtered& call) {
  static const std::string kKey = "key";
  const Bound bound(call.called(), call.arguments, {"case_sensitive", "by", "reverse"});
  const std::string& by = bound.text(1, kKey);
  if (by != "key" && by != "value") throw Failure("dictsort: 'by' is \"key\" or \"value\"");
  requireDefined(call.value);
  const Dict* dict = call.value.asDict();
  if (!dict) throw Failure("dictsort needs a dictionary");
  std::vector<Keyed> all;
  for (const auto& [key, value] : dict->members)
    all.push_back({folded(by == "key" ? key : value, bound.truth(0, false), call.runtime),
                   call.runtime.work.sequence(SequenceKind::Tuple, {key, value})});
  return sorted(std::move(all), bound.truth(2, false), call.runtime.work);
}

Value filterUnique(const Filtered& call) {
  const Bound bound(call.called(), call.arguments, {"case_sensitive", "attribute"});
  Dict seen;
  std::vector<Value> result;
  for (Value& item : items(call)) {
    Value key = bound.given(1) && !bound.at(1)->is<None>() ? memberOf(item, *bound.at(1), nullptr, call.runtime) : item;
    key = folded(key, bound.truth(0, false), call.runtime);
    const std::size_t before = seen.members.size();
    call.runtime.work.chargeItems(2);
    seen.set(key, None{});
    if (seen.members.size() > before) result.push_back(std::move(item));
  }
  return call.runtime.work.sequence(SequenceKind::Generator, std::move(result));
}

Value filterReverse(const Filtered& call) {
  const Bound none(call.called(), call.arguments, {});
  requireDefined(call.value);
  if (const std::string* text = call.value.asText()) {
    call.runtime.work.charge(text->size() * 16);
    std::vector<std::string_view> all = characters(*text);
    std::string out;
    for (const std::string_view character : std::vector(all.rbegin(), all.rend())) out += character;
    return call.runtime.work.text(std::move(out));
  }
  const bool list = call.value.asSequence() && call.value.asSequence()->kind == SequenceKind::Generator;
  std::vector<Value> all = items(call);
  std::ranges::reverse(all);
  return call.runtime.work.sequence(list ? SequenceKind::List : SequenceKind::Generator, std::move(all));
}

Value filterMinMax(const Filtered& call) {
  const Bound bound(call.called(), call.arguments, {"case_sensitive", "attribute"});
  std::optional<Keyed> best;
  for (Value& item : items(call)) {
    Value key = bound.given(1) && !bound.at(1)->is<None>() ? memberOf(item, *bound.at(1), nullptr, call.runtime) : item;
    key = folded(key, bound.truth(0, false), call.runtime);
    if (best &&
        !(call.name == "min" ? less(key, best->key, call.runtime.work) : less(best->key, key, call.runtime.work, ">")))
      continue;
    best = Keyed{std::move(key), std::move(item)};
  }
  return best ? best->item : Value::undefined("there is no item to choose from");
}

Value filterSum(const Filtered& call) {
  const Bound bound(call.called(), call.arguments, {"attribute", "start"});
  Value sum = bound.given(1) ? *bound.at(1) : Value(std::int64_t{0});
  for (Value& item : items(call)) {
    if (bound.given(0) && !bound.at(0)->is<None>()) item = memberOf(item, *bound.at(0), nullptr, call.runtime);
    requireDefined(item);
    if (!sum.isNumber() || !item.isNumber()) throw Failure("sum adds numbers only");
    std::int64_t whole = 0;
    if (sum.is<double>() || item.is<double>())
      sum = sum.number() + item.number();
    else if (__builtin_add_overflow(sum.integer(), item.integer(), &whole))
      throw Failure("integers beyond 64 bits are not supported");
    else
      sum = whole;
  }
  return sum;
}

Value filterMap(const Filtered& call) {
  std::vector<Value> result;
  if (!isTrue(call.value)) return call.runtime.work.sequence(SequenceKind::Generator, {});
  if (call.arguments.positional.empty()) {
    const Bound bound(call.called(), call.arguments, {"attribute", "default"}, 1);
    for (Value& item : items(call))
      result.push_back(memberOf(std::move(item), *bound.at(0), bound.at(1), call.runtime));
  } else {
    const Value name = call.arguments.positional.front();
    if (!name.asText()) throw Failure("map needs the name of a filter");
    Arguments rest = call.arguments;
    rest.positional.erase(rest.positional.begin());
    for (const Value& item : items(call)) result.push_back(applyFilter(*name.asText(), item, rest, call.runtime));
  }
  return call.runtime.work.sequence(SequenceKind::Generator, std::move(result));
}

// select, reject, selectattr, rejectattr
Value filterSelect(const Filtered& call) {
  std::vector<Value> result;
  if (!isTrue(call.value)) return call.runtime.work.sequence(SequenceKind::Generator, {});
  Arguments rest = call.arguments;
  const auto takeFirst = [&rest] {
    Value first = rest.positional.front();
    rest.positional.erase(rest.positional.begin());
    return first;
  };
  const bool by_member = call.name.ends_with("attr"), wanted = call.name.starts_with("select");
  if (by_member && rest.positional.empty()) throw Failure(call.called() + " needs the name of an attribute");
  const Value member = by_member ? takeFirst() : Value(None{});
  const bool tested = !rest.positional.empty();
  const Value test = tested ? takeFirst() : Value(None{});
  if (tested && !test.asText()) throw Failure(call.called() + " needs the name of a test");
  for (Value& item : items(call)) {
    const Value looked_at = by_member ? memberOf(item, member, nullptr, call.runtime) : item;
    const bool holds = tested ? applyTest(*test.asText(), looked_at, rest, call.runtime) : isTrue(looked_at);
    if (holds == wanted) result.push_back(std::move(item));
  }
  return call.runtime.work.sequence(SequenceKind::Generator, std::move(result));
}

Value filterBatch(const Filtered& call) {
  const Bound bound(call.called(), call.arguments, {"linecount", "fill_with"}, 1);
  const std::int64_t size = bound.integer(0, 1);
  if (size < 1 || size > 100'000) throw Failure("batch: this size is not supported");
  std::vector<Value> rows, row;
  const auto flush = [&] { rows.push_back(call.runtime.work.sequence(SequenceKind::List, std::exchange(row, {}))); };
  for (Value& item : items(call)) {
    if (static_cast<std::int64_t>(row.size()) == size) flush();
    row.push_back(std::move(item));
  }
  if (!row.empty() && bound.given(1) && !bound.at(1)->is<None>()) {
    call.runtime.work.chargeItems(static_cast<std::uint64_t>(size));
    row.resize(static_cast<std::size_t>(size), *bound.at(1));
  }
  if (!row.empty()) flush();
  return call.runtime.work.sequence(SequenceKind::Generator, std::move(rows));
}

}  // namespace

std::optional<Value> applySequenceFilter(const Filtered& call) {
  using Filter = Value (*)(const Filtered&);
  static const std::map<std::string_view, Filter> kFilters{
      {"length", filterLength},     {"count", filterLength},    {"first", filterFirst},
      {"last", filterLast},         {"join", filterJoin},       {"list", filterList},
      {"items", filterItems},       {"sort", filterSort},       {"dictsort", filterDictSort},
      {"unique", filterUnique},     {"reverse", filterReverse}, {"min", filterMinMax},
      {"max", filterMinMax},        {"sum", filterSum},         {"map", filterMap},
      {"select", filterSelect},     {"reject", filterSelect},   {"selectattr", filterSelect},
      {"rejectattr", filterSelect}, {"batch", filterBatch}};
  const auto found = kFilters.find(call.name);
  if (found == kFilters.end()) return std::nullopt;
  return found->second(call);
}

}  // namespace kvatlas::text::jinja
