// The probe of a layer whose queries and keys lie on a CUDA device: the kernels' CUDA library between tensors and host
// arrays. Knows no policy.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/signals/signals.h"
#include "kernels/attention_probe.h"
#include "kernels/cuda/cuda_loader.h"

namespace kvatlas::capture {

// The library, or Error saying why it cannot be used.
[[nodiscard]] const kernels::CudaLibrary& cudaKernels();
[[nodiscard]] KvatlasElement elementOf(const at::Tensor& tensor);
[[nodiscard]] SignalShape signalShape(const kernels::ProbeShape& shape);

// A probe that has been queued; its results reach the host when finish() is called.
class PendingProbe {
 public:
  PendingProbe();
  ~PendingProbe();
  PendingProbe(PendingProbe&&) noexcept;
  PendingProbe& operator=(PendingProbe&&) noexcept;
  // Waits for this probe's copies. Error when a kernel failed.
  [[nodiscard]] kernels::ProbeReport finish();

 private:
  struct Work;
  std::unique_ptr<Work> m_work;
  friend struct ProbeStart;
};

// As kernels::ProbeOutput, in arrays that finish() gives their size; null: not wanted.
struct ProbeArrays {
  std::vector<float>*lse = nullptr, *entropy = nullptr, *received = nullptr, *window_sum = nullptr,
  *window_rows = nullptr, *map_mean = nullptr, *map_max = nullptr;
  std::size_t cell = 0;
};

// As kernels::attentionProbe, with query [query_heads, N, d], key [kv_heads, N, d] and lse (or undefined) on one
// device; `output` points to host memory that lives until finish(). Nothing waits for the device.
[[nodiscard]] PendingProbe beginProbe(const kernels::CudaLibrary& library, const kernels::ProbeShape& shape,
                                      const at::Tensor& query, const at::Tensor& key, const at::Tensor& lse,
                                      const kernels::ProbeOutput& output, KvatlasProbePath path);
// The same into arrays that live until finish(), without their memory being touched before.
[[nodiscard]] PendingProbe beginProbe(const kernels::CudaLibrary& library, const kernels::ProbeShape& shape,
                                      const at::Tensor& query, const at::Tensor& key, const at::Tensor& lse,
                                      const ProbeArrays& output, KvatlasProbePath path);

// The fastest path that this device has, that takes such tensors and that has just computed a small case as the plain
// path does. What is passed over is said through `warn`, once.
[[nodiscard]] KvatlasProbePath checkedProbePath(const kernels::CudaLibrary& library, const at::Tensor& query,
                                                const std::function<void(const std::string&)>& warn);

}  // namespace kvatlas::capture
