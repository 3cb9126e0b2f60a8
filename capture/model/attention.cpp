#include "capture/model/attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_scaled_dot_product_efficient_attention.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/repeat_interleave.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "capture/model/cuda_attention.h"
#include "capture/model/host_values.h"
#include "kernels/prefill_attention.h"

namespace kvatlas::capture {
namespace {

// Rows per kernel call with a sliding window on CUDA.
constexpr std::int64_t kRows = 1024, kLeastBandRows = 256;

// [1, 1, rows, keys]: 0 where the row sees the key, −∞ elsewhere; `lead` is the index of the first row's own key.
at::Tensor bandMask(std::int64_t rows, std::int64_t keys, std::int64_t lead, std::int64_t window,
                    const at::Tensor& like) {
  const at::Tensor i = at::arange(lead, lead + rows, like.options().dtype(at::kLong)).unsqueeze(1);
  const at::Tensor j = at::arange(keys, like.options().dtype(at::kLong)).unsqueeze(0);
  // Kernels with vector loads need rows aligned to 16 elements.
  at::Tensor mask = at::zeros({rows, (keys + 15) / 16 * 16}, like.options()).narrow(1, 0, keys);
  mask.masked_fill_(at::logical_or(j > i, i - j >= window), -std::numeric_limits<double>::infinity());
  return mask.unsqueeze(0).unsqueeze(0);
}

// float32: the memory-efficient kernels. They need equal head counts and pad the log-sum-exp's rows to a multiple of
// 32.
AttentionOutput bandBlock(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, std::int64_t begin,
                          std::int64_t end, std::int64_t window) {
  const std::int64_t first = std::max<std::int64_t>(0, begin - window + 1), group = query.size(0) / key.size(0);
  const at::Tensor bias = bandMask(end - begin, end - first, begin - first, window, query);
  const auto keys = [&](const at::Tensor& of) {
    return of.slice(1, first, end).unsqueeze(0).repeat_interleave(group, 1);
  };
  const auto result = at::_scaled_dot_product_efficient_attention(
      query.slice(1, begin, end).unsqueeze(0), keys(key), keys(value), bias.expand({1, query.size(0), -1, -1}),
      /*compute_log_sumexp=*/true, 0.0, /*is_causal=*/false);
  return {std::get<0>(result).squeeze(0), std::get<1>(result).squeeze(0).narrow(1, 0, end - begin)};
}

// No other CUDA kernel supports float32 with a window.
AttentionOutput bandAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                              std::int64_t window, const std::function<void()>& between) {
  const std::int64_t count = query.size(1), rows = std::clamp(window, kLeastBandRows, kRows);
  const at::Tensor output = at::empty({count, query.size(0), query.size(2)}, query.options()).transpose(0, 1);
  const AttentionOutput whole{output, at::empty({query.size(0), count}, query.options().dtype(at::kFloat))};
  for (std::int64_t begin = 0; begin < count; begin += rows) {
    between();
    const std::int64_t end = std::min(begin + rows, count);
    const AttentionOutput block = bandBlock(query, key, value, begin, end, window);
    whole.output.slice(1, begin, end).copy_(block.output);
    whole.lse.slice(1, begin, end).copy_(block.lse);
  }
  return whole;
}

AttentionOutput hostAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                              std::uint64_t window, const std::function<void()>& between, unsigned threads) {
  const at::Tensor q = readable(query), k = readable(key), v = readable(value);
  // The layout that the output projection reads without a copy.
  const at::Tensor output = at::empty({q.size(1), q.size(0), q.size(2)}, q.options());
  const at::Tensor lse = at::empty({q.size(0), q.size(1)}, q.options().dtype(at::kFloat));
  const kernels::PrefillShape shape{.query_heads = static_cast<std::size_t>(q.size(0)),
                                    .kv_heads = static_cast<std::size_t>(k.size(0)),
                                    .tokens = static_cast<std::size_t>(k.size(1)),
                                    .queries = static_cast<std::size_t>(q.size(1)),
                                    .head_dim = static_cast<std::size_t>(q.size(2)),
                                    .sliding_window = window,
                                    .scale = 1.0F / std::sqrt(static_cast<float>(q.size(2)))};
  kernels::PrefillOutput target{.lse = lse.mutable_data_ptr<float>()};
  if (q.scalar_type() == at::kBFloat16) {
    target.bf16 = static_cast<std::uint16_t*>(output.mutable_data_ptr());
  } else {
    target.f32 = output.mutable_data_ptr<float>();
  }
  kernels::prefillAttention(shape, {hostValues(q), hostValues(k), hostValues(v)}, target, threads, between);
  return {output.transpose(0, 1).to(query.scalar_type()), lse};
}

}  // namespace

AttentionOutput causalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                std::uint64_t window, const std::function<void()>& between, unsigned threads) {
  if (window >= static_cast<std::uint64_t>(key.size(1))) window = 0;
  if (query.is_cpu()) return hostAttention(query, key, value, window, between, threads);
  if (query.size(1) != key.size(1)) return plainAttention(query, key, value, window);
  if (query.scalar_type() == at::kFloat && window > 0)
    return bandAttention(query, key, value, static_cast<std::int64_t>(window), between);
  return cudaAttention(query, window).attend(query, key, value, window);
}

}  // namespace kvatlas::capture
