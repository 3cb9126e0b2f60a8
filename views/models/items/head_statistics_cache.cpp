#include "views/models/items/head_statistics_cache.h"

#include <limits>
#include <utility>

namespace kvatlas::views {

HeadStatisticsCache::HeadStatisticsCache(Document& document, QObject* parent) : QObject(parent), m_document(document) {}

void HeadStatisticsCache::clear() {
  ++m_epoch;
  m_layers.clear();
  m_arriving.clear();
  m_wanted.clear();
}

void HeadStatisticsCache::want(LayerIndex layer) {
  if (!m_document.isOpen() || !m_wanted.insert(layer).second) return;
  const std::size_t heads = m_document.model().query_heads;
  m_arriving[layer] = {std::vector<analysis::HeadStatistics>(heads), heads};
  // Head by head: what is wanted sooner is never held up for long.
  for (std::size_t head = 0; head < heads; ++head)
    m_document.post(
        {Priority::Background},
        [layer, head](const trace::Reader& r) { return analysis::headStatistics(r, layer, HeadIndex(head)); }, this,
        [this, layer, head, epoch = m_epoch](Answer<analysis::HeadStatistics> answer) {
          if (answer && m_epoch == epoch) take(layer, HeadIndex(head), *answer.value);
        });
}

void HeadStatisticsCache::take(LayerIndex layer, HeadIndex head, const analysis::HeadStatistics& statistics) {
  const auto arriving = m_arriving.find(layer);
  if (arriving == m_arriving.end()) return;
  arriving->second.heads[head.value] = statistics;
  if (--arriving->second.missing > 0) return;
  m_layers[layer] = std::move(arriving->second.heads);
  m_arriving.erase(arriving);
  emit arrived(layer);
}

float HeadStatisticsCache::value(LayerIndex layer, HeadIndex head, analysis::HeadMetric metric) const {
  const auto found = m_layers.find(layer);
  return found == m_layers.end() || head.value >= found->second.size() ? std::numeric_limits<float>::quiet_NaN()
                                                                       : found->second[head.value].of(metric);
}

}  // namespace kvatlas::views
