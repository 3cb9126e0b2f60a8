// A trace that has passed the look into its structure (core/trace/vetting.h) must not crash its reader. The look itself
// runs in a child, as in the program: there, HDF5 may crash. The mutator corrects the checksums of the metadata it
// changes; otherwise HDF5 would reject every change.
#include <hdf5.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <random>

#include "core/trace/reader.h"
#include "core/trace/vetting.h"
#include "tests/core/trace/metadata_lies.h"
#include "tests/fuzz/fuzz.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

bool passes(const std::filesystem::path& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    // Less than in the program, which waits 2 s: a good trace takes a hundredth.
    const itimerval limit{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 300'000}};
    ::setitimer(ITIMER_PROF, &limit, nullptr);
    for (const int signal : {SIGSEGV, SIGFPE, SIGABRT, SIGBUS, SIGILL, SIGPROF}) std::signal(signal, SIG_DFL);
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
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {  // libFuzzer's timer
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Bytes of one block, as libFuzzer changes them.
void changeBlock(std::string& file, const kvatlas::test::MetadataBlock& block) {
  auto* const bytes = reinterpret_cast<std::uint8_t*>(file.data()) + block.begin;
  const std::size_t size = block.end - block.begin, sign = std::min<std::size_t>(size, 4);
  LLVMFuzzerMutate(bytes + sign, size - sign, size - sign);
  kvatlas::test::mendChecksum(file, block);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  using namespace kvatlas::test;
  std::mt19937 random(seed);
  std::string file(kvatlas::fuzz::textOf(data, size));
  const std::vector<MetadataBlock> blocks = metadataBlocks(file);
  if (blocks.empty() || random() % 16 == 0) return LLVMFuzzerMutate(data, size, most);
  switch (random() % 4) {
    case 0:
      for (std::size_t changes = 1 + random() % 4; changes > 0; --changes)
        file[random() % file.size()] = static_cast<char>(random());
      break;
    case 1:
      file = withLie(file, blocks, random);
      break;
    default:
      changeBlock(file, blocks[random() % blocks.size()]);
  }
  std::ranges::copy(file, data);
  return size;
}

KVATLAS_FUZZ_TARGET {
  using namespace kvatlas;
  const auto path = fuzz::put("trace.kva.h5", fuzz::textOf(data, size));
  if (!passes(path)) return 0;
  fuzz::onlyErrors([&] { static_cast<void>(trace::validate(path)); });
  // What stays open would mix with the next file of that name.
  if (H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL) != 0) std::abort();
  return 0;
}
