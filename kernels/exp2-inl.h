// 2^x in Highway vectors, shared by the probe and the decode kernel; included once per SIMD target.
#if defined(KVATLAS_KERNELS_EXP2_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KVATLAS_KERNELS_EXP2_INL_H_
#undef KVATLAS_KERNELS_EXP2_INL_H_
#else
#define KVATLAS_KERNELS_EXP2_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace kvatlas::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// For x ≤ 127: relative error < 2e-7 down to 2^-126, exactly 0 for x ≤ -127: values masked to -127 contribute
// nothing. Degree-5 minimax polynomial on [-1/2, 1/2]; its constant term is exactly 1, which the exact 0 requires. NaN
// stays NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2OrZero(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V magic = hn::Set(d, 12582912.0F);  // 1.5 · 2^23: adding it rounds to an integer in the low mantissa bits
  x = hn::Max(hn::Set(d, -127.0F), x);
  const V shifted = hn::Add(x, magic);
  const V r = hn::Sub(x, hn::Sub(shifted, magic));
  V p = hn::MulAdd(r, hn::Set(d, 1.326472731307149e-3F), hn::Set(d, 9.671512991189957e-3F));
  p = hn::MulAdd(r, p, hn::Set(d, 5.550733581185341e-2F));
  p = hn::MulAdd(r, p, hn::Set(d, 2.4022242426872253e-1F));
  p = hn::MulAdd(r, p, hn::Set(d, 6.931470036506653e-1F));
  p = hn::MulAdd(r, p, hn::Set(d, 1.0F));
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(di, shifted));
  return hn::BitCast(d, hn::Add(hn::BitCast(di, p), exponent));
}

}  // namespace HWY_NAMESPACE
}  // namespace kvatlas::kernels
HWY_AFTER_NAMESPACE();

#endif
