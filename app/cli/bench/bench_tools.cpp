#include "app/cli/bench/bench_tools.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <fstream>
#include <thread>

#include "app/cli/bench/child_run.h"
#include "app/cli/bundled.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/gguf/model_file.h"

namespace kvatlas::app {
namespace {

namespace fs = std::filesystem;

constexpr double kShortestTiming = 0.02;  // seconds

std::string machine() {
  std::ifstream cpu("/proc/cpuinfo");
  std::string model = "unknown processor", flags;
  for (std::string line; std::getline(cpu, line);) {
    if (line.starts_with("model name")) model = line.substr(line.find(':') + 2);
    if (line.starts_with("flags")) flags = line;
  }
  const char* simd = flags.find("avx512_bf16") != std::string::npos ? "AVX-512 with bf16"
                     : flags.find("avx512f") != std::string::npos   ? "AVX-512"
                                                                    : "AVX2";
  return fmt::format("{} × {}, {}", std::thread::hardware_concurrency(), model, simd);
}

double loadAverage() {
  std::array<double, 1> load{};
  return getloadavg(load.data(), 1) == 1 ? load[0] : -1;
}

double secondsOf(const std::function<void()>& work, std::size_t times, Clock clock) {
  const double start = secondsOn(clock);
  for (std::size_t i = 0; i < times; ++i) work();
  return (secondsOn(clock) - start) / static_cast<double>(times);
}

// Gaussian elimination with pivots; small systems only.
std::vector<double> solve(std::vector<std::vector<double>> rows, std::vector<double> right) {
  const std::size_t n = right.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i)
      if (std::abs(rows[i][k]) > std::abs(rows[pivot][k])) pivot = i;
    std::swap(rows[k], rows[pivot]);
    std::swap(right[k], right[pivot]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = rows[i][k] / rows[k][k];
      for (std::size_t j = k; j < n; ++j) rows[i][j] -= factor * rows[k][j];
      right[i] -= factor * right[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) right[k] -= rows[k][j] * right[j];
    right[k] /= rows[k][k];
  }
  return right;
}

}  // namespace

Scratch::Scratch() {
  std::string name = (fs::temp_directory_path() / "kvatlas-bench-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw Error(systemMessage(name, errno));
  folder = name;
}

Scratch::~Scratch() {
  std::error_code code;
  fs::remove_all(folder, code);
}

void printMachine(const std::string& what) {
  fmt::print("machine: {}; load {:.2f} at the start; {}\n\n", machine(), loadAverage(), what);
}

void printLoad() {
  fmt::print("\nload {:.2f} at the end\n", loadAverage());
}

fs::path modelFolder(const fs::path& given) {
  if (!given.empty()) return given;
  if (fs::path model = bundled("models/tiny-llama"); !model.empty()) return model;
  failUsage("--model is needed: the bundled model does not lie beside this programme");
}

ModelSizes modelSizes(const fs::path& model) {
  ModelSizes sizes;
  if (gguf::isModelFile(model)) {
    const gguf::ModelFile file(model);
    const std::string architecture(file.metadata().text("general.architecture").value_or(""));
    const auto size = [&](const char* key) {
      return file.metadata().integer(fmt::format("{}.{}", architecture, key), 1, 1U << 20).value_or(0);
    };
    const auto* embedding = file.find("token_embd.weight").tensor;
    sizes = {size("block_count"), size("attention.head_count"),
             embedding == nullptr ? 0 : static_cast<std::uint64_t>(embedding->shape.front())};
  } else {
    const auto config = readJsonFile(model / "config.json");
    sizes = {config.value("num_hidden_layers", 0U), config.value("num_attention_heads", 0U),
             config.value("vocab_size", 0U)};
  }
  if (sizes.layers == 0 || sizes.query_heads == 0 || sizes.vocabulary < 2)
    fail("{}: the number of layers, of heads or the vocabulary is missing", model.string());
  return sizes;
}

fs::path writeIds(const Scratch& scratch, const fs::path& model, std::uint32_t tokens) {
  const std::uint64_t vocabulary = modelSizes(model).vocabulary;
  std::string ids;
  std::uint64_t state = 88172645463325252ULL;
  for (std::uint32_t i = 0; i < tokens; ++i) {
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
    ids += fmt::format("{} ", state % vocabulary);
  }
  const fs::path path = scratch.folder / fmt::format("ids-{}.txt", tokens);
  writeFileAtomically(path, ids);
  return path;
}

double secondsOn(Clock clock) {
  timespec now{};
  clock_gettime(clock == Clock::Wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<Seconds> interleave(const std::vector<std::function<void()>>& works, std::uint32_t repeat, Clock clock) {
  std::vector<std::size_t> times;
  for (const auto& work : works)
    times.push_back(1 + static_cast<std::size_t>(kShortestTiming / std::max(1e-7, secondsOf(work, 1, clock))));
  std::vector<Seconds> seconds(works.size());
  for (std::uint32_t round = 0; round < repeat; ++round)
    for (std::size_t i = 0; i < works.size(); ++i) seconds[i].push_back(secondsOf(works[i], times[i], clock));
  return seconds;
}

double medianRatio(const Seconds& a, const Seconds& b) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < a.size(); ++i) ratios.push_back(a[i] / b[i]);
  return median(ratios);
}

Fit fitPolynomial(const std::vector<double>& x, const std::vector<double>& y, std::size_t degree) {
  const double unit = *std::ranges::max_element(x);  // keeps the powers of one size
  std::vector<std::vector<double>> rows(degree + 1, std::vector<double>(degree + 1));
  std::vector<double> right(degree + 1);
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j <= degree; ++j) {
      const double power = std::pow(x[i] / unit, static_cast<double>(j));
      right[j] += power * y[i];
      for (std::size_t k = 0; k <= degree; ++k) rows[j][k] += power * std::pow(x[i] / unit, static_cast<double>(k));
    }
  }
  Fit fit{solve(std::move(rows), std::move(right)), 1};
  double mean = 0, residual = 0, variance = 0;
  for (const double value : y) mean += value / static_cast<double>(y.size());
  for (std::size_t k = 0; k <= degree; ++k) fit.coefficients[k] /= std::pow(unit, static_cast<double>(k));
  for (std::size_t i = 0; i < x.size(); ++i) {
    double value = 0;
    for (std::size_t k = 0; k <= degree; ++k) value += fit.coefficients[k] * std::pow(x[i], static_cast<double>(k));
    residual += (y[i] - value) * (y[i] - value);
    variance += (y[i] - mean) * (y[i] - mean);
  }
  fit.r_squared = 1 - residual / variance;
  return fit;
}

}  // namespace kvatlas::app
