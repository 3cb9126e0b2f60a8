#include "capture/model/block_pooling.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

namespace kvatlas::capture {
namespace {

constexpr std::int64_t kBytesPerScore = 12;  // product, probability and the library's temporary

// Probabilities of queries [begin, begin + rows) over keys [0, begin + rows).
at::Tensor probabilities(const at::Tensor& query, const at::Tensor& key, std::int64_t begin, double scale) {
  const std::int64_t rows = query.size(1);
  at::Tensor logits = at::matmul(query, key.t()).mul_(scale);
  const at::Tensor numbers = at::arange(rows, query.options().dtype(at::kLong));
  logits.slice(2, begin).masked_fill_(numbers.unsqueeze(0) > numbers.unsqueeze(1), -HUGE_VAL);
  return at::softmax(logits, -1, at::kFloat);
}

// [heads, rows, keys] → [heads, ⌈rows/block⌉, ⌈keys/block⌉].
at::Tensor largestOfBlocks(const at::Tensor& p, std::int64_t block) {
  const auto missing = [&](std::int64_t count) { return (block - count % block) % block; };
  const std::int64_t rows = missing(p.size(1)), keys = missing(p.size(2));
  const at::Tensor whole = rows + keys > 0 ? at::constant_pad_nd(p, {0, keys, 0, rows}) : p;
  return whole.view({p.size(0), whole.size(1) / block, block, whole.size(2) / block, block})
      .amax(at::IntArrayRef{2, 4});
}

}  // namespace

at::Tensor blockMaxPooling(const at::Tensor& query, const at::Tensor& key, std::int64_t block,
                           std::int64_t most_bytes) {
  const std::int64_t count = query.size(1), group = query.size(0) / key.size(0), n = (count + block - 1) / block;
  const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(2)));
  const std::int64_t rows = std::max<std::int64_t>(1, most_bytes / (kBytesPerScore * group * count) / block) * block;
  at::Tensor map = at::zeros({query.size(0), n, n}, query.options().dtype(at::kFloat));
  for (std::int64_t head = 0; head < key.size(0); ++head) {
    const at::Tensor queries = query.slice(0, head * group, (head + 1) * group);
    const at::Tensor maps = map.slice(0, head * group, (head + 1) * group);
    for (std::int64_t begin = 0; begin < count; begin += rows) {
      const std::int64_t end = std::min(begin + rows, count);
      const at::Tensor pooled =
          largestOfBlocks(probabilities(queries.slice(1, begin, end), key[head].slice(0, 0, end), begin, scale), block);
      maps.slice(1, begin / block, begin / block + pooled.size(1)).slice(2, 0, pooled.size(2)).copy_(pooled);
    }
  }
  return map.div_(map.sum(at::IntArrayRef{-1}, /*keepdim=*/true));
}

}  // namespace kvatlas::capture
