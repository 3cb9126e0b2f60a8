// Writes a table row by row as CSV or JSON, so that no table is whole in memory.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/output_file.h"

namespace kvatlas::app {

// The file appears when the table is complete; without complete() it leaves no file.
class TableWriter {
 public:
  // `output` ends in .csv or .json; UsageError otherwise.
  explicit TableWriter(const std::string& output);

  void columns(std::vector<std::string> names);        // once, before the first row
  void row(const std::vector<nlohmann::json>& cells);  // one scalar per column; null: an empty cell
  void complete();

 private:
  OutputFile m_file;
  bool m_csv;
  std::vector<std::string> m_columns;
  std::size_t m_rows = 0;
};

// UsageError unless the name ends in .csv or .json.
void requireTableName(const std::string& output);
// The shortest digits that round-trip the float; null when not finite.
[[nodiscard]] nlohmann::json tableNumber(float value);

}  // namespace kvatlas::app
