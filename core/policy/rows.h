// The functions that return the rows of the tables of parts, one per file; only parts.cpp calls them.
#pragma once

#include "core/policy/parts.h"

namespace kvatlas::policy {

#define KVATLAS_SCORE(name) [[nodiscard]] ScorePart name##Score();
#define KVATLAS_ALLOCATE(name) [[nodiscard]] AllocatePart name##Allocation();
#define KVATLAS_SELECT(name) [[nodiscard]] SelectPart name##Selection();
#define KVATLAS_STORE(name) [[nodiscard]] StorePart name##Store();
#include "core/policy/parts.def"

}  // namespace kvatlas::policy
