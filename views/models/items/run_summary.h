// Numbers of a whole run for lists and charts: retained mass, KL over the steps that runs share, right or wrong. No Qt
// Gui.
#pragma once

#include <QString>
#include <optional>

#include "views/models/document/document.h"
#include "views/models/document/head_choice.h"

namespace kvatlas::views {

// Generated tokens whose KL was measured: up to where the run's text and the full cache's part.
[[nodiscard]] std::size_t klSteps(const RunView& run);
// Of all loaded runs of a trace: the steps that each of them has. SIZE_MAX: no run has any.
[[nodiscard]] std::size_t sharedKlSteps(Document& document);
// Mean over the first `steps` measured tokens, in nats; NaN: none.
[[nodiscard]] double meanKl(const RunView& run, std::size_t steps);

// Mean over the generated tokens and all heads; NaN: not recorded.
[[nodiscard]] double retainedMass(const RunView& run);
// The same for the query heads of a choice in one layer; NaN outside the model.
[[nodiscard]] double retainedMass(const RunView& run, LayerIndex layer, const HeadChoice& head);

// Whether the generated text contains the expected answer, whatever its case. Empty: no answer or no text is known.
[[nodiscard]] std::optional<bool> answersRight(const RunView& run, const QString& answer);

}  // namespace kvatlas::views
