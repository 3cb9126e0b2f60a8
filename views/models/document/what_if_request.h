// What a recomputed decision is asked with, and how the answer becomes a run; knows no thread.
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
  std::map<std::string, std::string, std::less<>> parameters;  // those given; the rest are defaults
  std::string budget = "128";
  policy::Granularity granularity = policy::Granularity::KvHead;
  policy::Preset preset = policy::Preset::Exact;
  std::uint32_t window = 8;
  std::shared_ptr<const ScoreSource> score;  // empty: the method's own
};

// What would decide as the recorded run did. Error that names what of it this build does not know.
[[nodiscard]] WhatIfRequest requestOf(const trace::RunHeader& run, std::uint32_t default_window);

// The method and its complete setting. UsageError names what is unknown or out of range.
[[nodiscard]] KeepRule resolve(const WhatIfRequest& request, const policy::Shape& shape);

[[nodiscard]] analysis::Redecision redecisionOf(const WhatIfRequest& request, const KeepRule& rule);

// A run like a recorded one, without decoding. Error where the trace names an unknown compute type.
[[nodiscard]] RunPointer runOf(RunId id, const WhatIfRequest& request, const KeepRule& rule,
                               const policy::Decision& decision, const DocumentIndex& index);

}  // namespace kvatlas::views
