// Second sweep of the probe: all outputs in one pass over the scores, given the row normalisers.
#include "kernels/blocks/probe_block.h"
#include "kernels/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/blocks/probe_statistics.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/blocks/exp2-inl.h"
#include "kernels/blocks/score_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kvatlas::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Per-key sums and maxima since the last flush, and the sums of flushed rows before they are added to double.
struct PanelColumns {
  HWY_ALIGN float sum[kPanelKeys];
  HWY_ALIGN float max[kPanelKeys];
  HWY_ALIGN float flushed[kPanelKeys];
};

// Accumulators of the strip's rows over all panels, one vector of lanes each.
struct StripRows {
  HWY_ALIGN float exponent_sum[kStripRows][kLanes];
};

// Rows [from, to) of a scored panel: turns scores into probabilities (written back if kKeep) and adds them to columns
// and rows.
template <bool kMasked, bool kKeep>
HWY_INLINE void addRows(const StatisticsBlock& block, const Strip& strip, std::size_t panel, std::size_t from,
                        std::size_t to, float* HWY_RESTRICT scores, PanelColumns& columns, StripRows& rows) {
  const F32 d;
  const Vec32 scale = hn::Set(d, block.log2_scale);
  for (std::size_t first = 0; first < kPanelKeys; first += kTileKeys) {
    Vec32 sum[kTileVectors];
    Vec32 max[kTileVectors];
    for (std::size_t v = 0; v < kTileVectors; ++v) {
      sum[v] = hn::Load(d, columns.sum + first + v * kLanes);
      max[v] = hn::Load(d, columns.max + first + v * kLanes);
    }
    for (std::size_t r = from; r < to; ++r) {
      const Visible visible(block, strip.row + r, panel);
      const Vec32 top = hn::Set(d, block.top[strip.row + r]);
      const Vec32 log2_sum = hn::Set(d, block.log2_sum[strip.row + r]);
      Vec32 exponent_sum = hn::Load(d, rows.exponent_sum[r]);
      for (std::size_t v = 0; v < kTileVectors; ++v) {
        const std::size_t key = first + v * kLanes;
        Vec32 y = hn::MulSub(hn::Sub(hn::Load(d, scores + r * kPanelKeys + key), top), scale, log2_sum);
        if constexpr (kMasked) {
          y = hn::IfThenElse(visible.mask(key), y, hn::Set(d, -127.0F));
        }
        const Vec32 p = exp2OrZero(d, y);
        sum[v] = hn::Add(sum[v], p);
        max[v] = hn::Max(max[v], p);
        exponent_sum = hn::MulAdd(p, y, exponent_sum);
        if constexpr (kKeep) {
          hn::Store(p, d, scores + r * kPanelKeys + key);
        }
      }
      hn::Store(exponent_sum, d, rows.exponent_sum[r]);
    }
    for (std::size_t v = 0; v < kTileVectors; ++v) {
      hn::Store(sum[v], d, columns.sum + first + v * kLanes);
      hn::Store(max[v], d, columns.max + first + v * kLanes);
    }
  }
}

// step(tag, i) over [0, count), a power of two or a ragged end: the widest vectors that fit, so that few values do not
// fall back to single lanes.
template <std::size_t kWidth = kLanes, class Step>
HWY_INLINE void forVectors(std::size_t count, std::size_t from, const Step& step) {
  const hn::CappedTag<float, kWidth> d;
  for (; from + kWidth <= count; from += kWidth) {
    step(d, from);
  }
  if constexpr (kWidth > 4) {
    forVectors<kWidth / 2>(count, from, step);
  } else if constexpr (kWidth > 1) {
    forVectors<1>(count, from, step);
  }
}

