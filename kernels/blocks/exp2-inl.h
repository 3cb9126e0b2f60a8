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

#undef KVATLAS_EXP2_SCALEF
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
#define KVATLAS_EXP2_SCALEF 1
// 2^x = 2^⌊x⌋ · 2^r: AVX-512 splits x and scales by a power of two in one instruction each. Degree-5 minimax polynomial
// on [0, 1) that is exactly 1 at 0: relative error 8.3e-8 before rounding.
HWY_INLINE __m512 exp2OfWide(__m512 x) {
  const __mmask16 normal = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-127.0F), _CMP_NLE_UQ);
  const __m512 r = _mm512_reduce_ps(x, 0x01);  // x − ⌊x⌋
  __m512 p = _mm512_fmadd_ps(r, _mm512_set1_ps(1.8671300698700028e-3F), _mm512_set1_ps(9.017030322456685e-3F));
  p = _mm512_fmadd_ps(r, p, _mm512_set1_ps(5.5799913103729780e-2F));
  p = _mm512_fmadd_ps(r, p, _mm512_set1_ps(2.4016445015508958e-1F));
  p = _mm512_fmadd_ps(r, p, _mm512_set1_ps(6.931513118046020e-1F));
  p = _mm512_fmadd_ps(r, p, _mm512_set1_ps(1.0F));
  return _mm512_maskz_scalef_ps(normal, p, x);
}
#endif

// For x ≤ 127: relative error < 2e-7 down to 2^-126, exactly 0 for x ≤ -127: values masked to -127 contribute
// nothing. Degree-5 minimax polynomial on [-1/2, 1/2]; its constant term is exactly 1, which the exact 0 requires. NaN
// stays NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2OrZero(D d, V x) {
#ifdef KVATLAS_EXP2_SCALEF
  if constexpr (hn::MaxLanes(D()) == 16) {
    return V{exp2OfWide(x.raw)};
  }
#endif
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
