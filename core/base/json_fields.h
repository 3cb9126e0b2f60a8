// Typed reading of the fields of one JSON object with errors that name file, field and what was expected; knows no
// format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace kvatlas {

// Parsed JSON of what others wrote; Error "where: not valid JSON: …", also when lists and objects stand deeper inside
// each other than `most_depth`: values are copied and printed recursively.
[[nodiscard]] nlohmann::json parseJson(std::string_view text, const std::string& where, int most_depth = 64);

// An absent field and null are the same: the default counts, or an Error where there is none.
class JsonFields {
 public:
  // `prefix` names the object inside the file: "rope_scaling.". The object must outlive the reader; Error unless it is
  // an object.
  JsonFields(const std::filesystem::path& file, const nlohmann::json& object, std::string prefix = {});

  [[nodiscard]] bool has(const char* field) const;
  // A whole number in [least, most].
  [[nodiscard]] std::uint64_t integer(const char* field, std::uint64_t least, std::uint64_t most,
                                      std::optional<std::uint64_t> otherwise = {}) const;
  // A finite number in [least, most].
  [[nodiscard]] double number(const char* field, double least, double most) const;
  // A finite number above 0.
  [[nodiscard]] double positive(const char* field, std::optional<double> otherwise = {}) const;
  [[nodiscard]] bool boolean(const char* field, bool otherwise) const;
  [[nodiscard]] std::string text(const char* field, std::optional<std::string> otherwise = {}) const;
  [[nodiscard]] JsonFields object(const char* field) const;
  [[nodiscard]] const nlohmann::json& array(const char* field) const;
  [[nodiscard]] const nlohmann::json* find(const char* field) const;

  // Error "file: field 'name': expected …, found …".
  [[noreturn]] void refuse(const char* field, const std::string& expected) const;

 private:
  std::filesystem::path m_file;
  const nlohmann::json* m_object;
  std::string m_prefix;
};

}  // namespace kvatlas
