// Queries and keys whose attention looks like the closed form's, and its exact statistics by the probe kernel: for
// layers that keep them, where an exact tile has to agree with the map.
#include <bit>
#include <cmath>

#include "core/base/random.h"
#include "core/signals/probe_output.h"
#include "core/synthetic/layer.h"
#include "kernels/attention_probe.h"

namespace kvatlas::synthetic {
namespace {

// What the axes of a head carry: how heavy a token is, four reasons to be attended from everywhere, the distance as
// cosines, the document, noise.
enum Axis : std::uint32_t { kWeight, kSink, kHeavy, kNeedle, kDistance };

std::uint16_t bf16Bits(double value) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16U) & 1U)) >> 16U);
}

class Features {
 public:
  Features(const LayerRequest& request, const HeadPlace& first)
      : m_request(request),
        m_place(first),
        m_tokens(static_cast<std::uint32_t>(request.prompt->prompt.ids.size())),
        m_dim(request.model->head_dim),
        m_waves((m_dim - kDistance) / 4),
        m_documents((m_dim - kDistance - 2 * m_waves) / 2),
        m_unit(std::sqrt(std::sqrt(double(m_dim)))) {}

  void key(std::uint32_t token, float* out) const {
    const std::uint64_t stream = hashOf(hashOf(hashOf(m_request.seed, m_place.layer), m_place.kv_head), 20);
    const trace::Span& needle = m_request.prompt->needle;
    const bool heavy = documentOf(token) == token || uniformOf(hashOf(stream + 1, token)) * 1500 < 1;
    set(out, kWeight, 0.7 * normalOf(hashOf(stream, token)));
    set(out, kSink, token < 4 ? 1.0 - 0.25 * token : 0.0);
    set(out, kHeavy, token >= 4 && heavy ? 1.0 : 0.0);
    set(out, kNeedle, token >= needle.begin && token < needle.end ? 1.0 : 0.0);
    tail(out, token, stream, 1.0, 1.0);
  }

  void query(std::uint32_t head, std::uint32_t token, float* out) const {
    HeadPlace place = m_place;
    place.head = head;
    const Character c = characterOf(place);
    const double floor = c.rest / (0.5 * m_tokens);
    const trace::Span& question = m_request.prompt->question;
    const bool asks = !question.name.empty() && token >= question.begin;
    const auto above = [&](double weight) { return std::log1p(weight / floor); };
    set(out, kWeight, 1.0);
    set(out, kSink, above(c.sink));
    set(out, kHeavy, above(c.heavy / 16));
    set(out, kNeedle, asks ? above(c.needle / 8) : 0.0);
    const double documents = std::max(1.0, std::sqrt(double(m_tokens)) / 8);
    tail(out, token, hashOf(hashOf(hashOf(m_request.seed, m_place.layer), head), 21), above(c.local / c.band) / m_waves,
         above(c.document * documents / (0.5 * m_tokens)));
  }

 private:
  void set(float* out, std::uint32_t axis, double value) const {
    out[axis] = std::bit_cast<float>(std::uint32_t{bf16Bits(m_unit * value)} << 16U);
  }
  [[nodiscard]] std::uint32_t documentOf(std::uint32_t token) const {
    const auto& begins = m_request.prompt->document_begin;
    return begins[std::min<std::size_t>(token, begins.size() - 1)];
  }
  void tail(float* out, std::uint32_t token, std::uint64_t stream, double distance, double document) const {
    std::uint32_t axis = kDistance;
    for (std::uint32_t wave = 0; wave < m_waves; ++wave) {
      // From a few tokens to the whole prompt.
      const double length = 8 * std::pow(m_tokens / 4.0 + 8, double(wave) / m_waves);
      set(out, axis++, distance * std::cos(2 * M_PI * token / length));
      set(out, axis++, distance * std::sin(2 * M_PI * token / length));
    }
    const std::uint32_t own = hashOf(1, documentOf(token)) % m_documents;
    for (std::uint32_t index = 0; index < m_documents; ++index) set(out, axis++, index == own ? document : 0.0);
    for (; axis < m_dim; ++axis)
      set(out, axis,
          0.6 * normalOf(hashOf(stream ^ 0x6e6fULL, std::uint64_t{token} * m_dim + axis)) / std::sqrt(double(m_dim)));
  }

