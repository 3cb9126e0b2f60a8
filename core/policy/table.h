// The rows of the method table, one per file of this folder; only methods.cpp reads it.
#pragma once

#include "core/policy/policy.h"

namespace kvatlas::policy {

[[nodiscard]] Method fullMethod();
[[nodiscard]] Method streamingllmMethod();
[[nodiscard]] Method h2oMethod();
[[nodiscard]] Method snapkvMethod();
[[nodiscard]] Method pyramidkvMethod();

}  // namespace kvatlas::policy
