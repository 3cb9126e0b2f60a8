// A trace that has passed the look into its structure (core/trace/vetting.h) must not crash its reader. The look itself
// runs in a child, as in the program: there, HDF5 may crash.
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

#include "core/trace/reader.h"
#include "core/trace/vetting.h"
#include "tests/fuzz/fuzz.h"

namespace {

bool passes(const std::filesystem::path& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit seconds{2, 2};
    ::setrlimit(RLIMIT_CPU, &seconds);
    for (const int signal : {SIGSEGV, SIGFPE, SIGABRT, SIGBUS, SIGILL}) std::signal(signal, SIG_DFL);
    ::close(STDERR_FILENO);
    int code = 0;
    try {
      kvatlas::trace::walkStructure(path);
    } catch (const kvatlas::Error&) {
      code = 1;
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

KVATLAS_FUZZ_TARGET {
  using namespace kvatlas;
  const auto path = fuzz::put("trace.kva.h5", fuzz::textOf(data, size));
  if (!passes(path)) return 0;
  fuzz::onlyErrors([&] { static_cast<void>(trace::validate(path)); });
  return 0;
}
