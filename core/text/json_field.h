// A JSON value that knows where it stands, so that every complaint names file and field; knows no tokenizer.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace kvatlas::text {

class JsonField {
 public:
  JsonField(const nlohmann::json& value, std::string where) : m_value(&value), m_where(std::move(where)) {}

  [[nodiscard]] const nlohmann::json& value() const { return *m_value; }
  [[nodiscard]] const std::string& where() const { return m_where; }  // "…/tokenizer.json: model.merges"
  [[nodiscard]] bool isNull() const { return m_value->is_null(); }

  // A member that must be there / may be missing or null. Error when this is no object.
  [[nodiscard]] JsonField at(std::string_view key) const;
  [[nodiscard]] std::optional<JsonField> find(std::string_view key) const;
  [[nodiscard]] std::vector<JsonField> elements() const;  // of an array

  [[nodiscard]] const std::string& asString() const;
  [[nodiscard]] std::uint64_t asUnsigned() const;
  [[nodiscard]] bool boolean(std::string_view key, bool otherwise) const;  // a member
  [[nodiscard]] const std::string& type() const { return at("type").asString(); }

  // Error "…: <what>".
  [[noreturn]] void complain(std::string_view what) const;

 private:
  const nlohmann::json* m_value;
  std::string m_where;
};

}  // namespace kvatlas::text