// values[i] = combine(values[2i], values[2i + 1]) for i < count / 2, in place: reads stay ahead of writes.
template <class Combine>
HWY_INLINE void foldPairs(float* values, std::size_t count, const Combine& combine) {
  forVectors(count / 2, 0, [&](auto d, std::size_t i) {
    if constexpr (hn::MaxLanes(d) == 1) {
      hn::StoreU(combine(hn::Set(d, values[2 * i]), hn::Set(d, values[2 * i + 1])), d, values + i);
    }
#if HWY_TARGET != HWY_SCALAR
    if constexpr (hn::MaxLanes(d) > 1) {
      const auto low = hn::LoadU(d, values + 2 * i);
      const auto high = hn::LoadU(d, values + 2 * i + hn::MaxLanes(d));
      hn::StoreU(combine(hn::ConcatEven(d, high, low), hn::ConcatOdd(d, high, low)), d, values + i);
    }
#endif
  });
}

struct AddPairs {
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    return hn::Add(a, b);
  }
};
struct MaxPairs {
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    return hn::Max(a, b);
  }
};

// Folds neighbours until one value per map cell is left; returns their number. Pairwise, so independent of the vector
// length.
HWY_INLINE std::size_t foldToCells(std::size_t cell, PanelColumns& columns) {
  std::size_t count = kPanelKeys;
  for (; count > 1 && kPanelKeys / count < cell; count /= 2) {
    foldPairs(columns.sum, count, AddPairs());
    foldPairs(columns.max, count, MaxPairs());
  }
  return count;
}

HWY_INLINE void addToMap(const StatisticsBlock& block, std::size_t row, std::size_t panel, PanelColumns& columns) {
  const std::size_t count = foldToCells(block.cell, columns);
  const std::size_t column = panel / block.cell;
  const std::size_t at = row / block.cell * block.cells + column;
  const std::size_t used = std::min(count, block.cells - column);
  const auto merge = [&](float* map, const float* values, const auto& combine) {
    forVectors(used, 0, [&](auto d, std::size_t i) {
      hn::StoreU(combine(hn::LoadU(d, map + at + i), hn::LoadU(d, values + i)), d, map + at + i);
    });
  };
  if (block.map_sum != nullptr) {
    merge(block.map_sum, columns.sum, AddPairs());
  }
  if (block.map_max != nullptr) {
    merge(block.map_max, columns.max, MaxPairs());
  }
}

// True when the float sums up to this row must be added to double: row limit, end of the window or of the block.
HWY_INLINE bool promoteAfter(const StatisticsBlock& block, std::size_t row) {
  return (row + 1) % kMostFlushRows == 0 || row + 1 == block.window_begin || row + 1 == block.rowEnd();
}

HWY_INLINE void promote(const StatisticsBlock& block, std::size_t row, std::size_t panel, PanelColumns& columns) {
  double* const received = block.received + (panel - block.key_begin);
  for (std::size_t i = 0; i < kPanelKeys; ++i) {
    received[i] += static_cast<double>(columns.flushed[i]);
  }
  if (row >= block.window_begin) {
    double* const window_sum = block.window_sum + (panel - block.key_begin);
    for (std::size_t i = 0; i < kPanelKeys; ++i) {
      window_sum[i] += static_cast<double>(columns.flushed[i]);
    }
  }
  std::fill_n(columns.flushed, kPanelKeys, 0.0F);
}

// Moves the rows since the last flush, up to `row`, out of the float accumulators.
HWY_INLINE void flush(const StatisticsBlock& block, std::size_t row, std::size_t panel, PanelColumns& columns) {
  const F32 d;
  for (std::size_t i = 0; i < kPanelKeys; i += kLanes) {
    hn::Store(hn::Add(hn::Load(d, columns.flushed + i), hn::Load(d, columns.sum + i)), d, columns.flushed + i);
  }
  if (promoteAfter(block, row)) {
    promote(block, row, panel, columns);
  }
  if (block.cells > 0) {
    addToMap(block, row, panel, columns);
  }
  for (std::size_t i = 0; i < kPanelKeys; i += kLanes) {
    hn::Store(hn::Zero(d), d, columns.sum + i);
    hn::Store(hn::Zero(d), d, columns.max + i);
  }
}

