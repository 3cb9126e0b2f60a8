#include "core/base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "core/base/error.h"

namespace kvatlas {
namespace {

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : m_path(path) {
  // Not blocking: opening a named pipe must not wait for its writer.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.number < 0) throw Error(systemMessage(path.string(), errno));
  struct stat status = {};
  if (::fstat(file.number, &status) != 0) throw Error(systemMessage(path.string(), errno));
  if (!S_ISREG(status.st_mode)) fail("{}: not a regular file", path.string());
  m_size = static_cast<std::size_t>(status.st_size);
  if (m_size == 0) return;
  void* data = ::mmap(nullptr, m_size, PROT_READ, MAP_SHARED, file.number, 0);
  if (data == MAP_FAILED) throw Error(systemMessage(path.string(), errno));
  m_data = static_cast<const std::byte*>(data);
}

MappedFile::~MappedFile() {
  if (m_data != nullptr) ::munmap(const_cast<std::byte*>(m_data), m_size);
}

void MappedFile::release(std::span<const std::byte> part) const {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  // Whole pages only: neighbours may still be in use.
  const auto begin = static_cast<std::size_t>(part.data() - m_data);
  const std::size_t first = (begin + page - 1) / page * page;
  const std::size_t last = begin + part.size() == m_size ? m_size : (begin + part.size()) / page * page;
  if (first < last) ::madvise(const_cast<std::byte*>(m_data) + first, last - first, MADV_DONTNEED);
}

}  // namespace kvatlas
