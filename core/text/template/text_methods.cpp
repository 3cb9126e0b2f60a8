// The methods of Python's strings.
#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <map>

#include "core/base/utf8.h"
#include "core/text/template/compare.h"
#include "core/text/template/letters.h"
#include "core/text/template/python_text.h"
#include "core/text/template/text_search.h"

namespace kvatlas::text::jinja {
namespace {

const std::string kBlank;

struct Call {
  const std::string& self;
  std::string_view name;
  const Arguments& arguments;
  Runtime& runtime;

  [[nodiscard]] std::string called() const { return fmt::format("{}()", name); }
  [[nodiscard]] Value text(std::string_view result) const { return runtime.work.text(std::string(result)); }
};

void takeNone(const Call& call) {
  const Bound none(call.called(), call.arguments, {});
}

Value callStrip(const Call& call) {
  const Bound bound(call.called(), call.arguments, {"chars"});
  std::string_view text = call.self;
  const bool left = call.name != "rstrip", right = call.name != "lstrip";
  if (!bound.given(0) || bound.at(0)->is<None>()) {
    if (left) text = stripLeft(text);
    return call.text(right ? stripRight(text) : text);
  }
  const std::string& characters = bound.text(0, kBlank);
  call.runtime.work.charge(call.self.size() * std::min<std::size_t>(characters.size(), 64));
  if (characters.size() > 4096) throw Failure(call.called() + ": too many characters");
  if (left) text = stripLeft(text, characters);
  return call.text(right ? stripRight(text, characters) : text);
}

Value callCase(const Call& call) {
  takeNone(call);
  call.runtime.work.charge(4 * call.self.size());
  if (call.name == "upper") return call.text(upper(call.self));
  if (call.name == "lower") return call.text(lower(call.self));
  if (call.name == "capitalize") return call.text(capitalized(call.self));
  // title(): every run of letters for itself.
  std::string out, word;
  const auto flush = [&] { out += capitalized(word), word.clear(); };
  for (const std::string_view character : characters(call.self)) {
    if (isLetter(readUtf8(character).code_point)) {
      word += character;
    } else {
      flush();
      out += character;
    }
  }
  flush();
  return call.text(out);
}

Value callSplit(const Call& call) {
  const Bound bound(call.called(), call.arguments, {"sep", "maxsplit"});
  const std::int64_t most = bound.integer(1, -1);
  const bool from_right = call.name == "rsplit";
  call.runtime.work.charge(call.self.size() * 16);
  std::vector<std::string_view> parts;
  if (!bound.given(0) || bound.at(0)->is<None>()) {
    parts = splitAtBlanks(call.self, most, from_right);
  } else {
    const std::string& separator = bound.text(0, kBlank);
    if (separator.empty()) throw Failure(call.called() + ": the separator is empty");
    parts = splitAt(call.self, separator, most, from_right);
  }
  return textList(parts, call.runtime.work);
}

Value callSplitLines(const Call& call) {
  const Bound bound(call.called(), call.arguments, {"keepends"});
  call.runtime.work.charge(call.self.size() * 16);
  return textList(splitLines(call.self, bound.truth(0, false)), call.runtime.work);
}

Value callPartition(const Call& call) {
  const Bound bound(call.called(), call.arguments, {"sep"}, 1);
  const std::string_view separator = bound.text(0, kBlank), self = call.self;
  if (separator.empty()) throw Failure(call.called() + ": the separator is empty");
  call.runtime.work.charge(self.size());
  const bool last = call.name == "rpartition";
  const std::size_t at = last ? lastFound(self, separator) : firstFound(self, separator);
  std::vector<std::string_view> parts{last ? "" : self, "", last ? self : ""};
  if (at != self.npos) parts = {self.substr(0, at), separator, self.substr(at + separator.size())};
  std::vector<Value> values;
  for (const std::string_view part : parts) values.push_back(call.text(part));
  return call.runtime.work.sequence(SequenceKind::Tuple, std::move(values));
}

// [start:end] in characters, as find, count, startswith and endswith take it; the first is the byte it begins at.
std::optional<std::pair<std::size_t, std::string_view>> window(const Call& call, const Bound& bound) {
  if (!bound.given(1) && !bound.given(2)) return std::pair(std::size_t{0}, std::string_view(call.self));
  call.runtime.work.charge(call.self.size() * 16);
  const auto all = characters(call.self);
  const auto size = static_cast<std::int64_t>(all.size());
  const auto place = [&](std::size_t index, std::int64_t otherwise) {
    std::int64_t at = bound.given(index) && bound.at(index)->is<None>() ? otherwise : bound.integer(index, otherwise);
    if (at < 0) at = at < -size ? 0 : at + size;
    return at;
  };
  const std::int64_t begin = place(1, 0), end = std::min(place(2, size), size);
  if (begin > size || begin > end) return std::nullopt;
  const auto byteOf = [&](std::int64_t at) {
    return at == size ? call.self.size()
                      : static_cast<std::size_t>(all[static_cast<std::size_t>(at)].data() - call.self.data());
  };
  return std::pair(byteOf(begin), std::string_view(call.self).substr(byteOf(begin), byteOf(end) - byteOf(begin)));
}

Value callStartsEnds(const Call& call) {
  const Bound bound(call.called(), call.arguments, {"prefix", "start", "end"}, 1);
  const auto place = window(call, bound);
  if (!place) return false;
  const auto fits = [&](const Value& value) {
    if (!value.asText()) throw Failure(call.called() + " needs a string or a tuple of strings");
    call.runtime.work.charge(value.asText()->size() / 16);
    return call.name == "startswith" ? place->second.starts_with(*value.asText())
                                     : place->second.ends_with(*value.asText());
  };
  const Sequence* tuple = bound.at(0)->asSequence();
  if (!tuple || tuple->kind != SequenceKind::Tuple) return fits(*bound.at(0));
  return std::ranges::any_of(tuple->items, fits);
}

Value callFind(const Call& call) {
  const Bound bound(call.called(), call.arguments, {"sub", "start", "end"}, 1);
  const std::string& wanted = bound.text(0, kBlank);
  const auto place = window(call, bound);
  call.runtime.work.charge(call.self.size());
  const bool last = call.name.starts_with("r");
  std::size_t found = std::string_view::npos;
  if (place) found = last ? lastFound(place->second, wanted) : firstFound(place->second, wanted);
  if (found == std::string_view::npos) {
    if (call.name.ends_with("index")) throw Failure(call.called() + ": the text does not occur");
    return std::int64_t{-1};
  }
  return static_cast<std::int64_t>(characterCount(std::string_view(call.self).substr(0, place->first + found)));
}

Value callCount(const Call& call) {
  const Bound bound(call.called(), call.arguments, {"sub", "start", "end"}, 1);
  const std::string& wanted = bound.text(0, kBlank);
  const auto place = window(call, bound);
  call.runtime.work.charge(call.self.size() * 8);
  if (!place) return std::int64_t{0};
  if (wanted.empty()) return static_cast<std::int64_t>(characterCount(place->second) + 1);
  return static_cast<std::int64_t>(findAll(place->second, wanted, -1).size());
}

Value callReplace(const Call& call) {
  const Bound bound(call.called(), call.arguments, {"old", "new", "count"}, 2);
  return call.runtime.work.text(
      replaceAll(call.self, bound.text(0, kBlank), bound.text(1, kBlank), bound.integer(2, -1), call.runtime.work));
}

Value callJoin(const Call& call) {
  const Bound bound(call.called(), call.arguments, {"iterable"}, 1);
  std::string out;
  bool first = true;
  for (const Value& item : itemsOf(*bound.at(0), call.runtime)) {
    requireDefined(item);
    if (!item.asText()) throw Failure(fmt::format("join() needs strings, not a {}", typeName(item)));
    call.runtime.work.charge(item.asText()->size() + call.self.size());
    if (!first) out += call.self;
    first = false;
    out += *item.asText();
  }
  return call.text(out);
}

// {}, {0}, {name} without a format behind them.
Value callFormat(const Call& call) {
  std::string out;
  std::size_t next = 0;
  const auto field = [&](const std::string& name) -> const Value& {
    std::size_t index = next;
    if (name.empty()) ++next;
    if (!name.empty() && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; }))
      index = name.size() < 4 ? std::stoul(name) : ~std::size_t{0};
    else if (!name.empty()) {
      for (const auto& [key, value] : call.arguments.keywords)
        if (key == name) return value;
      throw Failure(fmt::format("format(): nothing is given for '{{{}}}'", name.substr(0, 40)));
    }
    if (index >= call.arguments.positional.size()) throw Failure("format(): too few arguments");
    return call.arguments.positional[index];
  };
  const std::string& self = call.self;
  for (std::size_t at = 0; at < self.size(); ++at) {
    const bool brace = self[at] == '{' || self[at] == '}';
    if (brace && at + 1 < self.size() && self[at + 1] == self[at]) {
      out += self[at++];
    } else if (self[at] == '{') {
      const std::size_t end = self.find('}', at);
      if (end == std::string::npos) throw Failure("format(): '}' is missing");
      const std::string name = self.substr(at + 1, end - at - 1);
      if (name.find_first_of(":!.[{") != std::string::npos)
        throw Failure(fmt::format("format(): '{{{}}}' is not supported", name.substr(0, 40)));
      const std::string text = toText(field(name), call.runtime.work);
      call.runtime.work.charge(text.size());
      out += text;
      at = end;
    } else if (self[at] == '}') {
      throw Failure("format(): '{' is missing");
    } else {
      out += self[at];
    }
  }
  return call.text(out);
}

