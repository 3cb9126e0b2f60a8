#include "capture/model/cuda_attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/_scaled_dot_product_cudnn_attention.h>
#include <ATen/ops/_scaled_dot_product_efficient_attention.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/repeat_interleave.h>
#include <ATen/ops/sin.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <tuple>

namespace kvatlas::capture {
namespace {

// log-sum-exp as [query_heads, N], whatever the kernel's layout: cuDNN's is [1, heads, N, 1] with its own strides.
at::Tensor lseRows(const at::Tensor& lse, std::int64_t heads, std::int64_t count) {
  return lse.reshape({heads, -1}).narrow(1, 0, count).contiguous();
}

AttentionOutput cudnn(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, std::uint64_t) {
  const auto result = at::_scaled_dot_product_cudnn_attention(query.unsqueeze(0), key.unsqueeze(0), value.unsqueeze(0),
                                                              std::nullopt, /*compute_log_sumexp=*/true, 0.0,
                                                              /*is_causal=*/true, /*return_debug_mask=*/false);
  return {std::get<0>(result).squeeze(0), lseRows(std::get<1>(result), query.size(0), query.size(1))};
}

// Supports a window; layout [N, heads, d].
AttentionOutput flash(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, std::uint64_t window) {
  const auto rowsFirst = [](const at::Tensor& heads) { return heads.unsqueeze(0).transpose(1, 2); };
  const std::int64_t count = query.size(1);
  const std::int64_t left = static_cast<std::int64_t>(window) - 1;  // −1: no limit
  const auto result =
      at::_flash_attention_forward(rowsFirst(query), rowsFirst(key), rowsFirst(value), {}, {}, count, count, 0.0,
                                   /*is_causal=*/true, /*return_debug_mask=*/false, std::nullopt, left, 0);
  return {std::get<0>(result).squeeze(0).transpose(0, 1), lseRows(std::get<1>(result), query.size(0), count)};
}

// Needs equal head counts and pads the rows of its log-sum-exp to a multiple of 32.
AttentionOutput efficient(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, std::uint64_t) {
  const std::int64_t group = query.size(0) / key.size(0);
  const auto repeated = [&](const at::Tensor& heads) { return heads.repeat_interleave(group, 0).unsqueeze(0); };
  const auto result = at::_scaled_dot_product_efficient_attention(query.unsqueeze(0), repeated(key), repeated(value),
                                                                  std::nullopt, /*compute_log_sumexp=*/true, 0.0,
                                                                  /*is_causal=*/true);
  return {std::get<0>(result).squeeze(0), lseRows(std::get<1>(result), query.size(0), query.size(1))};
}

// Fixed numbers without a generator, each head and row different; small enough for f16.
at::Tensor testValues(std::int64_t heads, std::int64_t count, double seed, const at::Tensor& like) {
  const at::Tensor steps = at::arange(heads * count * like.size(2), at::TensorOptions().dtype(at::kDouble));
  return (steps * (0.7 + seed) + seed).sin().mul(1.5).view({heads, count, like.size(2)}).to(like.options());
}

double worst(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kCPU, at::kDouble) - b.to(at::kCPU, at::kDouble)).abs().max().item<double>();
}

// The first line of libtorch's message.
std::string reasonOf(const c10::Error& error) {
  const std::string text = error.what_without_backtrace();
  return text.substr(0, text.find('\n'));
}

// A kernel that passed the small case may refuse a longer one (cuDNN finds no plan for some shapes): the next kernel
// then replaces it for good. Out of memory is no reason to try a slower one.
AttentionKernel withFallback(const AttentionKernel& kernel, std::span<const AttentionKernel> next,
                             const std::function<void(const std::string&)>& warn) {
  struct State {
    AttentionKernel now;
    std::vector<AttentionKernel> next;
    bool replaced = false;
  };
  const auto state = std::make_shared<State>(State{kernel, {next.begin(), next.end()}});
  return {kernel.name, kernel.takes_window,
          [state, warn](const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, std::uint64_t window) {
            if (state->replaced) return state->now.attend(query, key, value, window);
            try {
              return state->now.attend(query, key, value, window);
            } catch (const c10::OutOfMemoryError&) {
              throw;
            } catch (const c10::Error& error) {
              warn(fmt::format("the {} attention kernel refuses {} tokens ({}); trying the next", state->now.name,
                               query.size(1), reasonOf(error)));
            }
            state->now = chooseAttention(state->next, query, window, warn);
            state->replaced = true;
            return state->now.attend(query, key, value, window);
          }};
}

std::function<void(const std::string&)>& warnings() {
  static std::function<void(const std::string&)> warn = [](const std::string&) {};
  return warn;
}

}  // namespace

