// libkvatlas_guard.so, preloaded into the process that looks into an untrusted trace (core/trace/vetting.h): each
// allocation ends at pages that nobody may touch, so that a read or write beyond it, which libhdf5 makes when a file
// lies about sizes, ends that process instead of passing there and crashing the program later. Must know nothing of
// traces.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void __libc_free(void* memory);
}

namespace {

// At the beginning of an allocation's first page; its bytes end where its last page ends.
struct Header {
  std::uintptr_t mark = 0;
  std::size_t size = 0;
};

constexpr std::uintptr_t kMark = 0x6b7661746c617367;
constexpr std::size_t kAlignment = 8;  // a type that wants 16 has a size that is a multiple of it
// Sizes in messages of object headers have 16 bits, and an attribute has three of them.
constexpr std::size_t kGap = std::size_t{256} << 10;

// Each takes two of the mappings that a process may have, 65,530 by default; then the C library allocates as ever.
constexpr std::ptrdiff_t kMostGuarded = 24'000;

std::atomic<bool> guards{false};  // what starts the process allocates as ever
std::atomic<std::ptrdiff_t> g_mapped{0};

std::size_t page() {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

constexpr std::size_t roundedUp(std::size_t value, std::size_t to) {
  return (value + to - 1) / to * to;
}

std::uintptr_t markOf(const Header* header) {
  return kMark ^ reinterpret_cast<std::uintptr_t>(header);
}

// Bytes that can be touched, for a size below SIZE_MAX / 2.
std::size_t touchable(std::size_t size) {
  return roundedUp(sizeof(Header) + roundedUp(size, kAlignment), page());
}

// Null: the allocation is the C library's, which has its own 16 bytes there.
Header* headerOf(void* memory) {
  const std::uintptr_t before = reinterpret_cast<std::uintptr_t>(memory) - sizeof(Header);
  auto* const header = reinterpret_cast<Header*>(before / page() * page());
  return header->mark == markOf(header) ? header : nullptr;
}

// What was freed, by its touchable pages: most allocations are small and short, and system calls are slow.
class Freed {
 public:
  bool put(Header* header, std::size_t bytes) {
    const std::size_t pages = bytes / page();
    if (pages >= m_first.size()) return false;
    const std::lock_guard lock(m_mutex);
    header->mark = reinterpret_cast<std::uintptr_t>(m_first[pages]);
    m_first[pages] = header;
    return true;
  }
  Header* take(std::size_t bytes) {
    const std::size_t pages = bytes / page();
    if (pages >= m_first.size()) return nullptr;
    const std::lock_guard lock(m_mutex);
    Header* const header = m_first[pages];
    if (header != nullptr) m_first[pages] = reinterpret_cast<Header*>(header->mark);
    return header;
  }

 private:
  std::mutex m_mutex;
  std::array<Header*, 17> m_first{};
};

Freed freed;

Header* mapped(std::size_t bytes) {
  if (g_mapped >= kMostGuarded) return nullptr;
  void* const begin = ::mmap(nullptr, bytes + kGap, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (begin == MAP_FAILED) return nullptr;
  if (::mprotect(begin, bytes, PROT_READ | PROT_WRITE) != 0) {
    ::munmap(begin, bytes + kGap);
    return nullptr;
  }
  ++g_mapped;
  return static_cast<Header*>(begin);
}

// Null: no more mappings, or memory.
void* guarded(std::size_t asked) {
  const std::size_t size = std::max<std::size_t>(asked, 1);
  if (size > SIZE_MAX / 2) return nullptr;
  const std::size_t bytes = touchable(size);
  Header* header = freed.take(bytes);
  if (header == nullptr) header = mapped(bytes);
  if (header == nullptr) return nullptr;
  *header = {markOf(header), size};
  return reinterpret_cast<unsigned char*>(header) + bytes - roundedUp(size, kAlignment);
}

}  // namespace

#define KVATLAS_EXPORT extern "C" __attribute__((visibility("default")))

KVATLAS_EXPORT void kvatlasGuardAllocations() {
  guards = true;
}

KVATLAS_EXPORT void* malloc(std::size_t size) {
  void* const memory = guards ? guarded(size) : nullptr;
  return memory != nullptr ? memory : __libc_malloc(size);
}

KVATLAS_EXPORT void free(void* memory) {
  if (memory == nullptr) return;
  Header* const header = headerOf(memory);
  if (header == nullptr) return __libc_free(memory);
  const std::size_t bytes = touchable(header->size);
  if (freed.put(header, bytes)) return;
  const int before = errno;
  ::munmap(header, bytes + kGap);
  --g_mapped;
  errno = before;
}

KVATLAS_EXPORT void* calloc(std::size_t count, std::size_t size) {
  std::size_t bytes = 0;
  void* const memory = guards && !__builtin_mul_overflow(count, size, &bytes) ? guarded(bytes) : nullptr;
  return memory != nullptr ? std::memset(memory, 0, bytes) : __libc_calloc(count, size);
}

KVATLAS_EXPORT void* realloc(void* memory, std::size_t size) {
  const Header* const header = memory == nullptr ? nullptr : headerOf(memory);
  if (header == nullptr && (memory != nullptr || !guards)) return __libc_realloc(memory, size);
  void* const fresh = malloc(size);
  if (fresh == nullptr || header == nullptr) return fresh;
  std::memcpy(fresh, memory, std::min(size, header->size));
  free(memory);
  return fresh;
}
