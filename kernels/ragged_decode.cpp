#include "kernels/ragged_decode.h"

#include "kernels/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/ragged_decode.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/blocks/exp2-inl.h"
#include "kernels/dot-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kvatlas::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kChunk = 64;  // keys whose logits are buffered and exponentiated together

HWY_INLINE void chunkLogits(const float* query, const float* key, std::size_t keys, std::size_t count, float* logits) {
  std::size_t j = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; j + 4 <= keys; j += 4) {
    dotFour(query, key + j * count, count, logits + j);
  }
#endif
  for (; j < keys; ++j) {
    logits[j] = dot(query, key + j * count, count);
  }
}

// target[0 … kVectors · kLanes) = Σ_j weight[j] · value[j, …]; sums even and odd rows separately so that additions
template <std::size_t kVectors>
HWY_INLINE void weightedColumns(const float* weight, const float* value, std::size_t rows, std::size_t stride,
                                float* target) {
  const F32 d;
  Vec32 sum[2][kVectors];
  for (auto& half : sum) {
    for (auto& vector : half) {
      vector = hn::Zero(d);
    }
  }
  for (std::size_t j = 0; j < rows; j += 2) {
    const std::size_t odd = j + 1 < rows ? 1 : 0;
    const Vec32 p0 = hn::Set(d, weight[j]);
    const Vec32 p1 = hn::Set(d, odd == 1 ? weight[j + 1] : 0.0F);
    for (std::size_t v = 0; v < kVectors; ++v) {
      sum[0][v] = hn::MulAdd(p0, hn::LoadU(d, value + j * stride + v * kLanes), sum[0][v]);
      sum[1][v] = hn::MulAdd(p1, hn::LoadU(d, value + (j + odd) * stride + v * kLanes), sum[1][v]);
    }
  }
  for (std::size_t v = 0; v < kVectors; ++v) {
    hn::StoreU(hn::Add(sum[0][v], sum[1][v]), d, target + v * kLanes);
  }
}

// target[k] = Σ_j weight[j] · value[j, k]
HWY_INLINE void weightedRows(const float* weight, const float* value, std::size_t rows, std::size_t count,
                             float* target) {
  std::size_t k = 0;
  for (; k + 4 * kLanes <= count; k += 4 * kLanes) {
    weightedColumns<4>(weight, value + k, rows, count, target + k);
  }
  for (; k + kLanes <= count; k += kLanes) {
    weightedColumns<1>(weight, value + k, rows, count, target + k);
  }
  for (; k < count; ++k) {
    float sum = 0;
    for (std::size_t j = 0; j < rows; ++j) {
      sum += weight[j] * value[j * count + k];
    }
    target[k] = sum;
  }
}

// In place: exponent y = (logit − top) · log2_scale → 2^y. Rounds up to whole vectors, for which the chunk has room.
HWY_INLINE void exponentiate(float* logits, std::size_t count, float top, float log2_scale) {
  const F32 d;
  for (std::size_t j = 0; j < count; j += kLanes) {
    const Vec32 y = hn::Mul(hn::Sub(hn::Load(d, logits + j), hn::Set(d, top)), hn::Set(d, log2_scale));
    hn::Store(exp2OrZero(d, y), d, logits + j);
  }
}

// NaN or Inf times zero is NaN, every other number times zero is zero.
HWY_INLINE bool allFinite(const float* values, std::size_t count) {
  const F32 d;
  Vec32 zeros = hn::Zero(d);
  std::size_t j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    zeros = hn::MulAdd(hn::Load(d, values + j), hn::Zero(d), zeros);
  }
  bool finite = hn::AllTrue(d, hn::Eq(zeros, hn::Zero(d)));
  for (; j < count; ++j) {
    finite = finite && std::isfinite(values[j]);
  }
  return finite;
}

// Of finite values; at least `least`.
HWY_INLINE float largest(const float* values, std::size_t count, float least) {
  const F32 d;
  Vec32 top = hn::Set(d, least);
  std::size_t j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    top = hn::Max(top, hn::Load(d, values + j));
  }
  float result = hn::GetLane(hn::MaxOfLanes(d, top));
  for (; j < count; ++j) {
    result = std::max(result, values[j]);
  }
  return result;
}

// Of one chunk: values between 0 and 1, few enough for float.
HWY_INLINE float sumOf(const float* values, std::size_t count) {
  const F32 d;
  Vec32 sum = hn::Zero(d);
  std::size_t j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    sum = hn::Add(sum, hn::Load(d, values + j));
  }
  float result = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; j < count; ++j) {
    result += values[j];
  }
  return result;
}

