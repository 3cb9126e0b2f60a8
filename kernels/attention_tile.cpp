#include "kernels/attention_tile.h"

#include "kernels/blocks/probe_block.h"
#include "kernels/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention_tile.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "kernels/blocks/exp2-inl.h"
#include "kernels/blocks/score_tile-inl.h"

// One block of keys against all rows of the tile, and its output. Defined once for all SIMD targets.
#ifndef KVATLAS_KERNELS_TILE_BLOCK_
#define KVATLAS_KERNELS_TILE_BLOCK_
namespace kvatlas::kernels {

struct TileBlock : ScoreBlock {
  TileValue value = TileValue::kLogit;
  float scale = 0;
  // lse / scale of each row as two floats, so that comparing a logit near it is not limited by float rounding.
  const float* offset_high = nullptr;
  const float* offset_low = nullptr;
  float* output = nullptr;  // cell (query_begin, key_begin)
  std::size_t stride = 0;   // keys of the tile
};

}  // namespace kvatlas::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace kvatlas::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE bool visibleAreFinite(const float* scores, const Visible& visible) {
  const F32 d;
  const Vec32 largest = hn::Set(d, std::numeric_limits<float>::max());
  auto bad = hn::FirstN(d, 0);
  for (std::size_t key = 0; key < kPanelKeys; key += kLanes) {
    const auto finite = hn::Le(hn::Abs(hn::Load(d, scores + key)), largest);  // false for NaN
    bad = hn::Or(bad, hn::AndNot(finite, visible.mask(key)));
  }
  return hn::AllFalse(d, bad);
}

HWY_INLINE std::size_t firstBad(const float* scores, const Visible& visible) {
  std::size_t key = visible.begin;
  while (key + 1 < visible.end && std::abs(scores[key]) <= std::numeric_limits<float>::max()) {
    ++key;
  }
  return key;
}

// One panel row of dot products, in place: cells outside the visible keys are not read again.
HWY_INLINE void convertRow(const TileBlock& block, std::size_t row, float* scores) {
  const F32 d;
  const bool logits = block.value == TileValue::kLogit;
  const Vec32 high = logits ? hn::Zero(d) : hn::Set(d, block.offset_high[row]);
  const Vec32 low = logits ? hn::Zero(d) : hn::Set(d, block.offset_low[row]);
  const Vec32 scale = hn::Set(d, block.scale);
  const Vec32 log2_scale = hn::Set(d, block.log2_scale);
  for (std::size_t key = 0; key < kPanelKeys; key += kLanes) {
    Vec32 value = hn::Sub(hn::Sub(hn::Load(d, scores + key), high), low);
    if (block.value == TileValue::kProbability) {
      value = exp2OrZero(d, hn::Min(hn::Mul(value, log2_scale), hn::Set(d, 127.0F)));
    } else {
      value = hn::Mul(value, scale);
    }
    hn::Store(value, d, scores + key);
  }
}

HWY_INLINE void keepFirst(TileReport& report, std::size_t query, std::size_t key) {
  const auto q = static_cast<std::ptrdiff_t>(query);
  const auto k = static_cast<std::ptrdiff_t>(key);
  if (report.ok() || q < report.bad_query || (q == report.bad_query && k < report.bad_key)) {
    report = {q, k};
  }
}

HWY_INLINE void tileStrip(const TileBlock& block, const Strip& strip, float* scores, TileReport& report) {
  for (std::size_t panel = block.key_begin; panel < block.key_end; panel += kPanelKeys) {
    const PanelVisibility seen = panelVisibility(block, strip, panel);
    if (seen == PanelVisibility::kFuture) {
      break;
    }
    if (seen == PanelVisibility::kExpired) {
      continue;
    }
    scorePanel(block, strip, panel, scores);
    for (std::size_t r = 0; r < strip.rows; ++r) {
      Visible visible(block, strip.row + r, panel);
      visible.end = std::min(visible.end, block.key_end - panel);
      if (visible.begin >= visible.end) {
        continue;
      }
      float* const row = scores + r * kPanelKeys;
      if (!visibleAreFinite(row, visible)) {
        keepFirst(report, strip.row + r, panel + firstBad(row, visible));
      }
      convertRow(block, strip.row + r - block.query_begin, row);
      std::copy(row + visible.begin, row + visible.end,
                block.output + (strip.row + r - block.query_begin) * block.stride + (panel - block.key_begin) +
                    visible.begin);
    }
  }
}

