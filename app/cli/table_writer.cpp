#include "app/cli/table_writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdlib>

#include "core/base/csv.h"
#include "core/base/error.h"

namespace kvatlas::app {
namespace {

using nlohmann::json;

const std::string& checkedName(const std::string& output) {
  requireTableName(output);
  return output;
}

std::string csvCellOf(const json& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return value.dump();
  // Pieces of a character become U+FFFD, as in the JSON of the same table.
  const std::string shown = value.dump(-1, ' ', false, json::error_handler_t::replace);
  return csvCell(json::parse(shown).get_ref<const std::string&>());
}

std::string csvRow(const std::vector<json>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += ',';
    line += csvCellOf(cells[i]);
  }
  line += '\n';
  return line;
}

// One object of the list, indented like nlohmann's dump(1).
std::string jsonRow(const std::vector<std::string>& columns, const std::vector<json>& cells) {
  json object = json::object();
  for (std::size_t i = 0; i < cells.size(); ++i) object[columns[i]] = cells[i];
  std::string indented = "\n ";
  for (const char c : object.dump(1, ' ', false, json::error_handler_t::replace)) {
    indented += c;
    if (c == '\n') indented += ' ';
  }
  return indented;
}

}  // namespace

void requireTableName(const std::string& output) {
  if (!output.ends_with(".csv") && !output.ends_with(".json"))
    failUsage("-o {}: the name must end in .csv or .json", output);
}

json tableNumber(float value) {
  if (!std::isfinite(value)) return nullptr;
  return std::strtod(fmt::format("{}", value).c_str(), nullptr);
}

TableWriter::TableWriter(const std::string& output) : m_file(checkedName(output)), m_csv(output.ends_with(".csv")) {}

void TableWriter::columns(std::vector<std::string> names) {
  m_columns = std::move(names);
  m_file.write(m_csv ? fmt::format("{}\n", fmt::join(m_columns, ",")) : "[");
}

void TableWriter::row(const std::vector<json>& cells) {
  if (m_csv) {
    m_file.write(csvRow(cells));
  } else {
    if (m_rows > 0) m_file.write(",");
    m_file.write(jsonRow(m_columns, cells));
  }
  ++m_rows;
}

void TableWriter::complete() {
  if (!m_csv) m_file.write(m_rows > 0 ? "\n]\n" : "]\n");
  m_file.complete();
}

}  // namespace kvatlas::app