Value callIs(const Call& call) {
  takeNone(call);
  call.runtime.work.charge(call.self.size());
  bool all = !call.self.empty(), any_upper = false, any_lower = false;
  for (std::size_t at = 0; at < call.self.size();) {
    const Utf8Unit unit = readUtf8(std::string_view(call.self).substr(at));
    at += unit.length;
    if (unit.code_point >= 0x80 && call.name != "isspace" && call.name != "isascii")
      throw Failure(call.called() + " of characters beyond ASCII is not supported");
    const bool lower_letter = unit.code_point >= 'a' && unit.code_point <= 'z';
    const bool upper_letter = unit.code_point >= 'A' && unit.code_point <= 'Z';
    const bool digit = unit.code_point >= '0' && unit.code_point <= '9';
    any_upper = any_upper || upper_letter;
    any_lower = any_lower || lower_letter;
    const bool fits = call.name == "isspace"   ? isBlank(unit.code_point)
                      : call.name == "isalpha" ? lower_letter || upper_letter
                      : call.name == "isalnum" ? lower_letter || upper_letter || digit
                                               : digit;
    all = all && fits;
  }
  if (call.name == "isascii")
    return std::ranges::none_of(call.self, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  if (call.name == "isupper") return any_upper && !any_lower;
  if (call.name == "islower") return any_lower && !any_upper;
  return all;
}

Value callRemoveAffix(const Call& call) {
  const Bound bound(call.called(), call.arguments, {"affix"}, 1);
  std::string_view text = call.self;
  const std::string& affix = bound.text(0, kBlank);
  if (call.name == "removeprefix" && text.starts_with(affix)) text.remove_prefix(affix.size());
  if (call.name == "removesuffix" && text.ends_with(affix)) text.remove_suffix(affix.size());
  return call.text(text);
}

// ljust and rjust (center differs by a rule of its own), zfill.
Value callPad(const Call& call) {
  const Bound bound(call.called(), call.arguments, {"width", "fillchar"}, 1);
  const std::int64_t size = static_cast<std::int64_t>(characterCount(call.self)), width = bound.integer(0, 0);
  if (width <= size) return call.text(call.self);
  static const std::string kSpace = " ", kZero = "0";
  const bool zeros = call.name == "zfill";
  const std::string& fill = zeros ? kZero : bound.text(1, kSpace);
  if (characterCount(fill) != 1) throw Failure(call.called() + ": the filling is not one character");
  const auto count = static_cast<std::uint64_t>(width - size);
  call.runtime.work.charge(count > (std::uint64_t{1} << 40) ? ~std::uint64_t{0} : count * fill.size());
  std::string padding;
  for (std::uint64_t i = 0; i < count; ++i) padding += fill;
  if (call.name == "ljust") return call.text(call.self + padding);
  const bool sign = zeros && !call.self.empty() && (call.self[0] == '-' || call.self[0] == '+');
  return call.text(sign ? call.self.substr(0, 1) + padding + call.self.substr(1) : padding + call.self);
}

using Handler = Value (*)(const Call&);
const std::map<std::string_view, Handler>& handlers() {
  static const std::map<std::string_view, Handler> kHandlers{{"strip", callStrip},
                                                             {"lstrip", callStrip},
                                                             {"rstrip", callStrip},
                                                             {"upper", callCase},
                                                             {"lower", callCase},
                                                             {"capitalize", callCase},
                                                             {"title", callCase},
                                                             {"split", callSplit},
                                                             {"rsplit", callSplit},
                                                             {"splitlines", callSplitLines},
                                                             {"partition", callPartition},
                                                             {"rpartition", callPartition},
                                                             {"startswith", callStartsEnds},
                                                             {"endswith", callStartsEnds},
                                                             {"find", callFind},
                                                             {"rfind", callFind},
                                                             {"index", callFind},
                                                             {"rindex", callFind},
                                                             {"count", callCount},
                                                             {"replace", callReplace},
                                                             {"join", callJoin},
                                                             {"format", callFormat},
                                                             {"isdigit", callIs},
                                                             {"isalpha", callIs},
                                                             {"isalnum", callIs},
                                                             {"isspace", callIs},
                                                             {"isupper", callIs},
                                                             {"islower", callIs},
                                                             {"isascii", callIs},
                                                             {"isdecimal", callIs},
                                                             {"isnumeric", callIs},
                                                             {"removeprefix", callRemoveAffix},
                                                             {"removesuffix", callRemoveAffix},
                                                             {"ljust", callPad},
                                                             {"rjust", callPad},
                                                             {"zfill", callPad}};
  return kHandlers;
}

}  // namespace

bool isTextMethod(std::string_view name) {
  static constexpr std::string_view kOthers[] = {"casefold",   "center",       "encode",      "expandtabs",
                                                 "format_map", "isidentifier", "isprintable", "istitle",
                                                 "maketrans",  "swapcase",     "translate"};
  if (std::ranges::find(kOthers, name) != std::end(kOthers))
    throw Failure(fmt::format("the method '{}' of strings is not supported", name));
  return handlers().contains(name);
}

Value callTextMethod(const std::string& self, std::string_view name, const Arguments& arguments, Runtime& runtime) {
  return handlers().at(name)(Call{self, name, arguments, runtime});
}

}  // namespace kvatlas::text::jinja
