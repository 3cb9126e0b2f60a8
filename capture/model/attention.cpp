#include "capture/model/attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_scaled_dot_product_efficient_attention.h>
#include <ATen/ops/_scaled_dot_product_flash_attention.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/repeat_interleave.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace kvatlas::capture {
namespace {

// Work of one kernel call, so that a stop request waits well under a second on two CPU cores. Fixed: results must not
// depend on the number of threads.
constexpr double kBlockFlops = 4e10;
constexpr std::int64_t kLeastRows = 64, kRowStep = 256;
constexpr std::int64_t kBandRows = 256;

AttentionOutput onCuda(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, bool causal,
                       const std::optional<at::Tensor>& mask) {
  if (query.scalar_type() != at::kFloat && !mask) {
    const auto result = at::_scaled_dot_product_flash_attention(query, key, value, 0.0, causal);
    return {std::get<0>(result), std::get<1>(result)};
  }
  // The memory-efficient kernels take float32 and a mask, but equal head counts only; their log-sum-exp is padded to a
  // multiple of 32.
  const std::int64_t group = query.size(1) / key.size(1);
  const std::optional<at::Tensor> bias =
      mask ? std::optional(mask->to(query.scalar_type()).expand({1, query.size(1), -1, -1})) : std::nullopt;
  const auto result = at::_scaled_dot_product_efficient_attention(query, key.repeat_interleave(group, 1),
                                                                  value.repeat_interleave(group, 1), bias,
                                                                  /*compute_log_sumexp=*/true, 0.0, causal);
  return {std::get<0>(result), std::get<1>(result).narrow(2, 0, query.size(2))};
}

// One kernel call. Causal needs as many queries as keys: the kernels disagree about where the diagonal lies otherwise.
AttentionOutput attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, bool causal,
                       const std::optional<at::Tensor>& mask = std::nullopt) {
  const at::Tensor q = query.unsqueeze(0), k = key.unsqueeze(0), v = value.unsqueeze(0);
  AttentionOutput result;
  if (query.is_cpu()) {
    std::tie(result.output, result.lse) = at::_scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, causal, mask);
  } else {
    result = onCuda(q, k, v, causal, mask);
  }
  return {result.output.squeeze(0), result.lse.squeeze(0)};
}

// Joins the attention over two disjoint key sets of the same rows.
AttentionOutput joined(const AttentionOutput& a, const AttentionOutput& b) {
  const at::Tensor lse = at::logaddexp(a.lse, b.lse);
  const auto share = [&](const AttentionOutput& part) { return part.output * (part.lse - lse).exp().unsqueeze(-1); };
  return {(share(a) + share(b)).to(a.output.scalar_type()), lse};
}

std::int64_t rowsPerBlock(const at::Tensor& query) {
  const double row = 4.0 * static_cast<double>(query.numel());  // 4·heads·N·d: both products against every key
  const auto rows = static_cast<std::int64_t>(std::min(kBlockFlops / row, 1e9));
  return rows >= kRowStep ? rows / kRowStep * kRowStep : std::max(rows, kLeastRows);
}

// Rows [begin, end) against keys [0, end): those before the block unmasked, the block itself causal.
AttentionOutput causalBlock(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, std::int64_t begin,
                            std::int64_t end) {
  const at::Tensor rows = query.slice(1, begin, end);
  const AttentionOutput own = attend(rows, key.slice(1, begin, end), value.slice(1, begin, end), true);
  if (begin == 0) return own;
  return joined(attend(rows, key.slice(1, 0, begin), value.slice(1, 0, begin), false), own);
}

// 0 where query row + first − …  sees the key, −∞ elsewhere: [rows, keys] for rows that start `lead` keys after the
// first key.
at::Tensor bandMask(std::int64_t rows, std::int64_t keys, std::int64_t lead, std::int64_t window,
                    const at::Tensor& like) {
  const at::Tensor i = at::arange(lead, lead + rows, like.options().dtype(at::kLong)).unsqueeze(1);
  const at::Tensor j = at::arange(keys, like.options().dtype(at::kLong)).unsqueeze(0);
  // Kernels with vector loads want rows that start at a multiple of 16 elements.
  at::Tensor mask = at::zeros({rows, (keys + 15) / 16 * 16}, like.options()).narrow(1, 0, keys);
  mask.masked_fill_(at::logical_or(j > i, i - j >= window), -std::numeric_limits<double>::infinity());
  return mask.unsqueeze(0).unsqueeze(0);
}

AttentionOutput bandBlock(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, std::int64_t begin,
                          std::int64_t end, std::int64_t window) {
  const std::int64_t first = std::max<std::int64_t>(0, begin - window + 1);
  const at::Tensor mask = bandMask(end - begin, end - first, begin - first, window, query);
  return attend(query.slice(1, begin, end), key.slice(1, first, end), value.slice(1, first, end), false, mask);
}

}  // namespace

AttentionOutput causalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                std::uint64_t window, const std::function<void()>& between) {
  const std::int64_t count = query.size(1);
  const bool banded = window > 0 && window < static_cast<std::uint64_t>(count);
  const std::int64_t step = banded ? kBandRows : rowsPerBlock(query);
  if (!banded && step >= count) return attend(query, key, value, true);

  AttentionOutput whole{at::empty_like(query), at::empty({query.size(0), count}, query.options().dtype(at::kFloat))};
  for (std::int64_t begin = 0; begin < count; begin += step) {
    between();
    const std::int64_t end = std::min(begin + step, count);
    const AttentionOutput block = banded ? bandBlock(query, key, value, begin, end, static_cast<std::int64_t>(window))
                                         : causalBlock(query, key, value, begin, end);
    whole.output.slice(1, begin, end).copy_(block.output);
    whole.lse.slice(1, begin, end).copy_(block.lse);
  }
  return whole;
}

}  // namespace kvatlas::capture
