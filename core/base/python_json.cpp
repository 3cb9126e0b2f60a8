#include "core/base/python_json.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

namespace kvatlas {
namespace {

struct Constant {
  std::string_view word;
  std::string_view mark;  // a string no writer produces; stands for the number until it is parsed
  double value;
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::array<Constant, 3> kConstants{{{"-Infinity", "\x7f-Infinity", -kInfinity},
                                              {"Infinity", "\x7fInfinity", kInfinity},
                                              {"NaN", "\x7fNaN", std::numeric_limits<double>::quiet_NaN()}}};

const Constant* constantAt(std::string_view text, std::size_t at) {
  for (const Constant& constant : kConstants)
    if (text.substr(at).starts_with(constant.word)) return &constant;
  return nullptr;
}

// The text with each constant outside strings as its mark.
std::string marked(std::string_view text) {
  std::string result;
  result.reserve(text.size() + 64);
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string && c == '\\' && at + 1 < text.size()) {
      result.append({c, text[++at]});
      continue;
    }
    if (c == '"') in_string = !in_string;
    const Constant* constant = in_string ? nullptr : constantAt(text, at);
    if (constant == nullptr) {
      result.push_back(c);
    } else {
      result.append("\"").append(constant->mark).append("\"");
      at += constant->word.size() - 1;
    }
  }
  return result;
}

const Constant* constantMarked(const std::string& text) {
  for (const Constant& constant : kConstants)
    if (text == constant.mark) return &constant;
  return nullptr;
}

// Puts the numbers in the place of their marks; false where one is a key, as in {NaN: 1}: Python refuses it, too.
// (In a callback of the parser this takes quadratic time: with one, it looks through a list after each object in it.)
bool unmark(nlohmann::json& value) {
  if (const auto* text = value.get_ptr<const std::string*>()) {
    if (const Constant* constant = constantMarked(*text)) value = constant->value;
  } else if (value.is_object()) {
    for (auto& [key, member] : value.items())
      if (constantMarked(key) != nullptr || !unmark(member)) return false;
  } else if (value.is_array()) {
    return std::ranges::all_of(value, unmark);
  }
  return true;
}

}  // namespace

nlohmann::json parsePythonJson(std::string_view text) {
  using nlohmann::json;
  try {
    return json::parse(text);
  } catch (const json::parse_error&) {
    if (text.find("NaN") == text.npos && text.find("Infinity") == text.npos) throw;
  }
  json result = json::parse(marked(text));
  return unmark(result) ? result : json::parse(text);
}

}  // namespace kvatlas
