#include "core/base/line_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/error.h"

namespace kvatlas {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 16;

}  // namespace

LineReader::LineReader(std::filesystem::path path, std::size_t most_bytes)
    : m_path(std::move(path)), m_most_bytes(most_bytes), m_buffer(kBufferBytes) {
  std::error_code code;
  if (std::filesystem::is_directory(m_path, code)) fail("{}: is a folder, not a file", m_path.string());
  m_file = ::open(m_path.c_str(), O_RDONLY | O_CLOEXEC);
  if (m_file < 0) throw Error(systemMessage(m_path.string(), errno));
}

LineReader::~LineReader() {
  ::close(m_file);
}

bool LineReader::next(std::string& line) {
  line.clear();
  m_ended = false;
  if (m_unread.empty() && !fill()) return false;
  ++m_number;
  do {
    const std::size_t end = std::min(m_unread.find('\n'), m_unread.size());
    if (line.size() + end > m_most_bytes) fail("{}: a line of more than {} bytes", where(), m_most_bytes);
    line.append(m_unread.substr(0, end));
    m_ended = end < m_unread.size();
    m_unread.remove_prefix(end + (m_ended ? 1 : 0));
  } while (!m_ended && fill());
  return true;
}

bool LineReader::fill() {
  ssize_t got = 0;
  do got = ::read(m_file, m_buffer.data(), m_buffer.size());
  while (got < 0 && errno == EINTR);
  if (got < 0) throw Error(systemMessage(m_path.string(), errno));
  m_unread = {m_buffer.data(), static_cast<std::size_t>(got)};
  return got > 0;
}

std::string LineReader::where() const {
  return fmt::format("{}:{}", m_path.string(), m_number);
}

}  // namespace kvatlas
