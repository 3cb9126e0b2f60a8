// The branches of a session: methods × budgets over one prefill, and what each decides to keep.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "capture/session/options.h"
#include "core/runs/run_setting.h"

namespace kvatlas::capture {

struct Branch : runs::RunSetting {
  std::string label;  // "snapkv 128"
  policy::Decision decision;
  double decide_seconds = 0;
};

// `full` first, then every other method at every budget, in the order given, without duplicates; one that keeps
// every token once. UsageError for a budget that is not above the window.
[[nodiscard]] std::vector<Branch> planBranches(const SessionOptions& options, const policy::Shape& shape);

// Fills `decision` of every branch from the signals of all layers.
void decideBranches(std::span<Branch> branches, std::span<const policy::LayerSignals> signals);

}  // namespace kvatlas::capture
