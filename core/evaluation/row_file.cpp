#include "core/evaluation/row_file.h"

#include "core/base/error.h"
#include "core/base/line_reader.h"

namespace kvatlas::evaluation {

std::vector<Row> readRows(const std::filesystem::path& file, std::size_t most, Sha256& sha) {
  std::error_code code;
  if (std::filesystem::is_directory(file, code)) fail("{}: is a folder, expected JSON Lines", file.string());
  LineReader lines(file, kMostRowBytes);
  std::vector<Row> rows;
  for (std::string line; (most == 0 || rows.size() < most) && lines.next(line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    sha.add(line.data(), line.size());
    rows.push_back({parseJson(line, lines.where()), lines.where()});
    (void)rows.back().fields();
  }
  if (rows.empty()) fail("{}: contains no rows", file.string());
  return rows;
}

std::vector<std::string> textsIn(const Row& row, const char* field) {
  const JsonField fields = row.fields();
  const nlohmann::json* value = fields.raw(field);
  if (value != nullptr && value->is_string()) return {value->get<std::string>()};
  if (value == nullptr || !value->is_array()) fields.refuse(field, "a text or a list of texts");
  std::vector<std::string> texts;
  for (const nlohmann::json& one : *value) {
    if (!one.is_string()) fields.refuse(field, "a text or a list of texts");
    texts.push_back(one.get<std::string>());
  }
  return texts;
}

}  // namespace kvatlas::evaluation
