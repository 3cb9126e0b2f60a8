// What every bench needs: arguments, a scratch folder, prompts, interleaved timing, tables; knows no kernel and no
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
  std::string shape = "six-layer", device = "cuda";
  std::uint32_t layers = 0;  // of the random model, 0: all of its shape
  std::uint32_t tokens = 4000, new_tokens = 64, repeat = 5, trials = 3, every = 0;
  std::vector<std::uint32_t> lengths{1024, 2048, 4096, 8192, 16384};
  bool lengths_given = false, shape_given = false, json = false;
};

// A folder that is gone when the bench ends.
struct Scratch {
  std::filesystem::path folder;
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
};

// "machine: 2 × …, AVX-512 with bf16; load 0.42 at the start": a disturbed measurement shows.
void printMachine(const std::string& what);
// The load average now, the last line of a bench.
void printLoad();

// The model in the source tree or installation beside the programme, when none is named.
[[nodiscard]] std::filesystem::path modelFolder(const std::filesystem::path& given);

// A fixed pseudo-random prompt: speed and memory do not depend on the words.
[[nodiscard]] std::filesystem::path writeIds(const Scratch& scratch, const std::filesystem::path& model,
                                             std::uint32_t tokens);

// Wall: what a person waits. Thread: what this thread computed, whoever else used the machine; for one thread only.
enum class Clock { Wall, Thread };
[[nodiscard]] double secondsOn(Clock clock);

// Seconds of each of `works`, run in turn `repeat` times after one untimed round, so that a disturbance hits all alike.
// A work that takes less than some milliseconds is run many times and divided.
using Seconds = std::vector<double>;
[[nodiscard]] std::vector<Seconds> interleave(const std::vector<std::function<void()>>& works, std::uint32_t repeat,
                                              Clock clock);

// Medians of a and of the ratios a[i] / b[i] of the same rounds.
[[nodiscard]] double medianRatio(const Seconds& a, const Seconds& b);

// Least squares y = Σ c[k]·x^k, k ≤ degree, and the share of the variance it explains.
struct Fit {
  std::vector<double> coefficients;
  double r_squared = 1;
};
[[nodiscard]] Fit fitPolynomial(const std::vector<double>& x, const std::vector<double>& y, std::size_t degree);

}  // namespace kvatlas::app
