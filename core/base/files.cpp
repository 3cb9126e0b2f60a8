#include "core/base/files.h"

#include <cerrno>
#include <fstream>

#include "core/base/error.h"
#include "core/base/git_lfs.h"
#include "core/base/json_depth.h"
#include "core/base/output_file.h"
#include "core/base/python_json.h"

namespace kvatlas {

std::string readFile(const std::filesystem::path& path, std::uint64_t max_bytes) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) fail("{}: is a folder, not a file", path.string());
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(systemMessage(path.string(), errno != 0 ? errno : ENOENT));
  std::string bytes;
  char buffer[1 << 16];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    bytes.append(buffer, static_cast<std::size_t>(in.gcount()));
    if (bytes.size() > max_bytes) fail("{}: larger than the limit of {} bytes", path.string(), max_bytes);
  }
  if (in.bad()) fail("{}: cannot be read completely", path.string());
  return bytes;
}

nlohmann::json readJsonFile(const std::filesystem::path& path) {
  const std::string text = readFile(path);
  if (isDeeperThan(text)) fail("{}: nested deeper than {} levels", path.string(), kMostJsonLevels);
  try {
    return parsePythonJson(text);
  } catch (const nlohmann::json::exception& error) {
    refuseLfsPointer(path, text);
    fail("{}: not valid JSON: {}", path.string(), error.what());
  }
}

std::optional<nlohmann::json> readJsonObjectIfThere(const std::filesystem::path& path) {
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return std::nullopt;
  nlohmann::json content = readJsonFile(path);
  if (!content.is_object()) fail("{}: expected a JSON object, found {}", path.string(), content.type_name());
  return content;
}

void writeFileAtomically(const std::filesystem::path& path, std::string_view bytes) {
  OutputFile file(path);
  file.write(bytes);
  file.complete();
}

}  // namespace kvatlas
