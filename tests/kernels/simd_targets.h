// Runs a check once per SIMD target of this machine.
#pragma once

#include <gtest/gtest.h>

#include "kernels/simd.h"

#include <hwy/targets.h>

namespace kvatlas::kernels {

template <typename Check>
void forEachTarget(const Check& check) {
  const std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  for (const int64_t target : targets) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    check();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace kvatlas::kernels
