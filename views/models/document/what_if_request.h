// The request for a recomputed decision, and its conversion to a run.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/analysis/redecision.h"
#include "views/models/document/document_index.h"
#include "views/models/document/run_view.h"

namespace kvatlas::views {

using analysis::ScoreSource;

struct WhatIfRequest {
  std::string method = "snapkv";
  std::map<std::string, std::string, std::less<>> parameters;  // explicit ones; the rest default
  std::string budget = "128";
  policy::Granularity granularity = policy::Granularity::KvHead;
  policy::Preset preset = policy::Preset::Exact;
  std::uint32_t window = 8;
  std::shared_ptr<const ScoreSource> score;  // empty: the method's own
};

// A request that reproduces the recorded run. Error naming what this build does not know.
[[nodiscard]] WhatIfRequest requestOf(const trace::RunHeader& run, std::uint32_t default_window);

// The method and its complete setting. UsageError names what is unknown or out of range.
[[nodiscard]] KeepRule resolve(const WhatIfRequest& request, const policy::Shape& shape);

[[nodiscard]] analysis::Redecision redecisionOf(const WhatIfRequest& request, const KeepRule& rule);

// Like a recorded run, but without decoding. Error if the trace names an unknown compute type.
[[nodiscard]] RunPointer runOf(RunId id, const WhatIfRequest& request, const KeepRule& rule,
                               const policy::Decision& decision, const DocumentIndex& index);

}  // namespace kvatlas::views
