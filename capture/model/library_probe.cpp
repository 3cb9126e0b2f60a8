#include "capture/model/library_probe.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/full.h>
#include <ATen/ops/repeat_interleave.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "capture/model/attention.h"
#include "core/base/error.h"

namespace kvatlas::capture {
namespace {

// causalAttention divides by the root of its operands' size; the padded size must not change the logits.
struct Flipped {
  at::Tensor query, key;  // [query_heads, N, d + pad]
};

Flipped flipped(const at::Tensor& query, const at::Tensor& key, const at::Tensor& lse) {
  constexpr std::int64_t kPad = 8;  // vector loads need a multiple
  const std::int64_t d = query.size(2), group = query.size(0) / key.size(0);
  const auto reversed = [](const at::Tensor& rows) { return at::flip(rows, at::IntArrayRef{1}); };
  const auto extra = [&](const at::Tensor& first) {
    const at::Tensor rest = at::zeros({first.size(0), first.size(1), kPad - 1}, first.options());
    return at::cat({first.unsqueeze(2), rest}, 2);
  };
  const double keep = std::sqrt(static_cast<double>(d + kPad) / static_cast<double>(d));
  const double scale = 1.0 / std::sqrt(static_cast<double>(d));
  const at::Tensor queries = reversed(key.repeat_interleave(group, 0)) * keep, keys = reversed(query);
  const at::Tensor one = at::full({queries.size(0), queries.size(1)}, 1.0, queries.options());
  // The dot product is divided by √d, so the bias is multiplied by it.
  return {at::cat({queries, extra(one * keep)}, 2), at::cat({keys, extra(reversed(lse) / -scale)}, 2)};
}

// [heads, bins, rows]: sums of groups of `bin` columns.
at::Tensor binned(const at::Tensor& rows, std::int64_t bin) {
  std::vector<at::Tensor> sums;
  for (std::int64_t begin = 0; begin < rows.size(1); begin += bin)
    sums.push_back(rows.slice(1, begin, std::min(begin + bin, rows.size(1))).sum(1));
  return at::stack(sums, 1);
}

}  // namespace

LibraryStatistics libraryProbe(const at::Tensor& query, const at::Tensor& key, std::int64_t bin) {
  if (query.scalar_type() != at::kFloat || key.scalar_type() != at::kFloat)
    fail("the library probe takes f32 queries and keys");
  const std::int64_t count = query.size(1);
  const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(2)));
  const auto nothing = [] {};
  LibraryStatistics out;
  const AttentionOutput keys = causalAttention(query, key, key, 0, nothing);
  out.lse = keys.lse;
  out.entropy = (keys.lse - (query * keys.output).sum(-1) * scale).clamp_min_(0.0);

  const Flipped back = flipped(query, key, out.lse);
  const std::int64_t width = back.query.size(2), bins = bin == 0 ? 0 : (count + bin - 1) / bin;
  std::vector<at::Tensor> map_rows;  // [heads, key bins, ≤ width query bins]
  for (std::int64_t first = 0; first < std::max<std::int64_t>(bins, 1); first += width) {
    const at::Tensor values = at::zeros({query.size(0), count, width}, query.options());
    for (std::int64_t b = first; b < std::min(first + width, bins); ++b)
      values.slice(1, std::max<std::int64_t>(0, count - (b + 1) * bin), count - b * bin)
          .select(2, b - first)
          .fill_(1.0);
    const AttentionOutput sums = causalAttention(back.query, back.key, values, 0, nothing);
    out.received = at::flip(sums.lse.exp(), at::IntArrayRef{1});
    if (bins == 0) break;
    const at::Tensor by_key = at::flip(sums.output, at::IntArrayRef{1}) * out.received.unsqueeze(2);
    map_rows.push_back(binned(by_key, bin).slice(2, 0, std::min(width, bins - first)));
  }
  if (bins > 0) out.map_sum = at::cat(map_rows, 2).transpose(1, 2).contiguous();
  return out;
}

}  // namespace kvatlas::capture
