// Shared tools of the benchmarks: arguments, a scratch folder, prompts, interleaved timing, tables. Must not know
// torch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace kvatlas::app {

struct BenchArguments {
  std::string name;
  std::filesystem::path file, model;
  std::string shape = "six-layer", device = "cuda", dtype = "f32";
  std::uint32_t layers = 0;  // of the random model; 0: the shape's own
  std::uint32_t tokens = 4000, new_tokens = 64, repeat = 5, trials = 3, every = 0;
  std::vector<std::uint32_t> lengths{1024, 2048, 4096, 8192, 16384};
  std::vector<std::uint32_t> branches{1, 9};
  unsigned threads = 1;
  bool lengths_given = false, shape_given = false, json = false;
};

// A temporary folder, removed when the benchmark ends.
struct Scratch {
  std::filesystem::path folder;
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
};

// "machine: 2 × …, AVX-512 with bf16; load 0.42 at the start": the load reveals a disturbed measurement.
void printMachine(const std::string& what);
// Prints the current load average, the last line of a benchmark.
void printLoad();

// `given`, or else the bundled model beside the programme.
[[nodiscard]] std::filesystem::path modelFolder(const std::filesystem::path& given);

struct ModelSizes {
  std::uint64_t layers = 0, query_heads = 0, vocabulary = 0;
};
// Sizes of a checkpoint folder or a GGUF file. Error when one is missing.
[[nodiscard]] ModelSizes modelSizes(const std::filesystem::path& model);

// Writes a fixed pseudo-random prompt: speed and memory do not depend on the words.
[[nodiscard]] std::filesystem::path writeIds(const Scratch& scratch, const std::filesystem::path& model,
                                             std::uint32_t tokens);

// Wall: elapsed time. Thread: this thread's processor time, independent of other load; for single-threaded work.
enum class Clock { Wall, Thread };
[[nodiscard]] double secondsOn(Clock clock);

// Seconds of each of `works`, run in turn `repeat` times after one warm-up round, so that a disturbance hits all alike.
// Work shorter than some milliseconds runs many times per measurement.
using Seconds = std::vector<double>;
[[nodiscard]] std::vector<Seconds> interleave(const std::vector<std::function<void()>>& works, std::uint32_t repeat,
                                              Clock clock);

// The median of the ratios a[i] / b[i] of the same rounds.
[[nodiscard]] double medianRatio(const Seconds& a, const Seconds& b);

// Least squares y = Σ c[k]·x^k, k ≤ degree, and the share of the variance it explains.
struct Fit {
  std::vector<double> coefficients;
  double r_squared = 1;
};
[[nodiscard]] Fit fitPolynomial(const std::vector<double>& x, const std::vector<double>& y, std::size_t degree);

}  // namespace kvatlas::app
