#include "app/cli/bench/bench_what_if.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

#include "core/policy/ranking.h"
#include "kernels/parallel.h"

namespace kvatlas::app {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::uint32_t kLayers = 32, kHeads = 32, kWindow = 8, kBudgets = 101;

double millisecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count();
}

// Heavy-tailed like attention: few large values, many near zero.
std::vector<float> randomSignal(std::uint32_t layer, std::uint32_t tokens) {
  std::mt19937 random(layer);
  std::vector<float> values(std::size_t{kHeads} * tokens);
  for (float& value : values) value = std::exp(-static_cast<float>(random() % 100'000) / 5000.0F);
  return values;
}

policy::Setting settingOf(const policy::Method& method, std::uint32_t tokens, std::uint64_t budget) {
  const policy::Shape shape{kLayers, kHeads, kHeads, tokens};
  return policy::makeSetting({&method, {}}, shape, policy::parseBudget(std::to_string(budget)),
                             policy::Granularity::QueryHead, policy::Preset::Exact, kWindow);
}

// Scoring and ordering all layers, once.
std::vector<policy::RankedLayer> rankAll(const policy::Method& method, std::uint32_t tokens,
                                         const std::vector<std::vector<float>>& signal) {
  const policy::Setting setting = settingOf(method, tokens, kWindow + 1);
  std::vector<policy::RankedLayer> ranked(kLayers);
  kernels::parallelFor(kLayers, 0, [&](std::size_t layer, unsigned) {
    LayerSignals of_layer;
    for (const Signal needed : method.needs.members()) of_layer[needed] = signal[layer];
    ranked[layer] = rankLayer(method, scoreLayer(method, setting, LayerIndex(layer), of_layer), tokens);
  });
  return ranked;
}

std::vector<double> drag(const policy::Method& method, std::uint32_t tokens,
                         const std::vector<policy::RankedLayer>& ranked, std::uint32_t most) {
  std::vector<double> times;
  for (std::uint32_t step = 0; step < kBudgets; ++step) {
    const std::uint64_t budget = kWindow + 1 + std::uint64_t{most - kWindow - 1} * step / (kBudgets - 1);
    const SteadyClock::time_point start = SteadyClock::now();
    (void)decideRanked(method, settingOf(method, tokens, budget), ranked);
    times.push_back(millisecondsSince(start));
  }
  std::sort(times.begin(), times.end());
  return times;
}

}  // namespace

void benchWhatIf(const BenchArguments& arguments) {
  const std::uint32_t tokens = arguments.tokens;
  std::vector<std::vector<float>> signal;
  for (std::uint32_t layer = 0; layer < kLayers; ++layer) signal.push_back(randomSignal(layer, tokens));
  const std::uint32_t most = std::max(kWindow + 2, tokens / 4);
  printMachine(fmt::format("{} tokens, {} layers × {} heads, {} budgets from {} to {}", tokens, kLayers, kHeads,
                           kBudgets, kWindow + 1, most));
  fmt::print("| method | ranking once, ms | a budget: median, ms | 95th percentile, ms |\n|---|---|---|---|\n");
  for (const char* name : {"h2o", "snapkv", "pyramidkv"}) {
    const policy::Method& method = policy::findMethod(name);
    const SteadyClock::time_point start = SteadyClock::now();
    const auto ranked = rankAll(method, tokens, signal);
    const double once = millisecondsSince(start);
    const std::vector<double> times = drag(method, tokens, ranked, most);
    fmt::print("| {} | {:.0f} | {:.1f} | {:.1f} |\n", name, once, times[kBudgets / 2], times[kBudgets * 95 / 100]);
  }
}

}  // namespace kvatlas::app
