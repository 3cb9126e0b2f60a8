// Prefill attention of one block of keys: scores of a strip of rows, their softmax so far, the weighted values.
#include "kernels/blocks/prefill_block.h"
#include "kernels/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/blocks/prefill_block.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <limits>

#include "kernels/blocks/exp2-inl.h"
#include "kernels/blocks/score_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kvatlas::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kPanelScores = kStripRows * kPanelKeys;

// The keys of a block that any row of a strip sees: panels from `begin`, keys up to `end`.
struct StripKeys {
  StripKeys(const PrefillBlock& block, const Strip& strip)
      : begin(std::max(block.block_begin, firstVisibleKey(strip.row, block.sliding_window) / kPanelKeys * kPanelKeys)),
        end(std::min(block.key_end, strip.row + strip.rows)) {}
  [[nodiscard]] std::size_t panels() const { return begin < end ? (end - begin + kPanelKeys - 1) / kPanelKeys : 0; }
  std::size_t begin;
  std::size_t end;
};

// `fold(panel scores, visible keys, whole)` for each panel of row r.
template <class Fold>
HWY_INLINE void forPanels(const PrefillBlock& block, const Strip& strip, const StripKeys& keys, std::size_t r,
                          float* scores, const Fold& fold) {
  const std::size_t row = strip.row + r;
  for (std::size_t panel = keys.begin; panel < keys.end; panel += kPanelKeys, scores += kPanelScores) {
    const Visible visible(block, row, panel);
    fold(scores + r * kPanelKeys, visible, visible.begin == 0 && visible.end == kPanelKeys);
  }
}

HWY_INLINE float largestScore(const PrefillBlock& block, const Strip& strip, const StripKeys& keys, std::size_t r,
                              float* scores) {
  const F32 d;
  const Vec32 lowest = hn::Set(d, std::numeric_limits<float>::lowest());
  Vec32 top = lowest;
  forPanels(block, strip, keys, r, scores, [&](const float* row, const Visible& visible, bool whole) {
    for (std::size_t key = 0; key < kPanelKeys; key += kLanes) {
      const Vec32 score = hn::Load(d, row + key);
      top = hn::Max(top, whole ? score : hn::IfThenElse(visible.mask(key), score, lowest));
    }
  });
  return hn::GetLane(hn::MaxOfLanes(d, top));
}

// Scores become 2^((score − top) · log2_scale), 0 where masked; returns their sum.
HWY_INLINE float exponentiate(const PrefillBlock& block, const Strip& strip, const StripKeys& keys, std::size_t r,
                              float* scores, float top) {
  const F32 d;
  const Vec32 scale = hn::Set(d, block.log2_scale);
  const Vec32 largest = hn::Set(d, top);
  Vec32 sum[2] = {hn::Zero(d), hn::Zero(d)};
  forPanels(block, strip, keys, r, scores, [&](float* row, const Visible& visible, bool whole) {
    for (std::size_t key = 0; key < kPanelKeys; key += kLanes) {
      Vec32 y = hn::Mul(hn::Sub(hn::Load(d, row + key), largest), scale);
      if (!whole) {
        y = hn::IfThenElse(visible.mask(key), y, hn::Set(d, -127.0F));
      }
      const Vec32 p = exp2OrZero(d, y);
      Vec32& part = sum[key / kLanes % 2];
      part = hn::Add(part, p);
      hn::Store(p, d, row + key);
    }
  });
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(sum[0], sum[1])));
}

// Brings row r up to date and returns the factor of its earlier output.
HWY_INLINE float softmaxRow(const PrefillBlock& block, const Strip& strip, const StripKeys& keys, std::size_t r,
                            float* scores) {
  const F32 d;
  const std::size_t at = strip.row + r - block.row_begin;
  const float old_top = block.top[at];
  const float top = std::max(old_top, largestScore(block, strip, keys, r, scores));
  const float correction = hn::GetLane(exp2OrZero(d, hn::Set(d, (old_top - top) * block.log2_scale)));
  block.sum[at] = block.sum[at] * correction + exponentiate(block, strip, keys, r, scores, top);
  block.top[at] = top;
  return correction;
}

