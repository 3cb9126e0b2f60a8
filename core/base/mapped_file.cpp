#include "core/base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>

#include "core/base/error.h"

namespace kvatlas {
namespace {

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

// The mappings of this process, for the signal handler: fixed memory, no locks. A file that finds no free place is
// only missing in the error line.
struct Place {
  std::atomic<const std::byte*> begin = nullptr;
  std::atomic<std::size_t> size = 0;
  std::array<char, 256> name{};
};
std::array<Place, 256> s_places;
const char* s_programme = "";

void remember(const std::byte* data, std::size_t size, const std::string& name) {
  for (Place& place : s_places) {
    std::size_t none = 0;
    if (!place.size.compare_exchange_strong(none, size)) continue;
    place.name.fill('\0');
    const std::size_t cut = name.size() < place.name.size() ? 0 : name.size() - place.name.size() + 1;
    name.copy(place.name.data(), place.name.size() - 1, cut);
    place.begin = data;
    return;
  }
}

void forget(const std::byte* data) {
  for (Place& place : s_places) {
    if (place.begin != data) continue;
    place.begin = nullptr;
    place.size = 0;
    return;
  }
}

void put(const char* text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
}

// Only calls that are safe in a signal handler.
void explain(int signal, siginfo_t* info, void*) {
  for (const Place& place : s_places) {
    const std::byte* const begin = place.begin;
    const auto* const at = static_cast<const std::byte*>(info->si_addr);
    if (begin == nullptr || at < begin || at >= begin + place.size) continue;
    put(s_programme);
    put(": error: ");
    put(place.name.data());
    put(": became shorter or unreadable while it was being read\n");
    ::_exit(1);
  }
  std::signal(signal, SIG_DFL);  // another cause: dies of the same signal on return
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : m_path(path) {
  // O_NONBLOCK: opening a named pipe must not wait for a writer.
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
  remember(m_data, m_size, path.string());
}

MappedFile::~MappedFile() {
  if (m_data == nullptr) return;
  forget(m_data);
  ::munmap(const_cast<std::byte*>(m_data), m_size);
}

void MappedFile::release(std::span<const std::byte> part) const {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  // Whole pages only: neighbours may still be in use.
  const auto begin = static_cast<std::size_t>(part.data() - m_data);
  const std::size_t first = (begin + page - 1) / page * page;
  const std::size_t last = begin + part.size() == m_size ? m_size : (begin + part.size()) / page * page;
  if (first < last) ::madvise(const_cast<std::byte*>(m_data) + first, last - first, MADV_DONTNEED);
}

void explainLostMappings(const char* programme) {
  s_programme = programme;
  struct sigaction action {};
  action.sa_sigaction = explain;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace kvatlas