AttentionOutput plainAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                               std::uint64_t window, std::int64_t rows) {
  const std::int64_t count = query.size(1), group = query.size(0) / key.size(0), lead = key.size(1) - count;
  const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(2)));
  const AttentionOutput whole{at::empty(query.sizes(), query.options()),
                              at::empty({query.size(0), count}, query.options().dtype(at::kFloat))};
  const at::Tensor numbers = at::arange(lead + count, query.options().dtype(at::kLong));
  for (std::int64_t begin = 0; begin < count; begin += rows) {
    const std::int64_t end = std::min(begin + rows, count);
    const std::int64_t first =
        window > 0 ? std::max<std::int64_t>(0, lead + begin + 1 - static_cast<std::int64_t>(window)) : 0;
    const at::Tensor i = numbers.slice(0, lead + begin, lead + end).unsqueeze(1),
                     j = numbers.slice(0, first, lead + end).unsqueeze(0);
    const at::Tensor hidden =
        window > 0 ? at::logical_or(j > i, i - j >= static_cast<std::int64_t>(window)) : at::Tensor(j > i);
    for (std::int64_t head = 0; head < query.size(0); ++head) {
      const at::Tensor q = query[head].slice(0, begin, end).to(at::kFloat),
                       k = key[head / group].slice(0, first, lead + end).to(at::kFloat),
                       v = value[head / group].slice(0, first, lead + end).to(at::kFloat);
      const at::Tensor logits = (at::matmul(q, k.t()) * scale).masked_fill_(hidden, -HUGE_VAL);
      const at::Tensor lse = at::logsumexp(logits, at::IntArrayRef{1});
      whole.lse[head].slice(0, begin, end).copy_(lse);
      whole.output[head].slice(0, begin, end).copy_(at::matmul((logits - lse.unsqueeze(1)).exp(), v));
    }
  }
  return whole;
}

std::string checkAttention(const AttentionKernel& kernel, const at::Tensor& query, std::uint64_t window) {
  constexpr std::int64_t kTokens = 200, kHeads = 4, kKvHeads = 2;
  const std::uint64_t band = window > 0 ? 70 : 0;
  const at::Tensor q = testValues(kHeads, kTokens, 0.11, query), k = testValues(kKvHeads, kTokens, 0.29, query),
                   v = testValues(kKvHeads, kTokens, 0.43, query);
  try {
    const AttentionOutput actual = kernel.attend(q, k, v, band), expected = plainAttention(q, k, v, band);
    if (actual.output.sizes() != q.sizes()) return "its output has another shape";
    if (!actual.lse.defined() || actual.lse.sizes() != expected.lse.sizes()) return "it gives no log-sum-exp per row";
    const double output = worst(actual.output, expected.output), lse = worst(actual.lse, expected.lse);
    // NaN compares as wrong. 16-bit products are summed in float; only their outputs are rounded.
    const double most = query.scalar_type() == at::kFloat ? 1e-4 : 3e-2;
    if (!(output <= most)) return fmt::format("its output is off by {:.1e}", output);
    if (!(lse <= 1e-3)) return fmt::format("its log-sum-exp is off by {:.1e}", lse);
  } catch (const c10::Error& error) {
    return reasonOf(error);
  }
  return {};
}

AttentionKernel chooseAttention(std::span<const AttentionKernel> kernels, const at::Tensor& query, std::uint64_t window,
                                const std::function<void(const std::string&)>& warn) {
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const AttentionKernel& kernel = kernels[i];
    if (window > 0 && !kernel.takes_window) continue;
    const std::string wrong = checkAttention(kernel, query, window);
    if (wrong.empty()) return withFallback(kernel, kernels.subspan(i + 1), warn);
    warn(fmt::format("the {} attention kernel fails its self-check on this device ({}); trying the next", kernel.name,
                     wrong));
  }
  warn("no fused attention kernel serves this device, type and head size; using plain matrix products, which is slow");
  return {"plain", true, [](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::uint64_t band) {
            return plainAttention(q, k, v, band);
          }};
}

std::vector<AttentionKernel> cudaAttentionKernels(const at::Tensor& query) {
  std::vector<AttentionKernel> kernels;
  if (query.scalar_type() != at::kFloat) {
    kernels.push_back({"cuDNN", false, cudnn});
    kernels.push_back({"FlashAttention", true, flash});
  }
  kernels.push_back({"memory-efficient", false, efficient});
  return kernels;
}

const AttentionKernel& cudaAttention(const at::Tensor& query, std::uint64_t window) {
  using Key = std::tuple<c10::DeviceIndex, at::ScalarType, std::int64_t, bool>;
  static std::mutex mutex;
  static std::map<Key, AttentionKernel> chosen;
  const std::lock_guard lock(mutex);
  const Key key{query.device().index(), query.scalar_type(), query.size(2), window > 0};
  const auto found = chosen.find(key);
  if (found != chosen.end()) return found->second;
  const std::vector<AttentionKernel> kernels = cudaAttentionKernels(query);
  const auto warn = [](const std::string& text) { warnings()(text); };  // the receiver at that time
  return chosen.emplace(key, chooseAttention(kernels, query, window, warn)).first->second;
}

void reportAttentionTo(std::function<void(const std::string&)> warn) {
  warnings() = std::move(warn);
}

}  // namespace kvatlas::capture
