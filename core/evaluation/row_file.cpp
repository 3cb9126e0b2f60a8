#include "core/evaluation/row_file.h"

#include <cerrno>
#include <fstream>

#include "core/base/error.h"

namespace kvatlas::evaluation {
namespace {

constexpr std::size_t kMostLineBytes = std::size_t{256} << 20;

}  // namespace

std::vector<Row> readRows(const std::filesystem::path& file, std::size_t most, Sha256& sha) {
  std::error_code code;
  if (std::filesystem::is_directory(file, code)) fail("{}: is a folder, expected JSON Lines", file.string());
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error(systemMessage(file.string(), errno != 0 ? errno : EIO));
  std::vector<Row> rows;
  std::size_t number = 0;
  for (std::string line; (most == 0 || rows.size() < most) && std::getline(in, line);) {
    const std::string where = fmt::format("{}:{}", file.string(), ++number);
    if (line.size() > kMostLineBytes) fail("{}: a line of more than {} bytes", where, kMostLineBytes);
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    sha.add(line.data(), line.size());
    rows.push_back({parseJson(line, where), where});
    (void)rows.back().fields();
  }
  if (in.bad()) throw Error(systemMessage(file.string(), EIO));
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
