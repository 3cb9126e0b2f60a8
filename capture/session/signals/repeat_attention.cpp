#include "capture/session/signals/repeat_attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "capture/model/host_values.h"
#include "kernels/repeat_scores.h"

namespace kvatlas::capture {
namespace {

constexpr std::int64_t kRows = 48;  // queries whose attention is in memory at once: it stays in the cache

at::Tensor onHost(const RepeatColumns& columns, const at::Tensor& query, const at::Tensor& key, const at::Tensor& lse,
                  unsigned threads, const std::function<void()>& between) {
  const at::Tensor q = readable(query), k = readable(key);
  const auto size = [](std::int64_t of) { return static_cast<std::size_t>(of); };
  const kernels::PrefillShape shape{.query_heads = size(q.size(0)),
                                    .kv_heads = size(k.size(0)),
                                    .tokens = size(k.size(1)),
                                    .queries = size(q.size(1)),
                                    .head_dim = size(q.size(2)),
                                    .sliding_window = columns.sliding_window,
                                    .scale = 1.0F / std::sqrt(static_cast<float>(q.size(2)))};
  const kernels::RepeatInput input{hostValues(q), hostValues(k)};
  const kernels::TokenRange chunk{size(columns.begin), size(columns.end)};
  at::Tensor normaliser = lse;
  if (chunk.begin > 0 || columns.end < columns.prompt_tokens) {
    const std::array ranges{kernels::TokenRange{0, size(columns.sinks)}, chunk,
                            kernels::TokenRange{size(columns.prompt_tokens), shape.tokens}};
    normaliser = at::empty({q.size(0), q.size(1)}, q.options().dtype(at::kFloat));
    between();
    kernels::logSumExpOver(shape, input, ranges, normaliser.mutable_data_ptr<float>(), threads);
  }
  between();
  const at::Tensor most = at::empty({k.size(0), columns.end - columns.begin}, q.options().dtype(at::kFloat));
  kernels::largestProbabilities(shape, input, normaliser.contiguous().const_data_ptr<float>(), chunk,
                                most.mutable_data_ptr<float>(), threads);
  return most;
}

// Positions of the sinks, the chunk, and the repetition's `count` tokens.
at::Tensor positions(const RepeatColumns& columns, std::int64_t count, const at::TensorOptions& options) {
  const auto range = [&](std::int64_t from, std::int64_t to) { return at::arange(from, to, options.dtype(at::kLong)); };
  return at::cat({range(0, columns.sinks), range(columns.begin, columns.end),
                  range(columns.prompt_tokens, columns.prompt_tokens + count)});
}

}  // namespace

at::Tensor mostAttention(const RepeatColumns& columns, const at::Tensor& query, const at::Tensor& key,
                         const at::Tensor& lse, unsigned threads, const std::function<void()>& between) {
  if (query.is_cpu()) return onHost(columns, query, key, lse, threads, between);
  return mostAttentionInOperations(columns, query, key, between);
}

at::Tensor mostAttentionInOperations(const RepeatColumns& columns, const at::Tensor& query, const at::Tensor& key,
                                     const std::function<void()>& between) {
  const std::int64_t count = query.size(1), group = query.size(0) / key.size(0), chunk = columns.end - columns.begin;
  const auto window = static_cast<std::int64_t>(columns.sliding_window);
  const double scale = 1 / std::sqrt(static_cast<double>(query.size(2)));
  const at::Tensor places = positions(columns, count, query.options());
  const at::Tensor seen = at::index_select(key, 1, places).to(at::kFloat);
  const at::Tensor most = at::zeros({key.size(0), chunk}, query.options().dtype(at::kFloat));
  const std::int64_t before = places.size(0) - count;  // columns that every query sees, but for a sliding window
  for (std::int64_t row = 0; row < count; row += kRows) {
    between();
    const std::int64_t last = std::min(row + kRows, count), first_hidden = window > 0 ? 0 : before + row;
    const at::Tensor own = places.slice(0, before + row, before + last).unsqueeze(1);
    const at::Tensor checked = places.slice(0, first_hidden, before + last).unsqueeze(0);
    at::Tensor hidden = checked > own;
    if (window > 0) hidden = at::logical_or(hidden, own - checked >= window);
    for (std::int64_t head = 0; head < query.size(0); ++head) {
      const at::Tensor q = query[head].slice(0, row, last).to(at::kFloat) * scale;
      at::Tensor logits = at::matmul(q, seen[head / group].slice(0, 0, before + last).t());
      logits.slice(1, first_hidden).masked_fill_(hidden, -HUGE_VAL);
      const at::Tensor given = at::softmax(logits, -1).slice(1, columns.sinks, columns.sinks + chunk);
      at::Tensor best = most[head / group];
      best.copy_(at::maximum(best, at::amax(given, {0})));
    }
  }
  return most;
}

}  // namespace kvatlas::capture
