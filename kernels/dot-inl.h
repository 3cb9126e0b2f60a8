// Dot products of rows of floats in Highway vectors, shared by kernels that read long rows; included once per SIMD
// target.
#if defined(KVATLAS_KERNELS_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KVATLAS_KERNELS_DOT_INL_H_
#undef KVATLAS_KERNELS_DOT_INL_H_
#else
#define KVATLAS_KERNELS_DOT_INL_H_
#endif

#include <hwy/highway.h>
#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace kvatlas::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::CappedTag<float, 16>;
using Vec32 = hn::Vec<F32>;
constexpr std::size_t kLanes = HWY_MIN(16, HWY_LANES(float));

HWY_INLINE float dot(const float* a, const float* b, std::size_t count) {
  const F32 d;
  Vec32 sum0 = hn::Zero(d);
  Vec32 sum1 = hn::Zero(d);
  std::size_t k = 0;
  for (; k + 2 * kLanes <= count; k += 2 * kLanes) {
    sum0 = hn::MulAdd(hn::LoadU(d, a + k), hn::LoadU(d, b + k), sum0);
    sum1 = hn::MulAdd(hn::LoadU(d, a + k + kLanes), hn::LoadU(d, b + k + kLanes), sum1);
  }
  for (; k + kLanes <= count; k += kLanes) {
    sum0 = hn::MulAdd(hn::LoadU(d, a + k), hn::LoadU(d, b + k), sum0);
  }
  float tail = 0;
  for (; k < count; ++k) {
    tail += a[k] * b[k];
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1))) + tail;
}

#if HWY_TARGET != HWY_SCALAR
// Adds up the blocks of four lanes.
template <class D>
HWY_INLINE hn::Vec<hn::CappedTag<float, 4>> sumOfBlocks(D d, hn::Vec<D> blocks) {
  if constexpr (hn::MaxLanes(D()) <= 4) {
    (void)d;
    return blocks;
  } else {
    const hn::Half<D> half;
    return sumOfBlocks(half, hn::Add(hn::LowerHalf(half, blocks), hn::UpperHalf(half, blocks)));
  }
}

// The lane sums of four vectors, as a vector of four.
HWY_INLINE hn::Vec<hn::CappedTag<float, 4>> sumsOfFour(Vec32 s0, Vec32 s1, Vec32 s2, Vec32 s3) {
  const F32 d;
  const hn::Repartition<double, F32> pairs;
  const Vec32 s01 = hn::Add(hn::InterleaveLower(d, s0, s1), hn::InterleaveUpper(d, s0, s1));
  const Vec32 s23 = hn::Add(hn::InterleaveLower(d, s2, s3), hn::InterleaveUpper(d, s2, s3));
  const auto p01 = hn::BitCast(pairs, s01);
  const auto p23 = hn::BitCast(pairs, s23);
  const Vec32 blocks = hn::Add(hn::BitCast(d, hn::InterleaveLower(pairs, p01, p23)),
                               hn::BitCast(d, hn::InterleaveUpper(pairs, p01, p23)));
  return sumOfBlocks(d, blocks);
}

// Four keys against one query: loads the query once and sums the lanes together.
HWY_INLINE void dotFour(const float* query, const float* key, std::size_t count, float* logits) {
  const F32 d;
  Vec32 s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  std::size_t k = 0;
  for (; k + kLanes <= count; k += kLanes) {
    const Vec32 q = hn::LoadU(d, query + k);
    s0 = hn::MulAdd(q, hn::LoadU(d, key + k), s0);
    s1 = hn::MulAdd(q, hn::LoadU(d, key + count + k), s1);
    s2 = hn::MulAdd(q, hn::LoadU(d, key + 2 * count + k), s2);
    s3 = hn::MulAdd(q, hn::LoadU(d, key + 3 * count + k), s3);
  }
  hn::StoreU(sumsOfFour(s0, s1, s2, s3), hn::CappedTag<float, 4>(), logits);
  for (; k < count; ++k) {
    for (std::size_t j = 0; j < 4; ++j) {
      logits[j] += query[k] * key[j * count + k];
    }
  }
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace kvatlas::kernels
HWY_AFTER_NAMESPACE();

#endif  // KVATLAS_KERNELS_DOT_INL_H_
