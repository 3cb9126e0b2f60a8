#include "kernels/decoder_rows.h"

#include "kernels/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/decoder_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <numbers>
#include <type_traits>

#include "kernels/blocks/exp2-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kvatlas::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::CappedTag<float, 16>;
using One = hn::CappedTag<float, 1>;

// How a type is read into and written from vectors of f32; `round` is the value that a store would keep.
template <class Element>
struct Format;

template <>
struct Format<float> {
  template <class D>
  static HWY_INLINE hn::Vec<D> load(D d, const float* at) {
    return hn::LoadU(d, at);
  }
  template <class D>
  static HWY_INLINE void store(D d, hn::Vec<D> value, float* at) {
    hn::StoreU(value, d, at);
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> round(D, hn::Vec<D> value) {
    return value;
  }
};

template <>
struct Format<std::uint16_t> {
  template <class D>
  static HWY_INLINE hn::Vec<D> load(D d, const std::uint16_t* at) {
    const hn::RebindToUnsigned<D> words;
    const hn::Rebind<std::uint16_t, D> halves;
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(words, hn::LoadU(halves, at))));
  }
  template <class D>
  static HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> roundedBits(D, hn::Vec<D> value) {
    const hn::RebindToUnsigned<D> words;
    const auto bits = hn::BitCast(words, value);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(words, 1U));
    return hn::Add(hn::Add(bits, hn::Set(words, 0x7fffU)), odd);
  }
  template <class D>
  static HWY_INLINE void store(D d, hn::Vec<D> value, std::uint16_t* at) {
    const hn::RebindToSigned<D> words;
    const hn::Rebind<std::uint16_t, D> halves;
    hn::StoreU(hn::DemoteTo(halves, hn::BitCast(words, hn::ShiftRight<16>(roundedBits(d, value)))), halves, at);
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> round(D d, hn::Vec<D> value) {
    const hn::RebindToUnsigned<D> words;
    return hn::BitCast(d, hn::And(roundedBits(d, value), hn::Set(words, 0xffff0000U)));
  }
};

// step(tag, index) over `width` columns: whole vectors, then single columns.
template <class Step>
HWY_INLINE void forColumns(std::size_t width, const Step& step) {
  const Wide wide;
  std::size_t i = 0;
  for (; i + hn::Lanes(wide) <= width; i += hn::Lanes(wide)) {
    step(wide, i);
  }
  for (; i < width; ++i) {
    step(One(), i);
  }
}

// Σ x² over a row in f32: one partial sum per lane.
template <class Load>
HWY_INLINE float sumOfSquares(std::size_t width, const Load& load) {
  const Wide wide;
  hn::Vec<Wide> sum = hn::Zero(wide);
  float tail = 0;
  forColumns(width, [&](auto d, std::size_t i) {
    const auto x = load(d, i);
    if constexpr (hn::MaxLanes(d) == hn::MaxLanes(Wide())) {
      sum = hn::MulAdd(x, x, sum);
    } else {
      const float value = hn::GetLane(x);
      tail += value * value;
    }
  });
  return hn::GetLane(hn::SumOfLanes(wide, sum)) + tail;
}

template <class E>
HWY_INLINE void normRow(std::size_t width, const E* in, const E* weight, float eps, E* out) {
  const float squares = sumOfSquares(width, [&](auto d, std::size_t i) { return Format<E>::load(d, in + i); });
  const float factor = 1.0F / std::sqrt(squares / static_cast<float>(width) + eps);
  forColumns(width, [&](auto d, std::size_t i) {
    const auto scaled = Format<E>::round(d, hn::Mul(Format<E>::load(d, in + i), hn::Set(d, factor)));
    Format<E>::store(d, hn::Mul(Format<E>::load(d, weight + i), scaled), out + i);
  });
}

template <class E>
HWY_INLINE void addRow(std::size_t width, E* residual, const E* delta) {
  forColumns(width, [&](auto d, std::size_t i) {
    Format<E>::store(d, hn::Add(Format<E>::load(d, residual + i), Format<E>::load(d, delta + i)), residual + i);
  });
}

template <class E>
HWY_INLINE void gateRow(std::size_t width, const E* gate, const E* up, E* out) {
  forColumns(width, [&](auto d, std::size_t i) {
    const auto x = Format<E>::load(d, gate + i);
    // From 2^127 on the quotient is 0 anyway.
    const auto y = hn::Min(hn::Mul(x, hn::Set(d, -std::numbers::log2e_v<float>)), hn::Set(d, 126.0F));
    const auto active = Format<E>::round(d, hn::Div(x, hn::Add(hn::Set(d, 1.0F), exp2OrZero(d, y))));
    Format<E>::store(d, hn::Mul(active, Format<E>::load(d, up + i)), out + i);
  });
}

template <class E>
HWY_INLINE void rotateHead(std::size_t half, const E* in, const E* cosine, const E* sine, E* out) {
  forColumns(half, [&](auto d, std::size_t i) {
    const auto a = Format<E>::load(d, in + i);
    const auto b = Format<E>::load(d, in + half + i);
    const auto c = Format<E>::load(d, cosine + i);
    const auto s = Format<E>::load(d, sine + i);
    const auto product = [&](auto x, auto y) { return Format<E>::round(d, hn::Mul(x, y)); };
    Format<E>::store(d, hn::Sub(product(a, c), product(b, s)), out + i);
    Format<E>::store(d, hn::Add(product(b, c), product(a, s)), out + half + i);
  });
}

