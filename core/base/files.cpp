#include "core/base/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "core/base/error.h"

namespace kvatlas {

std::string readFile(const std::filesystem::path& path, std::uint64_t max_bytes) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) fail("{}: is a folder, a file was expected", path.string());
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(systemMessage(path.string(), errno != 0 ? errno : ENOENT));
  std::string bytes;
  char buffer[1 << 16];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    bytes.append(buffer, static_cast<std::size_t>(in.gcount()));
    if (bytes.size() > max_bytes) fail("{}: larger than the {} bytes that are read here", path.string(), max_bytes);
  }
  if (in.bad()) fail("{}: cannot be read to its end", path.string());
  return bytes;
}

nlohmann::json readJsonFile(const std::filesystem::path& path) {
  const std::string text = readFile(path);
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    fail("{}: not valid JSON: {}", path.string(), error.what());
  }
}

void writeFileAtomically(const std::filesystem::path& path, std::string_view bytes) {
  std::error_code code;
  const auto there = std::filesystem::symlink_status(path, code);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there))
    fail("{}: is not a regular file and will not be replaced", path.string());
  const std::string part = path.string() + ".part";
  const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) throw Error(systemMessage(path.string(), errno));
  int error = 0;
  for (std::size_t done = 0; done < bytes.size() && error == 0;) {
    const ssize_t written = ::write(file, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno != EINTR) error = errno;
    if (written > 0) done += static_cast<std::size_t>(written);
  }
  if (error == 0 && ::fsync(file) != 0) error = errno;
  if (::close(file) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(part.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(part.c_str());
    throw Error(systemMessage(path.string(), error));
  }
}

}  // namespace kvatlas
