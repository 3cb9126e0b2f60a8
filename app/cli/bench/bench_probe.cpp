// Measures the probe against the machine's best matrix product: both are sums of products, and SGEMM is well tuned.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>

#include "app/capture/capture_module.h"
#include "app/capture/matrix_product.h"
#include "app/cli/bench/bench_kernels.h"
#include "app/cli/bench/child_run.h"
#include "app/cli/module_loader.h"
#include "core/base/error.h"
#include "kernels/attention_probe.h"
#include "kernels/parallel.h"

namespace kvatlas::app {
namespace {

constexpr std::size_t kTokens = 4096, kHeads = 4, kWindow = 8, kCell = 8;

struct Product {
  std::int64_t rows, columns, depth;
  bool one_dnn;
  [[nodiscard]] double flops() const {
    return 2.0 * static_cast<double>(rows) * static_cast<double>(columns) * static_cast<double>(depth);
  }
  [[nodiscard]] std::string name() const {
    return fmt::format("{} {}×{}×{}", one_dnn ? "oneDNN" : "MKL", rows, columns, depth);
  }
};

double productSeconds(const Product& product, unsigned threads) {
  static const auto entry = reinterpret_cast<MatrixProductEntry>(moduleSymbol(kCaptureLibrary, "kvatlasMatrixProduct"));
  double seconds = 0;
  const MatrixProductCall call{.rows = product.rows,
                               .columns = product.columns,
                               .depth = product.depth,
                               .threads = static_cast<int>(threads),
                               .one_dnn = product.one_dnn,
                               .seconds = &seconds};
  Outcome outcome;
  entry(&call, &outcome);
  if (outcome.exit_code != 0) throw Error(outcome.message);
  return seconds;
}

std::vector<Product> products() {
  std::vector<Product> all;
  for (const bool one_dnn : {false, true})
    for (const auto& [side, depth] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{4096, 64}, {4096, 128}, {1024, 1024}, {2048, 2048}})
      all.push_back({side, side, depth, one_dnn});
  return all;
}

// One layer's queries and keys in both types, and buffers for every output.
class ProbeData {
 public:
  explicit ProbeData(std::size_t head_dim)
      : m_shape{kHeads, kHeads, kTokens, head_dim, kWindow, 0, 1.0F / std::sqrt(static_cast<float>(head_dim))} {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (auto* values : {&m_query, &m_key}) {
      values->resize(kHeads * kTokens * head_dim);
      std::ranges::generate(*values, [&] { return normal(random); });
    }
    for (const float value : m_query) m_query_bits.push_back(truncated(value));
    for (const float value : m_key) m_key_bits.push_back(truncated(value));
    constexpr std::size_t kCells = kTokens / kCell;
    for (auto* values : {&m_entropy, &m_received, &m_window_sum, &m_lse}) values->resize(kHeads * kTokens);
    m_window_rows.resize(kHeads * kWindow * kTokens);
    for (auto* values : {&m_mean, &m_max}) values->resize(kHeads * kCells * kCells);
    kernels::ProbeOutput only;
    only.lse = m_lse.data();
    (void)kernels::attentionProbe(m_shape, {m_query.data(), m_key.data(), nullptr}, only);
  }

  void run(bool bf16, bool given_lse, unsigned threads) {
    const float* const lse = given_lse ? m_lse.data() : nullptr;
    const kernels::ProbeInput input = bf16 ? kernels::ProbeInput{m_query_bits.data(), m_key_bits.data(), lse}
                                           : kernels::ProbeInput{m_query.data(), m_key.data(), lse};
    const kernels::ProbeOutput output{.entropy = m_entropy.data(),
                                      .received = m_received.data(),
                                      .window_sum = m_window_sum.data(),
                                      .window_rows = m_window_rows.data(),
                                      .map_mean = m_mean.data(),
                                      .map_max = m_max.data(),
                                      .cell = kCell};
    (void)kernels::attentionProbe(m_shape, input, output, threads);
  }

  [[nodiscard]] static double scores() { return kHeads * (kTokens * (kTokens + 1.0) / 2); }

 private:
  static std::uint16_t truncated(float value) {
    return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16U);
  }

  kernels::ProbeShape m_shape;
  std::vector<float> m_query, m_key, m_entropy, m_received, m_window_sum, m_lse, m_window_rows, m_mean, m_max;
  std::vector<std::uint16_t> m_query_bits, m_key_bits;
};

struct Variant {
  ProbeData* data;
  std::size_t head_dim;
  bool bf16, given_lse;
  // FLOPs of the algorithm: with the log-sum-exp given it computes every score once, else twice.
  [[nodiscard]] double flops() const {
    return (given_lse ? 2.0 : 4.0) * static_cast<double>(head_dim) * ProbeData::scores();
  }
};

double secondsOf(const Variant& variant, unsigned threads) {
  const Clock clock = threads == 1 ? Clock::Thread : Clock::Wall;
  const double start = secondsOn(clock);
  variant.data->run(variant.bf16, variant.given_lse, threads);
  return secondsOn(clock) - start;
}

// The minimum: other work on a shared machine only adds time, to product and probe alike.
double least(const Seconds& seconds) {
  return *std::ranges::min_element(seconds);
}

void printRows(const std::vector<Variant>& variants, unsigned threads, std::uint32_t repeat) {
  const std::vector<Product> baselines = products();
  std::vector<Seconds> product(baselines.size()), probe(variants.size());
  for (std::uint32_t round = 0; round < repeat; ++round) {
    for (std::size_t i = 0; i < baselines.size(); ++i) product[i].push_back(productSeconds(baselines[i], threads));
    for (std::size_t i = 0; i < variants.size(); ++i) probe[i].push_back(secondsOf(variants[i], threads));
  }
  std::size_t best = 0;
  const auto rate = [&](std::size_t i) { return baselines[i].flops() / least(product[i]) / 1e9; };
  for (std::size_t i = 1; i < baselines.size(); ++i) best = rate(i) > rate(best) ? i : best;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const Variant& v = variants[i];
    const double speed = v.flops() / least(probe[i]) / 1e9;
    const double scores = ProbeData::scores() / least(probe[i]) / 1e9;
    fmt::print("| d = {}, {}, {}, {} thread{} | {:.0f} GFLOP/s ({:.2f} G scores/s) | {:.0f} GFLOP/s ({}) | {:.2f} |\n",
               v.head_dim, v.bf16 ? "bf16" : "f32", v.given_lse ? "log-sum-exp given" : "log-sum-exp computed", threads,
               threads == 1 ? "" : "s", speed, scores, rate(best), baselines[best].name(), speed / rate(best));
  }
}

}  // namespace

void benchProbe(const BenchArguments& arguments) {
  ProbeData d64(64), d128(128);
  std::vector<Variant> variants;
  for (const bool given_lse : {true, false})
    for (const bool bf16 : {false, true})
      for (ProbeData* data : {&d64, &d128}) variants.push_back({data, data == &d64 ? 64U : 128U, bf16, given_lse});
  printMachine(fmt::format(
      "every output of {} heads × {} tokens; best SGEMM of ATen; least of {} interleaved rounds (one thread: its "
      "processor time)",
      kHeads, kTokens, arguments.repeat));
  fmt::print("| attention probe | KVAtlas | SGEMM | ratio |\n|---|---|---|---|\n");
  printRows(variants, 1, arguments.repeat);
  if (kernels::defaultThreads() > 1) printRows(variants, kernels::defaultThreads(), arguments.repeat);
  printLoad();
}

}  // namespace kvatlas::app
