// The plan of a needle run, whose settings contain lengths, depths, kinds and trials instead of facets and cases.
#pragma once

#include <string>

#include "core/base/json_field.h"
#include "core/results/plan.h"

namespace kvatlas::results {

// The plan without branches. Facets: length (whole, requested tokens), depth (number, percent), kind (text), trial
// (whole, from 0). Error naming `where` and the field.
[[nodiscard]] Plan needlePlan(const JsonField& fields, const std::string& where);

}  // namespace kvatlas::results