// Softmax-weighted sum of one query row, chunk by chunk; sums over chunks are double.
class DecodeRow {
 public:
  DecodeRow(std::size_t head_dim, float log2_scale)
      : m_head_dim(head_dim), m_log2_scale(log2_scale), m_output(head_dim), m_chunk_output(head_dim) {}

  void addChunk(float* logits, std::size_t count, const float* value) {
    m_finite = m_finite && allFinite(logits, count);
    const float top = largest(logits, count, m_top);
    rescale(top);
    exponentiate(logits, count, top, m_log2_scale);
    m_sum += static_cast<double>(sumOf(logits, count));
    weightedRows(logits, value, count, m_head_dim, m_chunk_output.data());
    for (std::size_t k = 0; k < m_head_dim; ++k) {
      m_output[k] += static_cast<double>(m_chunk_output[k]);
    }
  }

  void write(float* output) const {
    for (std::size_t k = 0; k < m_head_dim; ++k) {
      output[k] = m_finite ? static_cast<float>(m_output[k] / m_sum) : std::numeric_limits<float>::quiet_NaN();
    }
  }

  // logits → probabilities, in place
  void normalise(float* logits, std::size_t count) const {
    const auto inverse = m_finite ? static_cast<float>(1 / m_sum) : std::numeric_limits<float>::quiet_NaN();
    HWY_ALIGN float chunk[kChunk] = {};
    for (std::size_t j = 0; j < count; j += kChunk) {
      const std::size_t length = std::min(kChunk, count - j);
      std::copy_n(logits + j, length, chunk);
      exponentiate(chunk, length, m_top, m_log2_scale);
      std::transform(chunk, chunk + length, logits + j, [inverse](float p) { return p * inverse; });
    }
  }

 private:
  void rescale(float top) {
    if (m_sum > 0 && top != m_top) {
      const double factor =
          std::exp2((static_cast<double>(m_top) - static_cast<double>(top)) * static_cast<double>(m_log2_scale));
      m_sum *= factor;
      for (double& value : m_output) {
        value *= factor;
      }
    }
    m_top = top;
  }

  std::size_t m_head_dim;
  float m_log2_scale;
  float m_top = std::numeric_limits<float>::lowest();
  double m_sum = 0;
  bool m_finite = true;  // NaN or Inf in a cache must reach the output on every target: some vector maxima drop NaN
  std::vector<double> m_output;
  std::vector<float> m_chunk_output;
};

void decodeSegment(const DecodeSegment& segment, std::size_t head_dim, float log2_scale) {
  std::vector<DecodeRow> rows(segment.rows, DecodeRow(head_dim, log2_scale));
  HWY_ALIGN float logits[kChunk] = {};
  for (std::size_t begin = 0; begin < segment.length; begin += kChunk) {
    const std::size_t count = std::min(kChunk, segment.length - begin);
    for (std::size_t r = 0; r < segment.rows; ++r) {
      chunkLogits(segment.query + r * head_dim, segment.key + begin * head_dim, count, head_dim, logits);
      if (segment.probabilities != nullptr) {
        std::copy_n(logits, count, segment.probabilities + r * segment.length + begin);
      }
      rows[r].addChunk(logits, count, segment.value + begin * head_dim);
    }
  }
  for (std::size_t r = 0; r < segment.rows; ++r) {
    rows[r].write(segment.output + r * head_dim);
    if (segment.probabilities != nullptr) {
      rows[r].normalise(segment.probabilities + r * segment.length, segment.length);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kvatlas::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/parallel.h"

namespace kvatlas::kernels {

namespace {
// Keys and values are read once, from memory: a product takes as long as many do in the cache.
constexpr double kTimeOfProduct = 4;
}  // namespace

HWY_EXPORT(decodeSegment);

void raggedDecodeAttention(std::span<const DecodeSegment> segments, std::size_t head_dim, float scale,
                           unsigned threads) {
  const auto log2_scale = static_cast<float>(static_cast<double>(scale) * std::numbers::log2e);
  double work = 0;
  for (const DecodeSegment& segment : segments) {
    work += kTimeOfProduct * 4 * static_cast<double>(segment.rows * segment.length * head_dim);
  }
  parallelFor(segments.size(), threadsFor(work, threads), [&](std::size_t index, unsigned) {
    HWY_DYNAMIC_DISPATCH(decodeSegment)(segments[index], head_dim, log2_scale);
  });
}

}  // namespace kvatlas::kernels
#endif
