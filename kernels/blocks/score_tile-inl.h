// The register tile of QKᵀ and its visible part; included once per SIMD target.
#if defined(KVATLAS_KERNELS_SCORE_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KVATLAS_KERNELS_SCORE_TILE_INL_H_
#undef KVATLAS_KERNELS_SCORE_TILE_INL_H_
#else
#define KVATLAS_KERNELS_SCORE_TILE_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "kernels/blocks/probe_block.h"
#include "kernels/probe_plan.h"
#include "kernels/visible_pairs.h"

HWY_BEFORE_NAMESPACE();
namespace kvatlas::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::CappedTag<float, 16>;
using Vec32 = hn::Vec<F32>;
constexpr std::size_t kLanes = HWY_MIN(16, HWY_LANES(float));
// Vectors of keys per tile: 6 × 4 accumulators fill 32 registers, 6 × 2 fill 16.
#if HWY_TARGET <= HWY_AVX3
constexpr std::size_t kTileVectors = 4;
#else
constexpr std::size_t kTileVectors = kLanes >= 4 ? 2 : 1;
#endif
constexpr std::size_t kTileKeys = kTileVectors * kLanes;

// A strip of up to kStripRows query rows, starting at query row `first`.
struct Strip {
  Strip(const ScoreBlock& block, std::size_t first)
      : row(first),
        rows(std::min(kStripRows, block.rowEnd() - first)),
        queries(block.packed->strip(block.query.from((first - block.query_begin) * block.head_dim), rows)) {}
  Strip(std::size_t first, std::size_t count, const StripQueries& loaded) : row(first), rows(count), queries(loaded) {}
  std::size_t row;
  std::size_t rows;
  StripQueries queries;
};

HWY_INLINE void scoreFloats(const StripQueries& queries, const float* panel, std::size_t head_dim,
                            float* HWY_RESTRICT scores) {
  const F32 d;
  const float* const q0 = queries.floats[0];
  const float* const q1 = queries.floats[1];
  const float* const q2 = queries.floats[2];
  const float* const q3 = queries.floats[3];
  const float* const q4 = queries.floats[4];
  const float* const q5 = queries.floats[5];
  for (std::size_t first = 0; first < kPanelKeys; first += kTileKeys) {
    Vec32 sum[kStripRows][kTileVectors];
    for (auto& row : sum) {
      for (auto& value : row) {
        value = hn::Zero(d);
      }
    }
    const float* keys = panel + first;
    for (std::size_t k = 0; k < head_dim; ++k, keys += kPanelKeys) {
      Vec32 key[kTileVectors];
      for (std::size_t v = 0; v < kTileVectors; ++v) {
        key[v] = hn::Load(d, keys + v * kLanes);
      }
      const float query[kStripRows] = {q0[k], q1[k], q2[k], q3[k], q4[k], q5[k]};
      for (std::size_t r = 0; r < kStripRows; ++r) {
        const Vec32 value = hn::Set(d, query[r]);
        for (std::size_t v = 0; v < kTileVectors; ++v) {
          sum[r][v] = hn::MulAdd(value, key[v], sum[r][v]);
        }
      }
    }
    for (std::size_t r = 0; r < kStripRows; ++r) {
      for (std::size_t v = 0; v < kTileVectors; ++v) {
        hn::Store(sum[r][v], d, scores + r * kPanelKeys + first + v * kLanes);
      }
    }
  }
}

// scores[r, key] = query[r] · key for one panel of the block; scores is [kStripRows, kPanelKeys].
HWY_INLINE void scorePanel(const ScoreBlock& block, const Strip& strip, std::size_t panel_begin, float* scores) {
  const PackedKeys& keys = *block.packed;
  const std::size_t panel = (panel_begin - block.key_begin) / kPanelKeys;
  if (keys.holdsPairs()) {
    scorePairs(strip.queries, keys.pairPanel(panel), keys.pairCount(), scores);
  } else {
    scoreFloats(strip.queries, keys.panel(panel), keys.headDim(), scores);
  }
}

// How much of a panel a strip sees.
enum class PanelVisibility { kFuture, kExpired, kPart, kAll };

HWY_INLINE PanelVisibility panelVisibility(const ScoreBlock& block, const Strip& strip, std::size_t panel_begin) {
  const std::size_t last_row = strip.row + strip.rows - 1;
  const std::size_t panel_last = panel_begin + kPanelKeys - 1;
  if (panel_begin > last_row) {
    return PanelVisibility::kFuture;
  }
  if (block.sliding_window > 0 && panel_last + block.sliding_window <= strip.row) {
    return PanelVisibility::kExpired;
  }
  const bool cut_left = block.sliding_window > 0 && panel_begin + block.sliding_window <= last_row;
  return panel_last > strip.row || panel_last >= block.key_end || cut_left ? PanelVisibility::kPart
                                                                           : PanelVisibility::kAll;
}

// The visible keys [begin, end) of a row, relative to the panel, which may reach past the block's last key.
struct Visible {
  Visible(const ScoreBlock& block, std::size_t row, std::size_t panel_begin) {
    const std::size_t last = std::min(row + 1, block.key_end);
    end = last <= panel_begin ? 0 : std::min(kPanelKeys, last - panel_begin);
    const std::size_t first = firstVisibleKey(row, block.sliding_window);
    begin = first <= panel_begin ? 0 : std::min(end, first - panel_begin);
  }
  std::size_t begin;
  std::size_t end;

  HWY_INLINE hn::Mask<F32> mask(std::size_t first) const {
    const F32 d;
    const Vec32 key = hn::Iota(d, static_cast<float>(first));
    return hn::And(hn::Ge(key, hn::Set(d, static_cast<float>(begin))),
                   hn::Lt(key, hn::Set(d, static_cast<float>(end))));
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace kvatlas::kernels
HWY_AFTER_NAMESPACE();

#endif
