// Runs a fuzz target without libFuzzer: every input of a folder, then a fixed number of changes of them, the same in
// every run. `TARGET_replay FOLDER COUNT FOUND`: the input that crashes, hangs or throws is written to FOUND.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string_view>
#include <vector>

#include "tests/fuzz/fuzz.h"

extern "C" [[gnu::weak]] std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                                             unsigned seed);

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::size_t kMostBytes = 200'000;
constexpr unsigned kMostSeconds = 60;  // for one input, which takes milliseconds

std::mt19937 g_random(20);  // NOLINT(cert-msc51-cpp): the same changes in every run
std::size_t below(std::size_t bound) {
  return g_random() % std::max<std::size_t>(bound, 1);
}

const Bytes* g_current = nullptr;
const char* g_found = nullptr;

// Only what a signal handler may call.
extern "C" void keepInput(int signal) {
  const int file = ::open(g_found, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  [[maybe_unused]] ssize_t wrote = ::write(file, g_current->data(), g_current->size());
  const std::string_view words = signal == SIGALRM ? "an input does not end: " : "an input crashes the target: ";
  for (const std::string_view text : {words, std::string_view(g_found), std::string_view("\n")})
    wrote = ::write(STDERR_FILENO, text.data(), text.size());
  std::signal(signal, SIG_DFL);
  std::raise(signal == SIGALRM ? SIGABRT : signal);
}

void replay(const Bytes& input) {
  g_current = &input;
  ::alarm(kMostSeconds);
  LLVMFuzzerTestOneInput(input.data(), input.size());
  ::alarm(0);
}

Bytes readBytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Bytes> readFolder(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::vector<Bytes> inputs;
  for (const auto& path : paths) inputs.push_back(readBytes(path));
  return inputs;
}

// A place in the input, often near its beginning, where headers stand.
std::size_t place(std::size_t size) {
  return below(below(2) == 0 ? size : std::min(size, std::size_t{8} << below(10)));
}

void overwrite(std::uint8_t* data, std::size_t size) {
  constexpr std::array<std::uint8_t, 12> kBytes{0, 1, 0x7f, 0x80, 0xff, '{', '}', '[', '"', '\\', '-', '9'};
  const std::size_t begin = place(size), count = std::min(size - begin, std::size_t{1} << below(4));
  const std::uint8_t same = kBytes[below(kBytes.size())];
  const bool repeats = below(2) == 0;
  for (std::size_t i = begin; i < begin + count; ++i) data[i] = repeats ? same : static_cast<std::uint8_t>(g_random());
}

// A copy of a piece of the input, put in, left out or moved over another.
void movePiece(Bytes& input) {
  const std::size_t begin = place(input.size()), count = 1 + below(std::min<std::size_t>(input.size() - begin, 64));
  const auto first = input.begin() + static_cast<std::ptrdiff_t>(begin),
             last = first + static_cast<std::ptrdiff_t>(count);
  if (below(2) == 0) {
    input.erase(first, last);
    return;
  }
  const Bytes piece(first, last);
  const std::size_t times = below(8) == 0 ? 1 + below(200) : 1;
  for (std::size_t i = 0; i < times && input.size() + count <= kMostBytes; ++i)
    input.insert(input.begin() + static_cast<std::ptrdiff_t>(below(input.size())), piece.begin(), piece.end());
}

// Another word or value in place of one between two marks of JSON.
void replaceWord(Bytes& input) {
  constexpr std::array<std::string_view, 14> kWords{"null",
                                                    "true",
                                                    "-1",
                                                    "0",
                                                    "1e999",
                                                    "0.5",
                                                    "{}",
                                                    "[]",
                                                    R"("\u0")",
                                                    R"("")",
                                                    "[[[[1]]]]",
                                                    R"({"a": [1]})",
                                                    "18446744073709551616",
                                                    "\xff"};
  constexpr std::string_view kMarks = ":,[]{}\n |";
  const auto mark = [&](std::uint8_t byte) { return kMarks.find(static_cast<char>(byte)) != std::string_view::npos; };
  const auto begin = std::find_if(input.begin() + static_cast<std::ptrdiff_t>(place(input.size())), input.end(), mark);
  if (begin == input.end()) return;
  const auto end = std::find_if(begin + 1, input.end(), mark);
  const std::string_view word = kWords[below(kWords.size())];
  const auto after = input.erase(begin + 1, end);
  input.insert(after, word.begin(), word.end());
}

Bytes changed(Bytes input) {
  if (input.size() > kMostBytes) input.resize(kMostBytes);
  if (input.empty()) input.push_back(0);
  if (&LLVMFuzzerCustomMutator != nullptr) {
    input.resize(LLVMFuzzerCustomMutator(input.data(), input.size(), input.size(), static_cast<unsigned>(g_random())));
    return input;
  }
  for (std::size_t changes = 1 + below(5); changes > 0 && !input.empty(); --changes) {
    switch (below(3)) {
      case 0:
        overwrite(input.data(), input.size());
        break;
      case 1:
        movePiece(input);
        break;
      default:
        replaceWord(input);
    }
  }
  return input;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t) {
  if (size > 0) overwrite(data, size);
  return size;
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  g_found = argv[3];
  for (const int signal : {SIGSEGV, SIGFPE, SIGABRT, SIGBUS, SIGILL, SIGALRM}) std::signal(signal, keepInput);
  const std::vector<Bytes> inputs = readFolder(argv[1]);
  if (inputs.empty()) {
    std::fprintf(stderr, "no inputs in %s\n", argv[1]);
    return 1;
  }
  for (const Bytes& input : inputs) replay(input);
  const long count = std::atol(argv[2]);
  for (long i = 0; i < count; ++i) replay(changed(inputs[below(inputs.size())]));
  std::printf("%zu inputs and %ld changes of them\n", inputs.size(), count);
  std::filesystem::remove_all(kvatlas::fuzz::folder());
  return 0;
}
