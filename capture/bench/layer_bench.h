// Times what computes one layer's attention statistics: the probe, and library calls as yardsticks. Knows shapes and
// devices, no session.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "capture/model/config.h"
#include "core/base/progress.h"

namespace kvatlas::capture {

// Until the device of `device` has done everything that is queued.
void waitFor(const at::Device& device);
// Gives unused device memory back, so that what comes next has the whole card; nothing on a CPU.
void releaseUnusedMemory(const at::Device& device);
[[nodiscard]] double median(std::vector<double> values);

// Random queries and keys of `shape`; each way runs once untimed, then `repeat` times. Medians in seconds.
class LayerBench {
 public:
  LayerBench(const ModelConfig& shape, const at::TensorOptions& options, std::uint32_t repeat, const WorkContext& work)
      : m_shape(shape), m_options(options), m_repeat(repeat), m_work(work) {}

  // Entropy, column sums and maps at `cell` tokens per cell by the probe, with a known log-sum-exp; what reaches the
  // host is not counted.
  [[nodiscard]] double probe(std::uint32_t tokens, std::size_t cell) const;
  // Entropy and column sums by libtorch's attention alone, f32.
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
