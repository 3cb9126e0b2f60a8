// Loaded before the C library: makes the n-th call of one kind fail, or kills the process there; or only counts calls
// and writes their order down. Must not use KVAtlas's code.
//
//   KVATLAS_FAULT        kind:number:action   number from 1; action: an errno value, "kill", "short" (half is
//                        written) or "term" (SIGTERM after the call, which returns late)
//   KVATLAS_FAULT_PATH   only calls on files whose path contains this
//   KVATLAS_FAULT_LOG    file that receives one line "kind path" per call of any kind, on those files
//
// Kinds: write, sync, resize, rename, open, map, memory (malloc and calloc of 64 KiB and more), thread.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t kLargeBlock = std::size_t{1} << 16;

struct Plan {
  char kind[16] = "";
  long number = 0;
  int error = 0;
  bool kill = false, half = false, term = false;
  const char* path = nullptr;
  int log = -1;
};

std::atomic<long> s_calls;
Plan s_plan;
std::atomic<bool> s_ready;
thread_local bool t_term = false;  // the call that follows is the one to send SIGTERM after

__attribute__((constructor)) void readPlan() {
  if (const char* text = std::getenv("KVATLAS_FAULT")) {
    const char* first = std::strchr(text, ':');
    const char* second = first != nullptr ? std::strchr(first + 1, ':') : nullptr;
    if (second != nullptr && static_cast<std::size_t>(first - text) < sizeof s_plan.kind) {
      std::memcpy(s_plan.kind, text, static_cast<std::size_t>(first - text));
      s_plan.number = std::atol(first + 1);
      s_plan.kill = std::strcmp(second + 1, "kill") == 0;
      s_plan.half = std::strcmp(second + 1, "short") == 0;
      s_plan.term = std::strcmp(second + 1, "term") == 0;
      s_plan.error = std::atoi(second + 1);
    }
  }
  s_plan.path = std::getenv("KVATLAS_FAULT_PATH");
  if (const char* log = std::getenv("KVATLAS_FAULT_LOG"))
    s_plan.log =
        static_cast<int>(::syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  s_ready = true;
}

bool matches(const char* path) {
  return s_plan.path == nullptr || (path != nullptr && std::strstr(path, s_plan.path) != nullptr);
}

const char* pathOf(int file, char* buffer, std::size_t size) {
  char link[64];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = ::readlink(link, buffer, size - 1);
  buffer[length < 0 ? 0 : length] = '\0';
  return buffer;
}

// Whether this call is the one to fail; errno is set then.
bool hit(const char* kind, const char* path) {
  if (!s_ready || (path != nullptr && !matches(path))) return false;
  if (s_plan.log >= 0 && path != nullptr) {
    char line[4200];
    const int length = std::snprintf(line, sizeof line, "%s %s\n", kind, path);
    ::syscall(SYS_write, s_plan.log, line, length);
  }
  if (s_plan.number == 0 || std::strcmp(kind, s_plan.kind) != 0) return false;
  const long call = ++s_calls;
  // A limit on threads stays: all later ones fail, too.
  if (std::strcmp(kind, "thread") == 0 ? call < s_plan.number : call != s_plan.number) return false;
  if (s_plan.kill) ::kill(::getpid(), SIGKILL);
  if (s_plan.term) {
    t_term = true;
    return false;
  }
  errno = s_plan.error;
  return true;
}

bool hit(const char* kind, int file) {
  if (!s_ready || file <= STDERR_FILENO) return false;
  char buffer[4096];
  return hit(kind, pathOf(file, buffer, sizeof buffer));
}

// The result of a call on a file. Whoever waits for the signal acts before the caller learns it.
template <class Result>
Result late(Result result) {
  if (!t_term) return result;
  t_term = false;
  const int error = errno;
  ::kill(::getpid(), SIGTERM);
  ::usleep(100'000);
  errno = error;
  return result;
}

template <class Function>
Function next(Function, const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

#define KVATLAS_NEXT(name) static const auto real = next(&::name, #name)

extern "C" {

ssize_t write(int file, const void* bytes, size_t size) {
  KVATLAS_NEXT(write);
  if (!hit("write", file)) return late(real(file, bytes, size));
  return s_plan.half ? real(file, bytes, size > 1 ? size / 2 : size) : -1;
}
ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  KVATLAS_NEXT(pwrite);
  if (!hit("write", file)) return late(real(file, bytes, size, at));
  return s_plan.half ? real(file, bytes, size > 1 ? size / 2 : size, at) : -1;
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) {
  return pwrite(file, bytes, size, at);
}
ssize_t writev(int file, const iovec* parts, int count) {
  KVATLAS_NEXT(writev);
  if (!hit("write", file)) return late(real(file, parts, count));
  return s_plan.half ? real(file, parts, 1) : -1;
}
int fsync(int file) {
  KVATLAS_NEXT(fsync);
  return hit("sync", file) ? -1 : late(real(file));
}
int fdatasync(int file) {
  KVATLAS_NEXT(fdatasync);
  return hit("sync", file) ? -1 : late(real(file));
}
int ftruncate(int file, off_t size) {
  KVATLAS_NEXT(ftruncate);
  return hit("resize", file) ? -1 : late(real(file, size));
}
int ftruncate64(int file, off64_t size) {
  return ftruncate(file, size);
}
int rename(const char* from, const char* to) {
  KVATLAS_NEXT(rename);
  return hit("rename", to) ? -1 : late(real(from, to));
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  KVATLAS_NEXT(renameat2);
  return hit("rename", to) ? -1 : late(real(from_folder, from, to_folder, to, flags));
}
void* mmap(void* at, size_t size, int protection, int flags, int file, off_t offset) {
  KVATLAS_NEXT(mmap);
  return file >= 0 && hit("map", file) ? MAP_FAILED : real(at, size, protection, flags, file, offset);
}
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  KVATLAS_NEXT(pthread_create);
  return hit("thread", static_cast<const char*>(nullptr)) ? EAGAIN : real(thread, attributes, body, argument);
}

static int openAs(const char* path, int flags, mode_t mode) {
  if (hit("open", path)) return -1;
  return late(static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode)));
}
int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = static_cast<mode_t>(va_arg(more, unsigned));
  va_end(more);
  return openAs(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = static_cast<mode_t>(va_arg(more, unsigned));
  va_end(more);
  return openAs(path, flags, mode);
}

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* malloc(size_t size) {
  if (size >= kLargeBlock && hit("memory", static_cast<const char*>(nullptr))) return nullptr;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  if (count * size >= kLargeBlock && hit("memory", static_cast<const char*>(nullptr))) return nullptr;
  return __libc_calloc(count, size);
}

}  // extern "C"
