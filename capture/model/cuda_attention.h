// Chooses libtorch's CUDA attention kernel for a prefill, after a self-check on a small case.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <string>

#include "capture/model/attention.h"

namespace kvatlas::capture {

// query [query_heads, N, d], key and value [kv_heads, N, d]; window 0: none.
using WholeAttention = std::function<AttentionOutput(const at::Tensor& query, const at::Tensor& key,
                                                     const at::Tensor& value, std::uint64_t window)>;

struct AttentionKernel {
  std::string name;
  bool takes_window = false;
  WholeAttention attend;
};

// float32 by plain matrix products, `rows` queries at a time: exact, slow, runs on every device. The queries may be
// fewer than the keys: those of the last positions.
[[nodiscard]] AttentionOutput plainAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                             std::uint64_t window, std::int64_t rows = 256);

// Empty when the kernel matches plain attention's output and log-sum-exp on a small case with `query`'s device, type
// and head size; else what is wrong.
[[nodiscard]] std::string checkAttention(const AttentionKernel& kernel, const at::Tensor& query, std::uint64_t window);

// The first kernel that passes; plain attention when none does. `warn` receives each failure with the replacement. When
// the kernel later refuses a prompt, the remaining ones are tried in the same way.
[[nodiscard]] AttentionKernel chooseAttention(std::span<const AttentionKernel> kernels, const at::Tensor& query,
                                              std::uint64_t window,
                                              const std::function<void(const std::string&)>& warn);

// cuDNN, FlashAttention and the memory-efficient kernel, fastest first; only those that support such tensors.
[[nodiscard]] std::vector<AttentionKernel> cudaAttentionKernels(const at::Tensor& query);

// The kernel for such tensors on their device, checked at first use there and cached. Kernels without window support
// are candidates only when window is 0.
[[nodiscard]] const AttentionKernel& cudaAttention(const at::Tensor& query, std::uint64_t window);

// Sets the process-wide receiver of cudaAttention's warnings; default: none.
void reportAttentionTo(std::function<void(const std::string&)> warn);

}  // namespace kvatlas::capture
