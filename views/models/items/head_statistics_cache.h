// Head statistics, read layer by layer on demand and cached while the trace is open. Qt Core only.
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

  void request(LayerIndex layer);  // reads it once; arrived() follows
  [[nodiscard]] bool requested(LayerIndex layer) const { return m_requested.contains(layer); }
  void clear();  // drops answers in flight
  // NaN until it is read. `metric` must be an attention metric.
  [[nodiscard]] float value(LayerIndex layer, HeadIndex head, analysis::HeadMetric metric) const;
  [[nodiscard]] bool complete() const { return m_layers.size() == m_requested.size(); }  // nothing in flight

 signals:
  void arrived(kvatlas::LayerIndex layer);

 private:
  struct InFlight {
    std::vector<analysis::HeadStatistics> heads;
    std::size_t missing = 0;
  };
  void add(LayerIndex layer, HeadIndex head, const analysis::HeadStatistics& statistics);

  Document& m_document;
  int m_epoch = 0;  // answers of an earlier epoch are dropped
  std::map<LayerIndex, std::vector<analysis::HeadStatistics>> m_layers;
  std::map<LayerIndex, InFlight> m_in_flight;
  std::set<LayerIndex> m_requested;
};

}  // namespace kvatlas::views
