// A value of a JSON file that knows where it stands, so that every error names file, field and what was expected.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvatlas {

// Parses untrusted JSON. Error "where: not valid JSON: …", also for lists and objects nested deeper than `most_depth`,
// because values are copied and printed recursively.
[[nodiscard]] nlohmann::json parseJson(std::string_view text, const std::string& where, std::size_t most_depth = 64);

// Treats an absent member and null alike: uses the fallback, or throws Error without one. The value must outlive it.
class JsonField {
 public:
  // `path` is the value's place inside the file: "model.merges[3]"; empty for the whole file.
  JsonField(std::string file, const nlohmann::json& value, std::string path = {});

  [[nodiscard]] const nlohmann::json& value() const { return *m_value; }
  [[nodiscard]] std::string where() const;  // "file: path"
  [[nodiscard]] bool isNull() const { return m_value->is_null(); }

  // The value itself.
  [[nodiscard]] const std::string& asString() const;
  [[nodiscard]] std::uint64_t asUnsigned() const;
  [[nodiscard]] std::vector<JsonField> elements() const;    // of a list
  [[noreturn]] void complain(std::string_view what) const;  // Error "file: path: what"

  // Members of an object; Error if the value is none.
  [[nodiscard]] bool has(std::string_view key) const { return raw(key) != nullptr; }
  [[nodiscard]] const nlohmann::json* raw(std::string_view key) const;
  [[nodiscard]] std::optional<JsonField> find(std::string_view key) const;
  [[nodiscard]] JsonField at(std::string_view key) const;
  // A whole number in [least, most].
  [[nodiscard]] std::uint64_t integer(std::string_view key, std::uint64_t least, std::uint64_t most,
                                      std::optional<std::uint64_t> fallback = {}) const;
  // A finite number in [least, most].
  [[nodiscard]] double number(std::string_view key, double least, double most) const;
  // A finite number above 0.
  [[nodiscard]] double positive(std::string_view key, std::optional<double> fallback = {}) const;
  [[nodiscard]] bool boolean(std::string_view key, bool fallback) const;
  [[nodiscard]] std::string text(std::string_view key, std::optional<std::string> fallback = {}) const;
  [[nodiscard]] JsonField object(std::string_view key) const;
  [[nodiscard]] const nlohmann::json& array(std::string_view key) const;
  // Error "file: field 'path.key': expected …, found …".
  [[noreturn]] void refuse(std::string_view key, std::string_view expected) const;

 private:
  [[nodiscard]] std::string pathOf(std::string_view key) const;
  [[noreturn]] void expected(std::string_view what) const;

  std::string m_file;
  const nlohmann::json* m_value;
  std::string m_path;
};

}  // namespace kvatlas