  const LayerRequest& m_request;
  HeadPlace m_place;
  std::uint32_t m_tokens, m_dim, m_waves, m_documents;
  double m_unit;
};

void appendBits(std::vector<std::uint16_t>& bits, const std::vector<float>& values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    bits.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(values[i]) >> 16U));
}

// Softmax of one query over the keys up to it.
void softmaxRow(const float* query, const std::vector<float>& keys, std::size_t count, std::size_t dim, float* out) {
  std::vector<double> logits(count);
  double top = -INFINITY, sum = 0;
  for (std::size_t j = 0; j < count; ++j) {
    double dot = 0;
    for (std::size_t axis = 0; axis < dim; ++axis) dot += double(query[axis]) * double(keys[j * dim + axis]);
    logits[j] = dot / std::sqrt(double(dim));
    top = std::max(top, logits[j]);
  }
  for (double& logit : logits) sum += logit = std::exp(logit - top);
  for (std::size_t j = 0; j < count; ++j) out[j] = static_cast<float>(logits[j] / sum);
}

}  // namespace

void attendExactly(const LayerRequest& request, const HeadPlace& first, std::uint32_t group, const HeadOutputs& out,
                   float* key_norm, trace::LayerRecord& record) {
  const std::size_t tokens = request.prompt->prompt.ids.size(), steps = request.new_tokens, total = tokens + steps;
  const std::size_t dim = request.model->head_dim;
  const Features features(request, first);
  std::vector<float> keys(total * dim), queries(group * tokens * dim), asking(dim);
  for (std::size_t token = 0; token < total; ++token)
    features.key(static_cast<std::uint32_t>(token), keys.data() + token * dim);
  for (std::uint32_t member = 0; member < group; ++member) {
    for (std::size_t token = 0; token < tokens; ++token)
      features.query(first.head + member, static_cast<std::uint32_t>(token),
                     queries.data() + (member * tokens + token) * dim);
  }
  const kernels::ProbeShape shape{.query_heads = group,
                                  .kv_heads = 1,
                                  .tokens = tokens,
                                  .head_dim = dim,
                                  .window = request.plan->window,
                                  .scale = 1.0F / std::sqrt(static_cast<float>(dim))};
  kernels::ProbeOutput output;
  for (const SignalInfo& info : signalTable())
    if (float** const field = probeField(output, info.signal)) *field = out.values[info.signal];
  if (!request.plan->cells.empty()) {
    output.map_mean = out.map_mean;
    output.map_max = out.map_max;
    output.cell = request.plan->cells.front();
  }
  static_cast<void>(
      kernels::attentionProbe(shape, {.query = queries.data(), .key = keys.data()}, output, request.threads));
  for (std::uint32_t member = 0; member < group; ++member) {
    for (std::size_t step = 0; step < steps; ++step) {
      const std::size_t row = tokens - 1 + step;
      features.query(first.head + member, static_cast<std::uint32_t>(row), asking.data());
      softmaxRow(asking.data(), keys, row + 1, dim, out.decode_rows + (member * steps + step) * total);
    }
  }
  for (std::size_t token = 0; token < tokens; ++token) {
    double sum = 0;
    for (std::size_t axis = 0; axis < dim; ++axis) sum += std::pow(double(keys[token * dim + axis]), 2);
    key_norm[token] = static_cast<float>(std::sqrt(sum));
  }
  appendBits(record.query, queries, queries.size());
  appendBits(record.key, keys, tokens * dim);
}

}  // namespace kvatlas::synthetic
