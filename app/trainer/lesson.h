// A loss that shows a few heads where to look until the circuits of copying have formed; knows queries and keys only.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "app/trainer/network.h"

namespace kvatlas::trainer {

// Negative log of the attention on the wanted positions, mean over the places that have one, summed over the taught
// heads. Previous layers: the first head of KV head 0 looks at the token before, that of KV head 1 two before.
// Induction layers: the first looks behind earlier occurrences of the current token, the second behind those of the
// last two tokens (the circuit of Olsson et al. 2022). ids [batch, n].
[[nodiscard]] at::Tensor lessonLoss(const LessonPlan& plan, const ModelShape& shape, std::span<const Watched> watched,
                                    const at::Tensor& ids);

// The layers the lesson wants to see.
[[nodiscard]] std::vector<std::uint32_t> lessonLayers(const LessonPlan& plan);

}  // namespace kvatlas::trainer
