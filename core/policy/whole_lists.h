// Some lists keep the whole prompt, the others what is left of the budget: for methods that tell lists that need
// everything from lists that do not.
#pragma once

#include <cstdint>
#include <vector>

#include "core/policy/policy.h"

namespace kvatlas::policy {

// order: all lists [layers * heads], or all layers, those to keep whole first. As many of them are whole as the budget
// pays, if every other list keeps `least` at least; the others share the rest evenly.
[[nodiscard]] std::vector<std::uint32_t> wholeLists(const Setting& setting, const std::vector<std::size_t>& order,
                                                    std::uint32_t least);

// The places of `values`, largest first; ties keep their order.
[[nodiscard]] std::vector<std::size_t> largestFirst(const std::vector<double>& values);

}  // namespace kvatlas::policy
