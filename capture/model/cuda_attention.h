// Which of libtorch's CUDA attention kernels a prefill uses, and the small case each has to get right before; knows no
// layer.
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

// In float32 by plain matrix products, `rows` queries at a time: exact, slow, on every device.
[[nodiscard]] AttentionOutput plainAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                             std::uint64_t window, std::int64_t rows = 256);

// Empty when the kernel gives the plain attention's output and log-sum-exp on a small case like `query` (device, type,
// head size), else what is wrong.
[[nodiscard]] std::string checkAttention(const AttentionKernel& kernel, const at::Tensor& query, std::uint64_t window);

// The first kernel that passes; the plain attention when none does. Each failure goes to `warn` with what is used
// instead. When the kernel later refuses a prompt, the rest is gone through in the same way.
[[nodiscard]] AttentionKernel chooseAttention(std::span<const AttentionKernel> kernels, const at::Tensor& query,
                                              std::uint64_t window,
                                              const std::function<void(const std::string&)>& warn);

// cuDNN, FlashAttention and the memory-efficient kernel, fastest first, as far as they take such tensors.
[[nodiscard]] std::vector<AttentionKernel> cudaAttentionKernels(const at::Tensor& query);

// The kernel for such tensors on their device, checked at its first use there and remembered. Without a window a
// kernel that takes none is considered too.
[[nodiscard]] const AttentionKernel& cudaAttention(const at::Tensor& query, std::uint64_t window);

// Where cudaAttention's warnings go; one place for the process, nowhere at first.
void reportAttentionTo(std::function<void(const std::string&)> warn);

}  // namespace kvatlas::capture
