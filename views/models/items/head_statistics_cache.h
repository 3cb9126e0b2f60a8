// Statistics of heads, read layer by layer as they are asked for and kept while the trace is open. Qt Core only.
#pragma once

#include <QObject>
#include <map>
#include <set>
#include <vector>

#include "core/analysis/head_statistics.h"
#include "views/models/document/document.h"

namespace kvatlas::views {

class HeadStatisticsCache : public QObject {
  Q_OBJECT
 public:
  explicit HeadStatisticsCache(Document& document, QObject* parent = nullptr);

  void want(LayerIndex layer);  // reads it unless it was asked for before; arrived() follows
  void clear();                 // answers that are still on their way are dropped
  // NaN while it is not known. `metric` is one of the attention's.
  [[nodiscard]] float value(LayerIndex layer, HeadIndex head, analysis::HeadMetric metric) const;
  [[nodiscard]] bool complete() const { return m_layers.size() == m_wanted.size(); }  // all that was asked for is here

 signals:
  void arrived(kvatlas::LayerIndex layer);

 private:
  struct Arriving {
    std::vector<analysis::HeadStatistics> heads;
    std::size_t missing = 0;
  };
  void take(LayerIndex layer, HeadIndex head, const analysis::HeadStatistics& statistics);

  Document& m_document;
  int m_epoch = 0;  // answers of one before are dropped
  std::map<LayerIndex, std::vector<analysis::HeadStatistics>> m_layers;
  std::map<LayerIndex, Arriving> m_arriving;
  std::set<LayerIndex> m_wanted;
};

}  // namespace kvatlas::views
