#include "tests/support/sample_attention.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kvatlas::test {
namespace {

std::uint16_t bf16Bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}
float throughBf16(double value) {
  return std::bit_cast<float>(std::uint32_t{bf16Bits(static_cast<float>(value))} << 16);
}

std::vector<std::uint16_t> promptBits(const std::vector<float>& values, std::size_t heads, std::size_t total,
                                      std::size_t tokens, std::size_t dim) {
  std::vector<std::uint16_t> bits;
  bits.reserve(heads * tokens * dim);
  for (std::size_t head = 0; head < heads; ++head) {
    for (std::size_t i = 0; i < tokens * dim; ++i) bits.push_back(bf16Bits(values[head * total * dim + i]));
  }
  return bits;
}

// Axis 0 carries the attention sink, axis 1 the planted fact, axes 2–5 the distance, the rest is noise.
struct Character {
  double sink, needle, local, noise;
};

Character characterOf(const SampleTraceOptions& options, std::uint32_t layer, std::uint32_t head) {
  const double depth = options.layers > 1 ? double(layer) / (options.layers - 1) : 0;
  return {1.5 + 1.5 * depth, head % 2 == 0 ? 5.0 : 3.5, 2.4 - 1.4 * depth + 0.4 * (head % 3), 1.0 + 0.8 * depth};
}

}  // namespace

double uniform(std::mt19937& random) {
  return random() * 0x1p-32;
}

double normal(std::mt19937& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += uniform(random);
  return sum;
}

NeedleRange needleRange(const SampleTraceOptions& options) {
  const std::uint32_t begin = options.tokens * 2 / 5;
  return {begin, std::min(begin + 8, options.tokens)};
}

SampleAttention::SampleAttention(const SampleTraceOptions& options, std::uint32_t layer)
    : m_options(options), m_total(options.tokens + options.new_tokens) {
  std::mt19937 random(options.seed * 1000 + layer);
  const std::uint32_t dim = std::max(options.head_dim, 8U);
  m_options.head_dim = dim;
  const double unit = std::sqrt(std::sqrt(double(dim)));  // the attention divides by √d
  const auto [begin, end] = needleRange(options);
  const auto fill = [&](std::vector<float>& out, std::uint32_t heads, bool keys) {
    out.resize(std::size_t{heads} * m_total * dim);
    for (std::uint32_t head = 0; head < heads; ++head) {
      const Character character =
          characterOf(options, layer, keys ? head * (options.query_heads / options.kv_heads) : head);
      for (std::uint32_t token = 0; token < m_total; ++token) {
        float* row = &out[(std::size_t{head} * m_total + token) * dim];
        const bool asks = token + options.window >= options.tokens;
        const double fact = keys ? (token >= begin && token < end ? 1.0 : 0.0) : (asks ? 1.0 : 0.1);
        const double axes[6] = {keys ? (token < 4 ? 2.0 / (token + 1) : 0.0) : character.sink,
                                keys ? 1.3 * fact : character.needle * fact,
                                std::sqrt(character.local) * std::cos(token * 0.02),
                                std::sqrt(character.local) * std::sin(token * 0.02),
                                std::sqrt(character.local) * std::cos(token * 0.3),
                                std::sqrt(character.local) * std::sin(token * 0.3)};
        for (std::uint32_t axis = 0; axis < dim; ++axis) {
          const double noise = normal(random) * (axis < 6 ? 0.1 : std::sqrt(character.noise * 3.0 / dim));
          row[axis] = throughBf16(unit * ((axis < 6 ? axes[axis] : 0.0) + noise));
        }
      }
    }
  };
  fill(m_query, options.query_heads, false);
  fill(m_key, options.kv_heads, true);
}

const float* SampleAttention::key(std::uint32_t head, std::uint32_t token) const {
  return &m_key[(std::size_t{head} * m_total + token) * m_options.head_dim];
}
const float* SampleAttention::query(std::uint32_t head, std::uint32_t token) const {
  return &m_query[(std::size_t{head} * m_total + token) * m_options.head_dim];
}

std::vector<double> SampleAttention::row(std::uint32_t head, std::uint32_t row, double* lse) const {
  const std::uint32_t kv = head / (m_options.query_heads / m_options.kv_heads), dim = m_options.head_dim;
  const std::uint64_t window = m_options.sliding_window;
  const std::uint32_t first = window > 0 && row + 1 > window ? static_cast<std::uint32_t>(row + 1 - window) : 0;
  std::vector<double> p(row + 1, 0.0);
  double top = -1e300, sum = 0;
  for (std::uint32_t j = first; j <= row; ++j) {
    double dot = 0;
    for (std::uint32_t axis = 0; axis < dim; ++axis) dot += double(query(head, row)[axis]) * key(kv, j)[axis];
    p[j] = dot / std::sqrt(double(dim));
    top = std::max(top, p[j]);
  }
  for (std::uint32_t j = first; j <= row; ++j) sum += p[j] = std::exp(p[j] - top);
  for (std::uint32_t j = first; j <= row; ++j) p[j] /= sum;
  if (lse != nullptr) *lse = top + std::log(sum);
  return p;
}

std::vector<std::uint16_t> SampleAttention::queryBits() const {
  return promptBits(m_query, m_options.query_heads, m_total, m_options.tokens, m_options.head_dim);
}
std::vector<std::uint16_t> SampleAttention::keyBits() const {
  return promptBits(m_key, m_options.kv_heads, m_total, m_options.tokens, m_options.head_dim);
}

std::vector<float> SampleAttention::keyNorms() const {
  std::vector<float> norms;
  for (std::uint32_t head = 0; head < m_options.kv_heads; ++head) {
    for (std::uint32_t token = 0; token < m_options.tokens; ++token) {
      double sum = 0;
      for (std::uint32_t axis = 0; axis < m_options.head_dim; ++axis)
        sum += std::pow(double(key(head, token)[axis]), 2);
      norms.push_back(static_cast<float>(std::sqrt(sum)));
    }
  }
  return norms;
}

}  // namespace kvatlas::test
