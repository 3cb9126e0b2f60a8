// A trace that has passed the look into its structure (core/trace/vetting.h) must not crash its reader. The look itself
// runs in a child, as in the program: there, HDF5 may crash. The mutator corrects the checksums of the metadata it
// changes; otherwise HDF5 would reject every change.
#include <hdf5.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <random>
#include <string_view>

#include "core/trace/guard/guard.h"
#include "core/trace/notes_writer.h"
#include "core/trace/reader.h"
#include "core/trace/vetting.h"
#include "tests/core/trace/metadata_lies.h"
#include "tests/fuzz/fuzz.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

// libFuzzer's would write an input that ends the look as a finding.
extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());

namespace {

// Looks into one file after another, in a process that is replaced when a file ends it: starting one for each file
// costs more than the look.
class Looker {
 public:
  bool passes(const std::filesystem::path& path) {
    if (m_child < 0) start();
    const std::string name = path.string();
    char verdict = 0;
    if (::send(m_end, name.data(), name.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(name.size()) && heard(verdict))
      return verdict == 'y';
    ::close(m_end);
    ::kill(m_child, SIGKILL);
    while (::waitpid(m_child, nullptr, 0) < 0 && errno == EINTR) {  // libFuzzer's timer
    }
    m_child = -1;
    return false;
  }

 private:
  bool heard(char& verdict) const {
    ssize_t got = 0;
    do got = ::recv(m_end, &verdict, 1, 0);
    while (got < 0 && errno == EINTR);
    return got == 1;
  }

  void start() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0 || (m_child = ::fork()) < 0)
      std::abort();
    ::close(ends[m_child == 0 ? 0 : 1]);
    m_end = ends[m_child == 0 ? 1 : 0];
    if (m_child == 0) look();
  }

  [[noreturn]] void look() const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback([] {});
    for (const int signal : {SIGSEGV, SIGFPE, SIGABRT, SIGBUS, SIGILL, SIGPROF}) std::signal(signal, SIG_DFL);
    ::close(STDERR_FILENO);
    H5open();  // as in the program
    kvatlas::trace::guardAllocations();
    H5set_free_list_limits(0, 0, 0, 0, 0, 0);
    std::array<char, 4096> name{};
    for (ssize_t size = 0; (size = ::recv(m_end, name.data(), name.size(), 0)) > 0;) {
      // Less than in the program, which waits 5 s: a good trace takes a tenth.
      const itimerval limit{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 300'000}};
      ::setitimer(ITIMER_PROF, &limit, nullptr);
      const char verdict = walked({name.data(), static_cast<std::size_t>(size)}) ? 'y' : 'n';
      if (::send(m_end, &verdict, 1, MSG_NOSIGNAL) != 1) break;
    }
    ::_exit(0);
  }

  static bool walked(std::string_view path) {
    try {
      kvatlas::trace::walkStructure(path);
      return true;
    } catch (const kvatlas::Error&) {
      return false;
    }
  }

  pid_t m_child = -1;
  int m_end = -1;
};

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
  static Looker looker;
  if (!looker.passes(path)) return 0;
  fuzz::onlyErrors([&] { static_cast<void>(trace::validate(path)); });
  fuzz::onlyErrors([&] { trace::writeNotes(path, R"({"text": "Changed."})"); });
  // What stays open would mix with the next file of that name.
  if (H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL) != 0) std::abort();
  return 0;
}
