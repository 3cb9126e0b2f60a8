#include "app/trainer/lesson.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace kvatlas::trainer {
namespace {

// [batch, n, n] log-probabilities of one query head.
at::Tensor logAttention(const Watched& layer, const ModelShape& shape, std::uint32_t kv_head) {
  const std::int64_t head = std::int64_t{kv_head} * (shape.query_heads / shape.kv_heads);
  const at::Tensor query = layer.query.select(1, head), key = layer.key.select(1, kv_head);
  const at::Tensor scores = at::bmm(query, key.transpose(1, 2)) / std::sqrt(static_cast<double>(shape.head_dim));
  const at::Tensor hidden = at::ones({query.size(1), query.size(1)}, query.options().dtype(at::kBool)).triu(1);
  return at::log_softmax(scores.masked_fill(hidden, -std::numeric_limits<double>::infinity()), -1);
}

at::Tensor previousLoss(const at::Tensor& log_attention, std::int64_t back) {
  return -log_attention.diagonal(-back, 1, 2).mean();
}

// wanted [batch, n, n]. Ignores rows without a wanted position.
at::Tensor wantedLoss(const at::Tensor& log_attention, const at::Tensor& wanted) {
  constexpr double kNever = -1e4;  // finite, so that rows without a wanted position have a gradient of zero and not NaN
  const at::Tensor has = wanted.any(-1).to(at::kFloat);
  const at::Tensor mass = at::logsumexp(log_attention.masked_fill(wanted.logical_not(), kNever), {-1});
  return -(mass * has).sum() / has.sum().clamp_min(1);
}

// [batch, n, n]: key s directly follows an earlier occurrence of query t's token.
at::Tensor behindSameToken(const at::Tensor& ids) {
  const at::Tensor same = ids.unsqueeze(2).eq(ids.unsqueeze(1));  // [batch, t, s]
  return at::constant_pad_nd(same.narrow(2, 0, ids.size(1) - 1), {1, 0}, 0).tril(0);
}

// The same where the preceding token matches too.
at::Tensor behindSamePair(const at::Tensor& behind) {
  const std::int64_t n = behind.size(1);
  return behind.logical_and(at::constant_pad_nd(behind.narrow(1, 0, n - 1).narrow(2, 0, n - 1), {1, 0, 1, 0}, 0));
}

}  // namespace

at::Tensor lessonLoss(const LessonPlan& plan, const ModelShape& shape, std::span<const Watched> watched,
                      const at::Tensor& ids) {
  const std::uint32_t second = shape.kv_heads > 1 ? 1 : 0;
  const at::Tensor behind = behindSameToken(ids), behind_pair = behindSamePair(behind);
  at::Tensor loss = at::zeros({}, ids.options().dtype(at::kFloat));
  for (const Watched& layer : watched) {
    const bool previous = std::ranges::find(plan.previous_layers, layer.layer) != plan.previous_layers.end();
    const at::Tensor first_head = logAttention(layer, shape, 0), second_head = logAttention(layer, shape, second);
    if (previous)
      loss = loss + previousLoss(first_head, 1) + previousLoss(second_head, 2);
    else
      loss = loss + wantedLoss(first_head, behind) + wantedLoss(second_head, behind_pair);
  }
  return loss;
}

std::vector<std::uint32_t> lessonLayers(const LessonPlan& plan) {
  std::vector<std::uint32_t> layers = plan.previous_layers;
  layers.insert(layers.end(), plan.induction_layers.begin(), plan.induction_layers.end());
  std::ranges::sort(layers);
  return layers;
}

}  // namespace kvatlas::trainer
