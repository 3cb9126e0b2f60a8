// Any part of one head's attention matrix, computed anew from a trace's stored queries and keys; knows no view.
#pragma once

#include <cstddef>
#include <vector>

#include "core/analysis/tile_source.h"
#include "core/base/progress.h"

namespace kvatlas::analysis {

// A grid of rows × columns over the request's ranges. Row r covers queries [begin + ⌊r·n/rows⌋, begin + ⌊(r+1)·n/rows⌋)
// of its n, columns likewise. NaN (kernels::isMasked): no query of the cell sees any of its keys.
struct ExactTile {
  std::size_t rows = 0, columns = 0;
  std::vector<float> cells;
};

// Whether the layer's queries and keys were kept.
[[nodiscard]] bool hasExactTiles(const trace::Reader& reader, LayerIndex layer);

// One cell per pair. Queries and keys are stored in bf16: where the model computed in another type, a cell is that of
// the rounded ones under the recorded log-sum-exp. Error without queries and keys, UsageError for ranges outside.
[[nodiscard]] ExactTile exactTile(const trace::Reader& reader, const TileRequest& request, unsigned threads = 1);

struct GridSize {
  std::size_t rows = 0, columns = 0;
};

// At most `most` cells each way: where a range is longer, a cell is the mean or max over its visible pairs.
// O(queries·keys) time, O(queries + keys + grid) memory. Cancelled when the work is stopped.
[[nodiscard]] ExactTile pooledTile(const trace::Reader& reader, const TileRequest& request, GridSize most,
                                   trace::Reduction reduction, unsigned threads = 1, const WorkContext& work = {});

}  // namespace kvatlas::analysis