template <class E>
const E* read(FloatArray array) {
  if constexpr (std::is_same_v<E, float>) {
    return array.f32();
  } else {
    return array.bf16();
  }
}
template <class E>
E* write(const Rows& rows) {
  if constexpr (std::is_same_v<E, float>) {
    return rows.f32;
  } else {
    return rows.bf16;
  }
}

template <class E>
void normAll(const RowShape& shape, const ConstRows& in, FloatArray weight, float eps, const Rows& out) {
  for (std::size_t r = 0; r < shape.count; ++r) {
    normRow(shape.width, read<E>(in.data) + r * in.stride, read<E>(weight), eps, write<E>(out) + r * out.stride);
  }
}

template <class E>
void addAndNormAll(const RowShape& shape, const Rows& residual, const ConstRows& delta, FloatArray weight, float eps,
                   const Rows& out) {
  for (std::size_t r = 0; r < shape.count; ++r) {
    E* const row = write<E>(residual) + r * residual.stride;
    addRow(shape.width, row, read<E>(delta.data) + r * delta.stride);
    normRow<E>(shape.width, row, read<E>(weight), eps, write<E>(out) + r * out.stride);
  }
}

template <class E>
void addAll(const RowShape& shape, const Rows& residual, const ConstRows& delta) {
  for (std::size_t r = 0; r < shape.count; ++r) {
    addRow(shape.width, write<E>(residual) + r * residual.stride, read<E>(delta.data) + r * delta.stride);
  }
}

template <class E>
void gateAll(const RowShape& shape, const ConstRows& gate, const ConstRows& up, const Rows& out) {
  for (std::size_t r = 0; r < shape.count; ++r) {
    gateRow(shape.width, read<E>(gate.data) + r * gate.stride, read<E>(up.data) + r * up.stride,
            write<E>(out) + r * out.stride);
  }
}

template <class E>
void rotateAll(const Rotation& rotation) {
  const std::size_t half = rotation.head_dim / 2;
  for (std::size_t token = 0; token < rotation.count; ++token) {
    for (std::size_t head = 0; head < rotation.heads; ++head) {
      rotateHead(half, read<E>(rotation.in.data) + token * rotation.in.stride + head * rotation.head_dim,
                 read<E>(rotation.cosine) + token * half, read<E>(rotation.sine) + token * half,
                 write<E>(rotation.out) + token * rotation.out.stride + head * rotation.head_stride);
    }
  }
}

void norm(const RowShape& shape, const ConstRows& in, FloatArray weight, float eps, const Rows& out) {
  out.f32 != nullptr ? normAll<float>(shape, in, weight, eps, out)
                     : normAll<std::uint16_t>(shape, in, weight, eps, out);
}
void addAndNorm(const RowShape& shape, const Rows& residual, const ConstRows& delta, FloatArray weight, float eps,
                const Rows& out) {
  out.f32 != nullptr ? addAndNormAll<float>(shape, residual, delta, weight, eps, out)
                     : addAndNormAll<std::uint16_t>(shape, residual, delta, weight, eps, out);
}
void add(const RowShape& shape, const Rows& residual, const ConstRows& delta) {
  residual.f32 != nullptr ? addAll<float>(shape, residual, delta) : addAll<std::uint16_t>(shape, residual, delta);
}
void gate(const RowShape& shape, const ConstRows& gates, const ConstRows& up, const Rows& out) {
  out.f32 != nullptr ? gateAll<float>(shape, gates, up, out) : gateAll<std::uint16_t>(shape, gates, up, out);
}
void rotate(const Rotation& rotation) {
  rotation.out.f32 != nullptr ? rotateAll<float>(rotation) : rotateAll<std::uint16_t>(rotation);
}

}  // namespace HWY_NAMESPACE
}  // namespace kvatlas::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kvatlas::kernels {
HWY_EXPORT(norm);
HWY_EXPORT(addAndNorm);
HWY_EXPORT(add);
HWY_EXPORT(gate);
HWY_EXPORT(rotate);

void normRows(const RowShape& shape, const ConstRows& in, FloatArray weight, float eps, const Rows& out) {
  HWY_DYNAMIC_DISPATCH(norm)(shape, in, weight, eps, out);
}
void addAndNormRows(const RowShape& shape, const Rows& residual, const ConstRows& delta, FloatArray weight, float eps,
                    const Rows& out) {
  HWY_DYNAMIC_DISPATCH(addAndNorm)(shape, residual, delta, weight, eps, out);
}
void addRows(const RowShape& shape, const Rows& residual, const ConstRows& delta) {
  HWY_DYNAMIC_DISPATCH(add)(shape, residual, delta);
}
void gateRows(const RowShape& shape, const ConstRows& gate, const ConstRows& up, const Rows& out) {
  HWY_DYNAMIC_DISPATCH(gate)(shape, gate, up, out);
}
void rotateRows(const Rotation& rotation) {
  HWY_DYNAMIC_DISPATCH(rotate)(rotation);
}
}  // namespace kvatlas::kernels
#endif