HWY_INLINE void keepWindowRows(const StatisticsBlock& block, const Strip& strip, std::size_t panel,
                               const float* scores) {
  const std::size_t count = std::min(kPanelKeys, block.tokens - panel);
  for (std::size_t r = 0; r < strip.rows; ++r) {
    if (strip.row + r >= block.window_begin) {
      std::copy_n(scores + r * kPanelKeys, count,
                  block.window_rows + (strip.row + r - block.window_begin) * block.tokens + panel);
    }
  }
}

// True when a flush is due after this row: a map row, the window or the block ends.
HWY_INLINE bool flushAfter(const StatisticsBlock& block, std::size_t row) {
  return (row + 1) % block.flush_rows == 0 || row + 1 == block.window_begin || row + 1 == block.rowEnd();
}

HWY_INLINE void addPanel(const StatisticsBlock& block, const Strip& strip, std::size_t panel, PanelVisibility seen,
                         float* scores, PanelColumns& columns, StripRows& rows) {
  const bool keep = block.window_rows != nullptr && strip.row + strip.rows > block.window_begin;
  for (std::size_t from = 0; from < strip.rows;) {
    std::size_t last = from;
    while (last + 1 < strip.rows && !flushAfter(block, strip.row + last)) {
      ++last;
    }
    if (keep) {
      addRows<true, true>(block, strip, panel, from, last + 1, scores, columns, rows);
    } else if (seen == PanelVisibility::kAll) {
      addRows<false, false>(block, strip, panel, from, last + 1, scores, columns, rows);
    } else {
      addRows<true, false>(block, strip, panel, from, last + 1, scores, columns, rows);
    }
    if (flushAfter(block, strip.row + last)) {
      flush(block, strip.row + last, panel, columns);
    }
    from = last + 1;
  }
  if (keep) {
    keepWindowRows(block, strip, panel, scores);
  }
}

// A panel that left the sliding window may still hold sums of earlier rows.
HWY_INLINE void flushExpiredPanel(const StatisticsBlock& block, const Strip& strip, std::size_t panel,
                                  PanelColumns& columns) {
  for (std::size_t r = 0; r < strip.rows; ++r) {
    if (flushAfter(block, strip.row + r)) {
      flush(block, strip.row + r, panel, columns);
    }
  }
}

HWY_INLINE void addStrip(const StatisticsBlock& block, const Strip& strip, float* scores, PanelColumns* columns) {
  StripRows rows = {};
  for (std::size_t panel = block.key_begin; panel < block.key_end; panel += kPanelKeys) {
    PanelColumns& panel_columns = columns[(panel - block.key_begin) / kPanelKeys];
    const PanelVisibility seen = panelVisibility(block, strip, panel);
    if (seen == PanelVisibility::kFuture) {
      break;
    }
    if (seen == PanelVisibility::kExpired) {
      flushExpiredPanel(block, strip, panel, panel_columns);
      continue;
    }
    scorePanel(block, strip, panel, scores);
    addPanel(block, strip, panel, seen, scores, panel_columns, rows);
  }
  const F32 d;
  for (std::size_t r = 0; r < strip.rows; ++r) {
    block.exponent_sum[strip.row + r] += hn::GetLane(hn::SumOfLanes(d, hn::Load(d, rows.exponent_sum[r])));
  }
}

void statisticsBlock(const StatisticsBlock& block) {
  HWY_ALIGN float scores[kStripRows * kPanelKeys];
  PanelColumns columns[kMostBlockKeys / kPanelKeys] = {};
  for (std::size_t row = block.rowBegin(); row < block.rowEnd(); row += kStripRows) {
    addStrip(block, Strip(block, row), scores, columns);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kvatlas::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kvatlas::kernels {
HWY_EXPORT(statisticsBlock);
void addStatisticsBlock(const StatisticsBlock& block) {
  HWY_DYNAMIC_DISPATCH(statisticsBlock)(block);
}
}  // namespace kvatlas::kernels
#endif
