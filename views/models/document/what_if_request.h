// What a recomputed decision is asked with, whether the trace can answer, and how the answer becomes a run; knows no
// thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/policy/policy.h"
#include "views/models/document/document_index.h"
#include "views/models/document/run_view.h"

namespace kvatlas::views {

// A score in place of the method's own, over the same signals; allocation and selection stay the method's.
struct ScoreSource {
  std::string name;   // tells one from another: two of the same name are the same
  std::string needs;  // the signal it reads, as policy::Method::needs
  std::function<policy::LayerScores(const policy::Setting&, LayerIndex, const policy::LayerSignals&)> score;
};

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

// The signal the decision reads; "" for none.
[[nodiscard]] std::string signalOf(const WhatIfRequest& request, const policy::Method& method);
// Why the trace cannot answer, naming the signal that is missing; empty when it can.
[[nodiscard]] std::string obstacle(const WhatIfRequest& request, const KeepRule& rule, const DocumentIndex& index);

// Equal keys score alike: a budget, and parameters that do not change the score, are not in it.
[[nodiscard]] std::string scoreKey(const WhatIfRequest& request, const KeepRule& rule);

// A run like a recorded one, without decoding. Error where the trace names an unknown compute type.
[[nodiscard]] RunPointer runOf(RunId id, const WhatIfRequest& request, const KeepRule& rule,
                               const policy::Decision& decision, const DocumentIndex& index);

}  // namespace kvatlas::views
