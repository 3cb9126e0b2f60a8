#include "capture/model/attention.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/_scaled_dot_product_efficient_attention.h>
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

#include "capture/model/cuda_attention.h"

namespace kvatlas::capture {
namespace {

// Up to kWholeRows one call takes all rows; longer prompts use blocks of kRows (on the CPU within a few per cent of one
// call's speed; 64 rows are slower).
constexpr std::int64_t kWholeRows = 8192, kRows = 1024, kLeastBandRows = 256;
// Work per kernel call and thread: a stop request waits a fraction of a second. Heads are independent: the number per
// call does not change the result.
constexpr double kFlopsPerThread = 2e10;

// float32: the memory-efficient kernels. They need equal head counts and pad the log-sum-exp's rows to a multiple of
// 32.
AttentionOutput efficientOnCuda(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, bool causal,
                                const std::optional<at::Tensor>& mask) {
  const std::int64_t group = query.size(1) / key.size(1);
  const std::optional<at::Tensor> bias = mask ? std::optional(mask->expand({1, query.size(1), -1, -1})) : std::nullopt;
  const auto result = at::_scaled_dot_product_efficient_attention(query, key.repeat_interleave(group, 1),
                                                                  value.repeat_interleave(group, 1), bias,
                                                                  /*compute_log_sumexp=*/true, 0.0, causal);
  return {std::get<0>(result), std::get<1>(result).narrow(2, 0, query.size(2))};
}

// One kernel call. Causal needs as many queries as keys; otherwise the kernels disagree about the diagonal's place.
AttentionOutput attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, bool causal,
                       const std::optional<at::Tensor>& mask = std::nullopt) {
  const at::Tensor q = query.unsqueeze(0), k = key.unsqueeze(0), v = value.unsqueeze(0);
  AttentionOutput result;
  if (query.is_cpu()) {
    std::tie(result.output, result.lse) = at::_scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, causal, mask);
  } else {
    result = efficientOnCuda(q, k, v, causal, mask);
  }
  return {result.output.squeeze(0), result.lse.squeeze(0)};
}

// Joins the attention over two disjoint key sets of the same rows.
AttentionOutput joined(const AttentionOutput& a, const AttentionOutput& b) {
  const at::Tensor lse = at::logaddexp(a.lse, b.lse);
  const auto share = [&](const AttentionOutput& part) { return part.output * (part.lse - lse).exp().unsqueeze(-1); };
  return {(share(a) + share(b)).to(a.output.scalar_type()), lse};
}

// Rows [begin, end) against keys [0, end): keys before the block unmasked, the block itself causal.
AttentionOutput causalBlock(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, std::int64_t begin,
                            std::int64_t end) {
  const at::Tensor rows = query.slice(1, begin, end);
  const AttentionOutput own = attend(rows, key.slice(1, begin, end), value.slice(1, begin, end), true);
  if (begin == 0) return own;
  return joined(attend(rows, key.slice(1, 0, begin), value.slice(1, 0, begin), false), own);
}

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

AttentionOutput bandBlock(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, std::int64_t begin,
                          std::int64_t end, std::int64_t window) {
  const std::int64_t first = std::max<std::int64_t>(0, begin - window + 1);
  const at::Tensor mask = bandMask(end - begin, end - first, begin - first, window, query);
  return attend(query.slice(1, begin, end), key.slice(1, first, end), value.slice(1, first, end), false, mask);
}

std::int64_t rowsPerBlock(std::int64_t count, std::uint64_t window, const AttentionBlocks& blocks) {
  if (blocks.rows > 0) return blocks.rows;
  if (window > 0) return std::clamp(static_cast<std::int64_t>(window), kLeastBandRows, kRows);
  return count <= kWholeRows ? count : kRows;
}

// KV heads per kernel call over `rows` rows and all their visible keys.
std::int64_t headsPerCall(const at::Tensor& query, const at::Tensor& key, std::int64_t rows, std::uint64_t window) {
  const double keys =
      window > 0 ? static_cast<double>(window) + static_cast<double>(rows) : static_cast<double>(query.size(1));
  const auto group = static_cast<double>(query.size(0) / key.size(0));
  const double flops = 4.0 * static_cast<double>(rows) * keys * group * static_cast<double>(query.size(2));
  const double heads = kFlopsPerThread * at::get_num_threads() / flops;
  return std::clamp(static_cast<std::int64_t>(std::min(heads, 1e6)), std::int64_t{1}, key.size(0));
}

}  // namespace

AttentionOutput causalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                std::uint64_t window, const std::function<void()>& between,
                                const AttentionBlocks& blocks) {
  const std::int64_t count = query.size(1), group = query.size(0) / key.size(0);
  if (window >= static_cast<std::uint64_t>(count)) window = 0;
  // On CUDA one call takes the whole prompt, except float32 with a window, which no such kernel supports.
  if (query.is_cuda() && (query.scalar_type() != at::kFloat || window == 0))
    return cudaAttention(query, window).attend(query, key, value, window);

  // The kernels write [N, heads, d]: the output projection then reads it without a copy.
  const at::Tensor output = at::empty({count, query.size(0), query.size(2)}, query.options()).transpose(0, 1);
  const AttentionOutput whole{output, at::empty({query.size(0), count}, query.options().dtype(at::kFloat))};
  const std::int64_t rows = rowsPerBlock(count, window, blocks);
  const std::int64_t heads = headsPerCall(query, key, rows, window);
  for (std::int64_t first = 0; first < key.size(0); first += heads) {
    const std::int64_t last = std::min(first + heads, key.size(0));
    const at::Tensor q = query.slice(0, first * group, last * group), k = key.slice(0, first, last),
                     v = value.slice(0, first, last);
    for (std::int64_t begin = 0; begin < count; begin += rows) {
      between();
      const std::int64_t end = std::min(begin + rows, count);
      const AttentionOutput block = window > 0 ? bandBlock(q, k, v, begin, end, static_cast<std::int64_t>(window))
                                               : causalBlock(q, k, v, begin, end);
      whole.output.slice(0, first * group, last * group).slice(1, begin, end).copy_(block.output);
      whole.lse.slice(0, first * group, last * group).slice(1, begin, end).copy_(block.lse);
    }
  }
  return whole;
}

}  // namespace kvatlas::capture
