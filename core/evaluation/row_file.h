// Rows of a dataset: JSON Lines.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/json_field.h"
#include "core/base/sha256.h"

namespace kvatlas::evaluation {

struct Row {
  nlohmann::json value;  // an object
  std::string where;     // "hotpotqa.jsonl:3", for errors

  [[nodiscard]] JsonField fields() const { return {where, value}; }
};

// The first `most` rows (0: all). Hashes the bytes read. Error names file and line: not JSON, no object, no row at all.
[[nodiscard]] std::vector<Row> readRows(const std::filesystem::path& file, std::size_t most, Sha256& sha);

// A field that is a text or a list of texts, none of another type. Error.
[[nodiscard]] std::vector<std::string> textsIn(const Row& row, const char* field);

}  // namespace kvatlas::evaluation
