// An auxiliary loss that teaches a few heads where to attend until copying circuits have formed.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "app/trainer/network.h"

namespace kvatlas::trainer {

// Negative log of the attention on the wanted positions, mean over the queries that have one, summed over the taught
// heads. Previous layers: the first head of KV head 0 attends to the previous token, that of KV head 1 to the one
// before it. Induction layers: the first attends to the token after earlier occurrences of the current token, the
// second after those of the last two tokens (the circuit of Olsson et al. 2022). ids [batch, n].
[[nodiscard]] at::Tensor lessonLoss(const LessonPlan& plan, const ModelShape& shape, std::span<const Watched> watched,
                                    const at::Tensor& ids);

// The layers that the lesson needs.
[[nodiscard]] std::vector<std::uint32_t> lessonLayers(const LessonPlan& plan);

}  // namespace kvatlas::trainer
