#include "core/base/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "core/base/error.h"

namespace kvatlas {
namespace {

constexpr std::size_t kBuffered = std::size_t{1} << 18;

}  // namespace

OutputFile::OutputFile(const std::filesystem::path& target) : m_target(target), m_part(target.string() + ".part") {
  std::error_code code;
  const auto existing = std::filesystem::symlink_status(target, code);
  if (std::filesystem::exists(existing) && !std::filesystem::is_regular_file(existing))
    fail("{}: is not a regular file and will not be replaced", target.string());
  m_file = ::open(m_part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (m_file < 0) throw Error(systemMessage(target.string(), errno));
}

OutputFile::~OutputFile() {
  if (m_file < 0) return;
  ::close(m_file);
  ::unlink(m_part.c_str());
}

void OutputFile::write(std::string_view bytes) {
  m_buffer += bytes;
  if (m_buffer.size() >= kBuffered) flush();
}

void OutputFile::flush() {
  for (std::size_t done = 0; done < m_buffer.size();) {
    const ssize_t written = ::write(m_file, m_buffer.data() + done, m_buffer.size() - done);
    if (written < 0 && errno != EINTR) throw Error(systemMessage(m_target.string(), errno));
    if (written > 0) done += static_cast<std::size_t>(written);
  }
  m_buffer.clear();
}

void OutputFile::complete() {
  flush();
  int error = ::fsync(m_file) == 0 ? 0 : errno;
  if (::close(std::exchange(m_file, -1)) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(m_part.c_str(), m_target.c_str()) != 0) error = errno;
  if (error == 0) return;
  ::unlink(m_part.c_str());
  throw Error(systemMessage(m_target.string(), error));
}

}  // namespace kvatlas
