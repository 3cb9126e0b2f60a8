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

// A table by itself, whatever the model.
struct HeadTable {
  std::string file;  // name without folder
  std::uint32_t layers = 0, heads = 0;
  std::vector<double> values;  // [layers, heads]
  std::size_t samples = 0;     // numbers of each head that were averaged; 0 where the file has one
};
// Error naming the file and what is wrong with it.
[[nodiscard]] HeadTable readHeadTable(const std::string& path);

}  // namespace kvatlas::policy