// output[r, 0 … kVectors · kLanes) = output · correction + Σ probability · value over the strip's keys.
template <std::size_t kVectors>
HWY_INLINE void addValueColumns(const PackedValues& values, const StripKeys& keys, std::size_t rows,
                                const float* probabilities, const float* correction, std::size_t column,
                                float* output) {
  const F32 d;
  const std::size_t stride = values.columns();
  Vec32 sum[kStripRows][kVectors];
  for (std::size_t r = 0; r < kStripRows; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      const std::size_t row = std::min(r, rows - 1);
      sum[r][v] = hn::Mul(hn::Set(d, correction[row]), hn::LoadU(d, output + row * stride + column + v * kLanes));
    }
  }
  for (std::size_t first = keys.begin; first < keys.end; first += kPanelKeys, probabilities += kPanelScores) {
    const std::size_t count = std::min(kPanelKeys, keys.end - first);
    const float* value = values.row(first) + column;
    for (std::size_t key = 0; key < count; ++key, value += stride) {
      Vec32 loaded[kVectors];
      for (std::size_t v = 0; v < kVectors; ++v) {
        loaded[v] = hn::LoadU(d, value + v * kLanes);
      }
      for (std::size_t r = 0; r < kStripRows; ++r) {
        const Vec32 p = hn::Set(d, probabilities[r * kPanelKeys + key]);
        for (std::size_t v = 0; v < kVectors; ++v) {
          sum[r][v] = hn::MulAdd(p, loaded[v], sum[r][v]);
        }
      }
    }
  }
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      hn::StoreU(sum[r][v], d, output + r * stride + column + v * kLanes);
    }
  }
}

HWY_INLINE void addValues(const PackedValues& values, const StripKeys& keys, std::size_t rows,
                          const float* probabilities, const float* correction, float* output) {
  std::size_t column = 0;
  for (; column + kTileKeys <= values.columns(); column += kTileKeys) {
    addValueColumns<kTileVectors>(values, keys, rows, probabilities, correction, column, output);
  }
  if constexpr (kTileVectors == 4) {
    const std::size_t left = (values.columns() - column) / kLanes;
    if (left == 3) {
      addValueColumns<3>(values, keys, rows, probabilities, correction, column, output);
    } else if (left == 2) {
      addValueColumns<2>(values, keys, rows, probabilities, correction, column, output);
    } else if (left == 1) {
      addValueColumns<1>(values, keys, rows, probabilities, correction, column, output);
    }
  }
}

HWY_INLINE void addStrip(const PrefillBlock& block, const Strip& strip, float* scores) {
  const StripKeys keys(block, strip);
  if (keys.panels() == 0) {
    return;
  }
  for (std::size_t i = 0; i < keys.panels(); ++i) {
    scorePanel(block, strip, keys.begin + i * kPanelKeys, scores + i * kPanelScores);
  }
  float correction[kStripRows];
  for (std::size_t r = 0; r < strip.rows; ++r) {
    correction[r] = softmaxRow(block, strip, keys, r, scores);
  }
  float* const output = block.output + (strip.row - block.row_begin) * block.values->columns();
  if (block.values->holdsPairs()) {
    addPairProduct({.probabilities = scores,
                    .keys = keys.end - keys.begin,
                    .values = block.values->pairRow(keys.begin / 2),
                    .columns = block.values->columns(),
                    .correction = correction,
                    .rows = strip.rows,
                    .output = output});
  } else {
    addValues(*block.values, keys, strip.rows, scores, correction, output);
  }
}

void prefillBlock(const PrefillBlock& block) {
  HWY_ALIGN float scores[kMostBlockKeys / kPanelKeys * kPanelScores];
  for (std::size_t row = block.row_begin; row < block.row_end; row += kStripRows) {
    const std::size_t rows = std::min(kStripRows, block.row_end - row);
    const FloatArray query = block.query.from((row - block.query_begin) * block.head_dim);
    addStrip(block, Strip(row, rows, block.strip->load(query, rows, block.head_dim, block.packed->holdsPairs())),
             scores);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kvatlas::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kvatlas::kernels {
HWY_EXPORT(prefillBlock);
void addPrefillBlock(const PrefillBlock& block) {
  HWY_DYNAMIC_DISPATCH(prefillBlock)(block);
}
}  // namespace kvatlas::kernels
#endif