TileReport tileBlock(const TileBlock& block) {
  HWY_ALIGN float scores[kStripRows * kPanelKeys];
  TileReport report;
  for (std::size_t row = block.rowBegin(); row < block.rowEnd(); row += kStripRows) {
    tileStrip(block, Strip(block, row), scores, report);
  }
  return report;
}

}  // namespace HWY_NAMESPACE
}  // namespace kvatlas::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/parallel.h"

namespace kvatlas::kernels {

HWY_EXPORT(tileBlock);

namespace {

std::size_t length(TokenRange range) {
  return range.end - range.begin;
}

// lse / scale of every row as the sum of two floats. Returns the first non-finite row, or the number of rows.
std::size_t splitOffsets(const TileShape& shape, const float* lse, std::vector<float>& high, std::vector<float>& low) {
  for (std::size_t row = 0; row < high.size(); ++row) {
    const double offset = static_cast<double>(lse[row]) / static_cast<double>(shape.scale);
    if (!(std::abs(offset) <= static_cast<double>(std::numeric_limits<float>::max()))) {
      return row;
    }
    high[row] = static_cast<float>(offset);
    low[row] = static_cast<float>(offset - static_cast<double>(high[row]));
  }
  return high.size();
}

TileReport firstOf(const std::vector<TileReport>& reports) {
  TileReport first;
  for (const TileReport& report : reports) {
    const bool earlier =
        report.bad_query < first.bad_query || (report.bad_query == first.bad_query && report.bad_key < first.bad_key);
    if (!report.ok() && (first.ok() || earlier)) {
      first = report;
    }
  }
  return first;
}

}  // namespace

TileReport attentionTile(const TileShape& shape, const TileInput& input, TileValue value, float* output,
                         unsigned threads) {
  checkTile(shape, input, value, output);
  const std::size_t rows = length(shape.queries);
  const std::size_t keys = length(shape.keys);
  std::vector<float> high(value == TileValue::kLogit ? 0 : rows);
  std::vector<float> low(high.size());
  const std::size_t finite_rows = splitOffsets(shape, input.lse, high, low);
  std::vector<TileReport> reports((keys + kMostBlockKeys - 1) / kMostBlockKeys + 1);
  if (finite_rows < high.size()) {
    reports.back() = {static_cast<std::ptrdiff_t>(shape.queries.begin + finite_rows), -1};
  }
  parallelFor(reports.size() - 1, threads, [&](std::size_t index, unsigned) {
    const std::size_t begin = index * kMostBlockKeys;
    const std::size_t end = std::min(keys, begin + kMostBlockKeys);
    for (std::size_t row = 0; row < rows; ++row) {
      std::fill(output + row * keys + begin, output + row * keys + end, kMaskedCell);
    }
    PackedKeys packed(end - begin, shape.head_dim);
    packed.pack(input.key, begin, end);
    TileBlock block;
    block.query = input.query;
    block.query_begin = shape.queries.begin;
    block.packed = &packed;
    block.key_begin = shape.keys.begin + begin;
    block.key_end = shape.keys.begin + end;
    block.tokens = shape.queries.end;
    block.head_dim = shape.head_dim;
    block.sliding_window = shape.sliding_window;
    block.scale = shape.scale;
    block.log2_scale = static_cast<float>(static_cast<double>(shape.scale) * std::numbers::log2e);
    block.value = value;
    block.offset_high = high.data();
    block.offset_low = low.data();
    block.output = output + begin;
    block.stride = keys;
    reports[index] = HWY_DYNAMIC_DISPATCH(tileBlock)(block);
  });
  return firstOf(reports);
}

}  // namespace kvatlas::kernels
#endif
