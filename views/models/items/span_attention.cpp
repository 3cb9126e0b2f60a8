#include "views/models/items/span_attention.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/analysis/head_statistics.h"

namespace kvatlas::views {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::uint64_t kNearShare = 16;

// [query_heads]; NaN where a head was not recorded.
std::vector<float> attentionOn(const trace::Reader& reader, LayerIndex layer, TokenRange range) {
  std::vector<float> masses(reader.header().model.query_heads, kNan);
  const std::uint32_t window = reader.header().attention.window;
  if (window == 0 || range.begin >= range.end || !reader.hasLayer(layer)) return masses;
  for (std::size_t head = 0; head < masses.size(); ++head) {
    const auto sums = reader.signalOfHead(layer, trace::Signal::WindowSum, HeadIndex(head), range.begin,
                                          std::uint64_t{range.end} - range.begin);
    if (sums) masses[head] = static_cast<float>(std::accumulate(sums->begin(), sums->end(), 0.0) / window);
  }
  return masses;
}

}  // namespace

SpanAttention::SpanAttention(Document& document, QObject* parent) : QObject(parent), m_document(document) {}

void SpanAttention::setRange(TokenRange range) {
  if (range == m_range) return;
  m_range = range;
  clear();
}

void SpanAttention::clear() {
  ++m_epoch;
  m_layers.clear();
  m_requested.clear();
}

void SpanAttention::requestAll() {
  if (!m_document.isOpen()) return;
  for (std::size_t layer = 0; layer < m_document.model().layers; ++layer) request(LayerIndex(layer));
}

void SpanAttention::request(LayerIndex layer) {
  if (!m_document.isOpen() || !m_requested.insert(layer).second) return;
  m_document.post(
      {Priority::Soon},
      [layer, range = m_range](const trace::Reader& reader) { return attentionOn(reader, layer, range); }, this,
      [this, layer, epoch = m_epoch](Answer<std::vector<float>> answer) {
        if (epoch != m_epoch) return;
        m_layers[layer] = answer ? std::move(*answer.value) : std::vector<float>();
        emit arrived(layer);
      });
}

float SpanAttention::value(LayerIndex layer, HeadIndex head) const {
  const auto found = m_layers.find(layer);
  return found == m_layers.end() || head.value >= found->second.size() ? kNan : found->second[head.value];
}

TokenRange rangeOfInterest(const trace::Prompt& prompt, std::uint64_t tokens) {
  for (const trace::Span& span : prompt.spans)
    if (span.begin < span.end) return {span.begin, span.end};
  const auto begin = static_cast<TokenIndex>(std::min<std::uint64_t>(analysis::kSinkTokens, tokens));
  return {begin, std::max(begin, static_cast<TokenIndex>(tokens - tokens / kNearShare))};
}

}  // namespace kvatlas::views
