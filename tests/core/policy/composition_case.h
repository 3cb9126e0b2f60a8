// What the tests of composed methods share: a small shape, its settings and signals.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/policy/layer_decision.h"

namespace kvatlas::policy {

inline constexpr Shape kShape{.layers = 2, .query_heads = 4, .kv_heads = 2, .tokens = 60};

inline std::string complaint(std::string_view text) {
  try {
    (void)parseMethod(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

inline Setting settingOf(std::string_view text, std::uint64_t budget, Preset preset = Preset::Exact,
                         Granularity granularity = Granularity::KvHead) {
  return makeSetting(parseMethod(text), kShape, parseBudget(std::to_string(budget)), granularity, preset, 4);
}

// Skewed random values of every signal, so that heads differ.
struct Signals {
  Signals() {
    std::mt19937 random(11);
    for (std::uint32_t layer = 0; layer < kShape.layers; ++layer) {
      SignalValues& of_layer = values[layer];
      for (const SignalInfo& info : signalTable()) {
        const std::size_t count = valueCount(info, {kShape.query_heads, kShape.kv_heads, kShape.tokens, 4});
        for (std::size_t i = 0; i < count; ++i) {
          const double unit = (static_cast<double>(random()) + 1) / 4294967296.0;
          of_layer[info.signal].push_back(static_cast<float>(std::pow(unit, 1 + 8 * double(i) / double(count))));
        }
      }
      layers.push_back(viewOf(of_layer));
    }
  }
  SignalValues values[2];
  std::vector<LayerSignals> layers;
};

}  // namespace kvatlas::policy
