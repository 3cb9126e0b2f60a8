// Typed reading of the fields of one JSON object, with errors that name file, field and the expected
// value.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace kvatlas {

// Parses untrusted JSON. Error "where: not valid JSON: …", also for lists and objects nested deeper than `most_depth`,
// because values are copied and printed recursively.
[[nodiscard]] nlohmann::json parseJson(std::string_view text, const std::string& where, int most_depth = 64);

// Treats an absent field and null alike: uses the fallback, or throws Error without one.
class JsonFields {
 public:
  // `prefix` names the object inside the file: "rope_scaling.". The object must outlive the reader. Error unless it
  // is an object.
  JsonFields(const std::filesystem::path& file, const nlohmann::json& object, std::string prefix = {});

  [[nodiscard]] bool has(const char* field) const;
  // A whole number in [least, most].
  [[nodiscard]] std::uint64_t integer(const char* field, std::uint64_t least, std::uint64_t most,
                                      std::optional<std::uint64_t> fallback = {}) const;
  // A finite number in [least, most].
  [[nodiscard]] double number(const char* field, double least, double most) const;
  // A finite number above 0.
  [[nodiscard]] double positive(const char* field, std::optional<double> fallback = {}) const;
  [[nodiscard]] bool boolean(const char* field, bool fallback) const;
  [[nodiscard]] std::string text(const char* field, std::optional<std::string> fallback = {}) const;
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
