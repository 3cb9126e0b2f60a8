// First sweep of the probe: each row's largest logit and sum of exponentials.
#include "kernels/blocks/probe_block.h"
#include "kernels/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/blocks/probe_normaliser.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <limits>

#include "kernels/blocks/exp2-inl.h"
#include "kernels/blocks/score_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kvatlas::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Running largest logit and sum per lane and strip row; lanes are merged once per block.
struct LaneState {
  HWY_ALIGN float top[kStripRows][kLanes];
  HWY_ALIGN float sum[kStripRows][kLanes];
  LaneState() {
    for (std::size_t r = 0; r < kStripRows; ++r) {
      std::fill_n(top[r], kLanes, std::numeric_limits<float>::lowest());
      std::fill_n(sum[r], kLanes, 0.0F);
    }
  }
};

template <bool kMasked>
HWY_INLINE void addPanelRow(const float* scores, const Visible& visible, float log2_scale, float* lane_top,
                            float* lane_sum) {
  const F32 d;
  const Vec32 lowest = hn::Set(d, std::numeric_limits<float>::lowest());
  const Vec32 scale = hn::Set(d, log2_scale);
  const Vec32 old_top = hn::Load(d, lane_top);
  Vec32 top = old_top;
  for (std::size_t key = 0; key < kPanelKeys; key += kLanes) {
    Vec32 score = hn::Load(d, scores + key);
    if constexpr (kMasked) {
      score = hn::IfThenElse(visible.mask(key), score, lowest);
    }
    top = hn::Max(top, score);
  }
  Vec32 sum = hn::Mul(hn::Load(d, lane_sum), exp2OrZero(d, hn::Mul(hn::Sub(old_top, top), scale)));
  for (std::size_t key = 0; key < kPanelKeys; key += kLanes) {
    Vec32 y = hn::Mul(hn::Sub(hn::Load(d, scores + key), top), scale);
    if constexpr (kMasked) {
      y = hn::IfThenElse(visible.mask(key), y, hn::Set(d, -127.0F));
    }
    sum = hn::Add(sum, exp2OrZero(d, y));
  }
  hn::Store(top, d, lane_top);
  hn::Store(sum, d, lane_sum);
}

HWY_INLINE void mergeRow(const NormaliserBlock& block, std::size_t row, const float* lane_top, const float* lane_sum) {
  const F32 d;
  const Vec32 lanes = hn::Load(d, lane_top);
  const Vec32 top_lanes = hn::MaxOfLanes(d, lanes);
  const Vec32 weight = exp2OrZero(d, hn::Mul(hn::Sub(lanes, top_lanes), hn::Set(d, block.log2_scale)));
  const float sum = hn::GetLane(hn::SumOfLanes(d, hn::Mul(weight, hn::Load(d, lane_sum))));
  const float top = hn::GetLane(top_lanes);
  if (sum <= 0) {
    return;  // the row sees no key of this block
  }
  if (block.sum[row] <= 0) {
    block.top[row] = top;
    block.sum[row] = sum;
  } else if (top <= block.top[row]) {
    block.sum[row] += sum * std::exp2((top - block.top[row]) * block.log2_scale);
  } else {
    block.sum[row] = block.sum[row] * std::exp2((block.top[row] - top) * block.log2_scale) + sum;
    block.top[row] = top;
  }
}

HWY_INLINE void addStrip(const NormaliserBlock& block, const Strip& strip, float* scores) {
  LaneState state;
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
      const Visible visible(block, strip.row + r, panel);
      const float* row = scores + r * kPanelKeys;
      if (seen == PanelVisibility::kAll) {
        addPanelRow<false>(row, visible, block.log2_scale, state.top[r], state.sum[r]);
      } else {
        addPanelRow<true>(row, visible, block.log2_scale, state.top[r], state.sum[r]);
      }
    }
  }
  for (std::size_t r = 0; r < strip.rows; ++r) {
    mergeRow(block, strip.row + r - block.query_begin, state.top[r], state.sum[r]);
  }
}

void normaliserBlock(const NormaliserBlock& block) {
  HWY_ALIGN float scores[kStripRows * kPanelKeys];
  for (std::size_t row = block.rowBegin(); row < block.rowEnd(); row += kStripRows) {
    addStrip(block, Strip(block, row), scores);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kvatlas::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kvatlas::kernels {
HWY_EXPORT(normaliserBlock);
void addNormaliserBlock(const NormaliserBlock& block) {
  HWY_DYNAMIC_DISPATCH(normaliserBlock)(block);
}
}  // namespace kvatlas::kernels
#endif
