// The plan of a needle run, whose settings say lengths, depths, kinds and trials instead of facets and cases.
#pragma once

#include <string>

#include "core/base/json_fields.h"
#include "core/results/plan.h"

namespace kvatlas::results {

// All but the branches. Facets: length (whole, tokens asked for), depth (number, percent), kind (text), trial (whole,
// from 0). Error naming `where` and the field.
[[nodiscard]] Plan needlePlan(const JsonFields& fields, const std::string& where);

}  // namespace kvatlas::results
