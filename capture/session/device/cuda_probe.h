// Runs the CUDA library's probe on a layer's tensors and copies the results to host arrays.
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

// The library. Error with the reason when it cannot be used.
[[nodiscard]] const kernels::CudaLibrary& cudaKernels();
[[nodiscard]] KvatlasElement elementOf(const at::Tensor& tensor);
[[nodiscard]] SignalShape signalShape(const kernels::ProbeShape& shape);

// A queued probe; finish() brings its results to the host.
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

// As kernels::ProbeOutput, in arrays that finish() resizes; null: not computed.
struct ProbeArrays {
  std::vector<float>*lse = nullptr, *entropy = nullptr, *received = nullptr, *window_sum = nullptr,
  *window_rows = nullptr, *map_mean = nullptr, *map_max = nullptr;
  std::size_t cell = 0;
  std::vector<float>* last_row = nullptr;  // [query_heads, N], the last of window_rows
};

// As kernels::attentionProbe, with query [query_heads, N, d], key [kv_heads, N, d] and lse (or undefined) on one
// device; `output` points to host memory that must live until finish(). Does not wait for the device.
[[nodiscard]] PendingProbe beginProbe(const kernels::CudaLibrary& library, const kernels::ProbeShape& shape,
                                      const at::Tensor& query, const at::Tensor& key, const at::Tensor& lse,
                                      const kernels::ProbeOutput& output, KvatlasProbePath path);
// The same into arrays that must live until finish(), which allocates them.
[[nodiscard]] PendingProbe beginProbe(const kernels::CudaLibrary& library, const kernels::ProbeShape& shape,
                                      const at::Tensor& query, const at::Tensor& key, const at::Tensor& lse,
                                      const ProbeArrays& output, KvatlasProbePath path);

// The fastest path of this device that supports such tensors and agrees with the plain path on a small case. `warn`
// receives each failed path, once.
[[nodiscard]] KvatlasProbePath checkedProbePath(const kernels::CudaLibrary& library, const at::Tensor& query,
                                                const std::function<void(const std::string&)>& warn);

}  // namespace kvatlas::capture
