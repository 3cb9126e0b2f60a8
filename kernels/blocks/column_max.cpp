// The largest normalised logit of every key of a block, over a range of rows.
#include "kernels/blocks/probe_block.h"
#include "kernels/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/blocks/column_max.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <limits>

#include "kernels/blocks/score_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kvatlas::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <bool kMasked>
HWY_INLINE void raisePanel(const float* scores, const Visible& visible, float log2_scale, float log2_lse, float* most) {
  const F32 d;
  const Vec32 scale = hn::Set(d, log2_scale), lse = hn::Set(d, log2_lse);
  for (std::size_t key = 0; key < kPanelKeys; key += kLanes) {
    const Vec32 old = hn::Load(d, most + key);
    const Vec32 larger = hn::Max(old, hn::MulSub(hn::Load(d, scores + key), scale, lse));
    if constexpr (kMasked) {
      hn::Store(hn::IfThenElse(visible.mask(key), larger, old), d, most + key);
    } else {
      hn::Store(larger, d, most + key);
    }
  }
}

void maximumBlock(const MaximumBlock& block) {
  HWY_ALIGN float scores[kStripRows * kPanelKeys];
  for (std::size_t row = block.rowBegin(); row < block.rowEnd(); row += kStripRows) {
    const Strip strip(block, row);
    for (std::size_t panel = block.key_begin; panel < block.key_end; panel += kPanelKeys) {
      const PanelVisibility seen = panelVisibility(block, strip, panel);
      if (seen == PanelVisibility::kFuture || seen == PanelVisibility::kExpired) {
        continue;
      }
      scorePanel(block, strip, panel, scores);
      float* const most = block.most + (panel - block.key_begin);
      for (std::size_t r = 0; r < strip.rows; ++r) {
        const Visible visible(block, row + r, panel);
        const float lse = block.log2_lse[row + r - block.query_begin];
        if (seen == PanelVisibility::kAll) {
          raisePanel<false>(scores + r * kPanelKeys, visible, block.log2_scale, lse, most);
        } else {
          raisePanel<true>(scores + r * kPanelKeys, visible, block.log2_scale, lse, most);
        }
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kvatlas::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kvatlas::kernels {
HWY_EXPORT(maximumBlock);
void addMaximumBlock(const MaximumBlock& block) {
  HWY_DYNAMIC_DISPATCH(maximumBlock)(block);
}
}  // namespace kvatlas::kernels
#endif
