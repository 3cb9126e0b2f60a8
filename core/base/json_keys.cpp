#include "core/base/json_keys.h"

#include <functional>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

namespace kvatlas {
namespace {

using nlohmann::json;

// Hears the text as it is parsed, and tells each key and whether it is new; false ends it.
class OutermostKeys : public nlohmann::json_sax<json> {
 public:
  using Hear = std::function<bool(const std::string& key, bool is_new)>;
  explicit OutermostKeys(Hear hear) : m_hear(std::move(hear)) {}

  bool start_object(std::size_t) override { return ++m_depth > 0; }
  bool end_object() override { return m_depth-- > 0; }
  bool start_array(std::size_t) override { return ++m_depth > 0; }
  bool end_array() override { return m_depth-- > 0; }
  bool key(string_t& name) override { return m_depth != 1 || m_hear(name, m_seen.insert(name).second); }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override { return false; }

 private:
  Hear m_hear;
  std::size_t m_depth = 0;
  std::unordered_set<std::string> m_seen;
};

}  // namespace

std::optional<std::string> repeatedKey(std::string_view text) {
  std::optional<std::string> repeated;
  OutermostKeys keys([&](const std::string& key, bool is_new) {
    if (!is_new) repeated = key;
    return is_new;
  });
  static_cast<void>(json::sax_parse(text, &keys));
  return repeated;
}

std::vector<std::string> outermostKeys(std::string_view text) {
  std::vector<std::string> names;
  OutermostKeys keys([&](const std::string& key, bool is_new) {
    if (is_new) names.push_back(key);
    return true;
  });
  static_cast<void>(json::sax_parse(text, &keys));
  return names;
}

}  // namespace kvatlas
