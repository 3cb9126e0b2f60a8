// Any part of one head's attention matrix, recomputed from a trace's stored queries and keys.
#pragma once

#include <cstddef>
#include <vector>

#include "core/analysis/tile_source.h"
#include "core/base/progress.h"

namespace kvatlas::analysis {

// A grid of rows × columns over the request's ranges. Row r covers queries [begin + ⌊r·n/rows⌋, begin + ⌊(r+1)·n/rows⌋)
// of its n; columns likewise. NaN (kernels::isMasked): no query of the cell sees any of its keys.
struct ExactTile {
  std::size_t rows = 0, columns = 0;
  std::vector<float> cells;
};

// Whether the trace stores the layer's queries and keys.
[[nodiscard]] bool hasExactTiles(const trace::Reader& reader, LayerIndex layer);

// One cell per pair. Queries and keys are stored in bf16: if the model computed in another type, a cell uses
// the rounded ones with the recorded log-sum-exp. Error without queries and keys, UsageError for ranges outside.
[[nodiscard]] ExactTile exactTile(const trace::Reader& reader, const TileRequest& request, unsigned threads = 1);

struct GridSize {
  std::size_t rows = 0, columns = 0;
};

// At most `most` cells per side: cells of a longer range are the mean or max over their visible pairs.
// O(queries·keys) time, O(queries + keys + grid) memory. Throws Cancelled on a stop request.
[[nodiscard]] ExactTile pooledTile(const trace::Reader& reader, const TileRequest& request, GridSize most,
                                   trace::Reduction reduction, unsigned threads = 1, const WorkContext& work = {});

}  // namespace kvatlas::analysis
