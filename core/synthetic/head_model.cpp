#include "core/synthetic/head_model.h"

#include <cmath>

#include "core/base/random.h"

namespace kvatlas::synthetic {
namespace {

constexpr std::uint32_t kSinks = 4, kNever = UINT32_MAX;
constexpr std::array<double, kSinks> kSinkShare = {0.86, 0.06, 0.05, 0.03};
constexpr double kHeavyEvery = 1500, kLogitOffset = 6;

std::uint64_t streamOf(const HeadPlace& place, std::uint32_t head, std::uint64_t purpose) {
  return hashOf(hashOf(hashOf(place.seed, place.layer), head), purpose);
}

}  // namespace

Character characterOf(const HeadPlace& place) {
  const double depth = place.layers > 1 ? double(place.layer) / (place.layers - 1) : 0.5;
  const std::uint64_t stream = streamOf(place, place.head, 1);
  const auto vary = [&](std::uint64_t counter, double mean) {
    return mean * std::exp(0.9 * normalOf(hashOf(stream, counter)));
  };
  Character c{.sink = vary(0, 0.15 + 0.9 * depth),
              .local = vary(1, 1.0 - 0.7 * depth),
              .document = vary(2, 0.15 + 0.5 * depth * (1 - depth)),
              .heavy = vary(3, 0.06 + 0.2 * depth),
              .rest = vary(4, 0.35 * (1 - depth) + 0.05)};
  const double sum = c.sink + c.local + c.document + c.heavy + c.rest;
  for (double* share : {&c.sink, &c.local, &c.document, &c.heavy, &c.rest}) *share /= sum;
  // A few heads, most of them in the middle, find the fact.
  const bool finds = uniformOf(hashOf(stream, 5)) < 0.05 + 0.5 * depth * (1 - depth);
  c.needle = finds ? 0.4 + 2.0 * uniformOf(hashOf(stream, 6)) : 0.02 * uniformOf(hashOf(stream, 6));
  c.band = 4U << static_cast<unsigned>(6 * uniformOf(hashOf(stream, 7)));
  return c;
}

HeadModel::HeadModel(const SyntheticPrompt& prompt, const HeadPlace& place, std::uint32_t generated)
    : m_tokens(static_cast<std::uint32_t>(prompt.prompt.ids.size())),
      m_total(m_tokens + generated),
      m_question(prompt.question.name.empty() ? kNever : prompt.question.begin),
      m_character(characterOf(place)),
      m_document(prompt.document_begin) {
  m_document.resize(m_total, m_document.back());
  for (std::size_t level = 0; level < kBands; ++level) m_band[level] = m_character.band << (3 * level);
  std::size_t documents = 1;
  for (std::uint32_t i = 1; i < m_tokens; ++i) documents += m_document[i] != m_document[i - 1] ? 1 : 0;
  const double floor = m_character.rest / (0.5 * m_tokens);
  for (std::size_t level = 0; level <= kBands; ++level) {
    double h = floor;
    for (std::size_t band = level; band < kBands; ++band) h += m_character.local / (double(kBands) * m_band[band]);
    m_h[0][level] = h;
    m_h[1][level] = h + m_character.document * double(documents) / (0.5 * m_tokens);
    for (std::size_t inside : {0, 1}) m_log_h[inside][level] = std::log(m_h[inside][level]);
  }
  weighTokens(prompt, place);
  normalise(place);
}

void HeadModel::weighTokens(const SyntheticPrompt& prompt, const HeadPlace& place) {
  // Keys belong to the KV head: its query heads agree on which tokens are heavy.
  const std::uint64_t weight = streamOf(place, kNever - place.kv_head, 2),
                      heavy = streamOf(place, kNever - place.kv_head, 3);
  m_g.resize(m_total);
  for (Steady& steady : m_v) steady.value.assign(m_total, 0.0);
  m_g_sum.assign(m_total + 1, 0.0);
  m_g_log_sum.assign(m_total + 1, 0.0);
  const auto steady = [&](std::uint32_t j, double always, double asked) {
    m_g[j] = 0;
    m_v[0].value[j] = always;
    m_v[1].value[j] = asked;
  };
  for (std::uint32_t j = 0; j < m_total; ++j) {
    const double log_g = 0.7 * normalOf(hashOf(weight, j)) - 0.245;  // mean 1
    m_g[j] = static_cast<float>(std::exp(log_g));
    const double draw = uniformOf(hashOf(heavy, j));
    const bool opens = j < m_tokens && m_document[j] == j;
    if (j < kSinks) {
      steady(j, m_character.sink * kSinkShare[j], m_character.sink * kSinkShare[j]);
    } else if (j >= prompt.needle.begin && j < prompt.needle.end) {
      const double needle = m_character.needle / (prompt.needle.end - prompt.needle.begin);
      steady(j, 0.02 * needle + m_h[0][kBands], needle);
    } else if (opens || draw * kHeavyEvery < 1) {
      // Shared out so that some 16 heavy hitters hold the head's share, however long the prompt.
      const double v = m_character.heavy / 16 * std::exp(normalOf(hashOf(heavy, j + m_total)) - 0.5);
      steady(j, v, v);
    }
    m_g_sum[j + 1] = m_g_sum[j] + m_g[j];
    m_g_log_sum[j + 1] = m_g_log_sum[j] + (m_g[j] > 0 ? m_g[j] * log_g : 0.0);
  }
  for (Steady& side : m_v) {
    side.sum.assign(m_total + 1, 0.0);
    side.log_sum.assign(m_total + 1, 0.0);
    for (std::uint32_t j = 0; j < m_total; ++j) {
      const double v = side.value[j];
      side.sum[j + 1] = side.sum[j] + v;
      side.log_sum[j + 1] = side.log_sum[j] + (v > 0 ? v * std::log(v) : 0.0);
    }
  }
}

void HeadModel::normalise(const HeadPlace& place) {
  const std::uint64_t stream = streamOf(place, place.head, 4);
  m_rho.resize(m_total);
  m_log_rho.resize(m_total);
  m_z.resize(m_total);
  m_inverse.assign(m_tokens + 1, 0.0);
  m_rho_inverse.assign(m_tokens + 1, 0.0);
  for (std::uint32_t i = 0; i < m_total; ++i) {
    m_log_rho[i] = 0.35 * normalOf(hashOf(stream, i));
    m_rho[i] = std::exp(m_log_rho[i]);
    double sum = 0;
    stretches(i, 0, i + 1, [&](std::uint32_t begin, std::uint32_t end, std::size_t level, bool inside) {
      sum += m_h[inside ? 1 : 0][level] * (m_g_sum[end] - m_g_sum[begin]);
    });
    m_z[i] = m_rho[i] * sum + m_v[classOf(i)].sum[i + 1];
    if (i >= m_tokens) continue;
    m_inverse[i + 1] = m_inverse[i] + 1 / m_z[i];
    m_rho_inverse[i + 1] = m_rho_inverse[i] + m_rho[i] / m_z[i];
  }
}

void HeadModel::row(std::uint32_t query, float* probabilities) const {
  const double scale = m_rho[query] / m_z[query], steady = 1 / m_z[query];
  const double* v = m_v[classOf(query)].value.data();
  stretches(query, 0, query + 1, [&](std::uint32_t begin, std::uint32_t end, std::size_t level, bool inside) {
    const double factor = scale * m_h[inside ? 1 : 0][level];
    for (std::uint32_t j = begin; j < end; ++j) probabilities[j] = static_cast<float>(factor * m_g[j] + steady * v[j]);
  });
}

void HeadModel::lse(float* out) const {
  for (std::uint32_t i = 0; i < m_tokens; ++i) out[i] = static_cast<float>(std::log(m_z[i]) + kLogitOffset);
}

void HeadModel::entropy(float* out) const {
  for (std::uint32_t i = 0; i < m_tokens; ++i) {
    double logs = 0;  // Σ w·ln w
    stretches(i, 0, i + 1, [&](std::uint32_t begin, std::uint32_t end, std::size_t level, bool inside) {
      const std::size_t side = inside ? 1 : 0;
      const double mass = m_g_sum[end] - m_g_sum[begin], entropy = m_g_log_sum[end] - m_g_log_sum[begin];
      logs += m_rho[i] * m_h[side][level] * (entropy + (m_log_rho[i] + m_log_h[side][level]) * mass);
    });
    logs += m_v[classOf(i)].log_sum[i + 1];
    out[i] = static_cast<float>(std::max(std::log(m_z[i]) - logs / m_z[i], 0.0));
  }
}

void HeadModel::received(float* out) const {
  // Where each document ends: the last query that gives its tokens the bonus.
  std::uint32_t end = m_tokens;
  const double floor = m_h[0][kBands], bonus = m_h[1][kBands] - m_h[0][kBands];
  const std::uint32_t asked = std::min(m_question, m_tokens);
  for (std::uint32_t j = m_tokens; j-- > 0;) {
    if (j + 1 < m_tokens && m_document[j + 1] != m_document[j]) end = j + 1;
    double sum = floor * (m_rho_inverse[m_tokens] - m_rho_inverse[j]) + bonus * (m_rho_inverse[end] - m_rho_inverse[j]);
    for (std::size_t band = 0; band < kBands; ++band) {
      const double step = m_h[0][band] - m_h[0][band + 1];
      const std::uint32_t last = m_tokens - j < m_band[band] ? m_tokens : j + m_band[band];
      sum += step * (m_rho_inverse[last] - m_rho_inverse[j]);
    }
    const std::uint32_t change = std::max(asked, j);
    const double steady = m_v[0].value[j] * (m_inverse[change] - m_inverse[j]) +
                          m_v[1].value[j] * (m_inverse[m_tokens] - m_inverse[change]);
    out[j] = static_cast<float>(m_g[j] * sum + steady);
  }
}

}  // namespace kvatlas::synthetic
