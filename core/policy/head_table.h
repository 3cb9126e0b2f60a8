// Tables of one number per head, as HeadKV and DuoAttention publish them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/policy/policy.h"

namespace kvatlas::policy {

// [layers * heads] of the setting, from the file that its parameter `heads` names. Two shapes are read: a JSON object
// {"layer-head": [number, …] or number} over query heads (HeadKV; the numbers of a head are averaged), and lines of
// numbers, a line a layer (DuoAttention). Query heads of one KV head are averaged for kv-head granularity.
// Error naming the file and what is wrong with it.
[[nodiscard]] std::vector<double> headTable(const Setting& setting);

}  // namespace kvatlas::policy
