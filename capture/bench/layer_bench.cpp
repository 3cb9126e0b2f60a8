#include "capture/bench/layer_bench.h"

#include <ATen/ops/randn.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "capture/model/attention.h"
#include "capture/model/block_pooling.h"
#include "capture/model/library_probe.h"
#include "capture/session/signals/layer_statistics.h"

namespace kvatlas::capture {

void waitFor(const at::Device& device) {
  if (device.is_cpu()) return;
  const c10::impl::VirtualGuardImpl impl(device.type());
  impl.synchronizeStream(impl.getStream(device));
}

void releaseUnusedMemory(const at::Device& device) {
  if (!device.is_cpu()) c10::getDeviceAllocator(device.type())->emptyCache();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

at::Tensor LayerBench::random(std::uint32_t heads, std::uint32_t tokens, at::ScalarType type) const {
  return at::randn({heads, tokens, m_shape.head_dim}, m_options.dtype(type));
}

double LayerBench::timed(const std::function<void()>& begin, const std::function<void()>& finish) const {
  using Clock = std::chrono::steady_clock;
  std::vector<double> seconds;
  for (std::uint32_t i = 0; i <= m_repeat; ++i) {
    waitFor(m_options.device());
    const auto start = Clock::now();
    begin();
    waitFor(m_options.device());
    if (i > 0) seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    finish();
    m_work.checkStop();
  }
  return median(seconds);
}

double LayerBench::probe(std::uint32_t tokens, std::size_t cell) const {
  const auto type = c10::typeMetaToScalarType(m_options.dtype());
  LayerAttention layer{LayerIndex{0},
                       random(m_shape.query_heads, tokens, type),
                       random(m_shape.kv_heads, tokens, type),
                       random(m_shape.kv_heads, tokens, type),
                       {}};
  layer.lse = causalAttention(layer.query, layer.key, layer.value, 0, [] {}).lse;
  const StatisticsRequest request{.wanted = {Signal::Entropy, Signal::Received}, .map_cell = cell};
  std::optional<PendingLayer> pending;
  return timed([&] { pending.emplace(beginMeasuring(layer, m_shape, request, 0, m_work.progress)); },
               [&] { static_cast<void>(pending->finish()); });
}

double LayerBench::library(std::uint32_t tokens) const {
  const at::Tensor query = random(m_shape.query_heads, tokens, at::kFloat),
                   key = random(m_shape.kv_heads, tokens, at::kFloat);
  return timed([&] { static_cast<void>(libraryProbe(query, key)); }, [] {});
}

double LayerBench::pooling(std::uint32_t tokens) const {
  const auto type = c10::typeMetaToScalarType(m_options.dtype());
  const at::Tensor query = random(m_shape.query_heads, tokens, type), key = random(m_shape.kv_heads, tokens, type);
  return timed([&] { static_cast<void>(blockMaxPooling(query, key)); }, [] {});
}

}  // namespace kvatlas::capture
