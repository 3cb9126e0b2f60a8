#include "kernels/log2_codec.h"

#include "kernels/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/log2_codec.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace kvatlas::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Codes per octave: 65534/32, a multiple of 1/16, so that whole octaves are exact in float.
constexpr float kCodesPerOctave = 2047.9375F;

// log₂(1 + t) for t in [√½ − 1, √2 − 1), absolute error 5e-8.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V log2OnePlus(D d, V t) {
  V p = hn::MulAdd(t, hn::Set(d, -0.1457458883523941F), hn::Set(d, 0.23689275979995728F));
  p = hn::MulAdd(t, p, hn::Set(d, -0.2500695586204529F));
  p = hn::MulAdd(t, p, hn::Set(d, 0.28670716285705566F));
  p = hn::MulAdd(t, p, hn::Set(d, -0.36008715629577637F));
  p = hn::MulAdd(t, p, hn::Set(d, 0.48093944787979126F));
  p = hn::MulAdd(t, p, hn::Set(d, -0.7213571667671204F));
  p = hn::MulAdd(t, p, hn::Set(d, 1.4426947832107544F));
  return hn::Mul(p, t);
}

// Writes the codes of one vector. True where a lane is so close to a rounding boundary that it needs double
// precision.
template <class D>
HWY_INLINE bool encodeVector(D d, const float* probability, std::uint16_t* code) {
  const hn::RebindToSigned<D> di;
  const hn::Rebind<std::uint16_t, D> du16;
  const auto p = hn::LoadU(d, probability);
  const auto bits = hn::BitCast(di, p);
  const auto exponent = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(di, 0x3f3504f3)));  // bits of √½
  const auto mantissa = hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(exponent)));
  const auto octaves = hn::ConvertTo(d, hn::Add(exponent, hn::Set(di, 32)));
  const auto base = hn::Mul(octaves, hn::Set(d, kCodesPerOctave));
  const auto whole = hn::Floor(base);
  const auto rest = hn::MulAdd(log2OnePlus(d, hn::Sub(mantissa, hn::Set(d, 1.0F))), hn::Set(d, kCodesPerOctave),
                               hn::Sub(base, whole));
  const auto up = hn::Add(rest, hn::Set(d, 0.5F));
  auto value = hn::Add(hn::Add(whole, hn::Floor(up)), hn::Set(d, 1.0F));
  value = hn::Min(hn::Max(value, hn::Set(d, 1.0F)), hn::Set(d, 65535.0F));
  const auto positive = hn::Gt(p, hn::Zero(d));
  value = hn::IfThenElseZero(positive, value);
  hn::StoreU(hn::DemoteTo(du16, hn::ConvertTo(di, value)), du16, code);
  const auto distance = hn::Abs(hn::Sub(up, hn::Round(up)));
  return !hn::AllFalse(d, hn::And(positive, hn::Lt(distance, hn::Set(d, 2e-3F))));
}

void encodeLog2Array(const float* probability, std::uint16_t* code, std::size_t count) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    if (encodeVector(d, probability + i, code + i)) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        code[i + lane] = encodeLog2(static_cast<double>(probability[i + lane]));
      }
    }
  }
  for (; i < count; ++i) {
    code[i] = encodeLog2(static_cast<double>(probability[i]));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kvatlas::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <cmath>
#include <vector>

namespace kvatlas::kernels {

HWY_EXPORT(encodeLog2Array);

namespace {

const std::vector<float>& decodedCodes() {
  static const std::vector<float> table = [] {
    std::vector<float> values(65536);
    for (std::size_t code = 0; code < values.size(); ++code) {
      values[code] = static_cast<float>(decodeLog2(static_cast<std::uint16_t>(code)));
    }
    return values;
  }();
  return table;
}

}  // namespace

std::uint16_t encodeLog2(double probability) {
  if (!(probability > 0)) {
    return 0;
  }
  const double code = 1 + std::round((std::log2(probability) + 32) / 32 * 65534);
  return static_cast<std::uint16_t>(std::clamp(code, 1.0, 65535.0));
}

double decodeLog2(std::uint16_t code) {
  return code == 0 ? 0.0 : std::exp2((static_cast<double>(code) - 1) / 65534 * 32 - 32);
}

void encodeLog2(const float* probability, std::uint16_t* code, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(encodeLog2Array)(probability, code, count);
}

void decodeLog2(const std::uint16_t* code, float* probability, std::size_t count) {
  const std::vector<float>& values = decodedCodes();
  for (std::size_t i = 0; i < count; ++i) {
    probability[i] = values[code[i]];
  }
}

}  // namespace kvatlas::kernels
#endif
