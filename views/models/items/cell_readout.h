// What a map says about the cell under its crosshair: the two tokens, the drawn value and what the shown runs do with
// the key. Qt Core only.
#pragma once

#include <QStringList>
#include <optional>

#include "views/models/document/selection.h"

namespace kvatlas::views {

// "query 910 “·is”", "key 180 “·called” (needle)"
[[nodiscard]] QStringList placeText(const trace::Prompt& prompt, const Cell& cell);

// The value that a map draws at a cell.
struct DrawnValue {
  enum State { Probability, Masked, NotCaptured, NotLoaded } state = NotLoaded;
  double probability = 0;
  std::uint64_t cell_tokens = 1;
};
// "p = 0.012", "p ≤ 0.012 in 2 × 2 tokens", "mean p = 0.012 of 2 × 2 tokens", "masked"
[[nodiscard]] QString valueText(const DrawnValue& value, trace::Reduction reduction);

// "0.012", "≤ 0.012", "masked": for small maps.
[[nodiscard]] QString briefText(const DrawnValue& value, trace::Reduction reduction);

// "SnapKV 128: kept (score)", "evicted", "kept in 3 of 9 heads". Empty for a run that keeps everything.
[[nodiscard]] QString fateText(const RunView& run, const QString& title, LayerIndex layer, const HeadChoice& head,
                               TokenIndex key);

}  // namespace kvatlas::views
