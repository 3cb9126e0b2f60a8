// The functions that return the rows of the method table, one per file; methods.cpp alone calls them.
#pragma once

#include "core/policy/policy.h"

namespace kvatlas::policy {

#define KVATLAS_METHOD(name) [[nodiscard]] Method name##Method();
#include "core/policy/methods.def"
#undef KVATLAS_METHOD

}  // namespace kvatlas::policy
