// Times the ways to compute one layer's attention statistics: the probe, and library calls as a baseline.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "capture/model/config.h"
#include "core/base/progress.h"

namespace kvatlas::capture {

// Blocks until `device` has finished its queued work.
void waitFor(const at::Device& device);
// Returns cached device memory, so that the next measurement has the whole card; a no-op on the CPU.
void releaseUnusedMemory(const at::Device& device);
[[nodiscard]] double median(std::vector<double> values);

// Random queries and keys of `shape`; each way runs once as a warm-up, then `repeat` times. Returns medians in seconds.
class LayerBench {
 public:
  LayerBench(const ModelConfig& shape, const at::TensorOptions& options, std::uint32_t repeat, const WorkContext& work)
      : m_shape(shape), m_options(options), m_repeat(repeat), m_work(work) {}

  // The probe: entropy, column sums and maps at `cell` tokens per cell, log-sum-exp given; without copies to the host.
  [[nodiscard]] double probe(std::uint32_t tokens, std::size_t cell) const;
  // Entropy and column sums from libtorch's fused attention, f32.
  [[nodiscard]] double library(std::uint32_t tokens) const;
  // SeerAttention's block max-pooled map.
  [[nodiscard]] double pooling(std::uint32_t tokens) const;

 private:
  [[nodiscard]] at::Tensor random(std::uint32_t heads, std::uint32_t tokens, at::ScalarType type) const;
  [[nodiscard]] double timed(const std::function<void()>& begin, const std::function<void()>& finish) const;

  const ModelConfig& m_shape;
  at::TensorOptions m_options;
  std::uint32_t m_repeat;
  const WorkContext& m_work;
};

}  // namespace kvatlas::capture
