// How much the last queries of the prompt attend to a range of tokens, per layer and head: the retrieval score of a
// named span. Read layer by layer on demand and cached. Qt Core only.
#pragma once

#include <QObject>
#include <map>
#include <set>
#include <vector>

#include "views/models/document/selection.h"

namespace kvatlas::views {

class SpanAttention : public QObject {
  Q_OBJECT
 public:
  explicit SpanAttention(Document& document, QObject* parent = nullptr);

  void setRange(TokenRange range);  // another range drops all values
  [[nodiscard]] TokenRange range() const { return m_range; }
  void clear();  // another trace

  void request(LayerIndex layer);  // reads it once; arrived() follows
  void requestAll();
  // Share of a query's attention that falls on the range, mean over the last W queries. NaN until it is read.
  [[nodiscard]] float value(LayerIndex layer, HeadIndex head) const;
  [[nodiscard]] bool complete() const { return m_layers.size() == m_requested.size(); }  // nothing in flight

 signals:
  void arrived(kvatlas::LayerIndex layer);

 private:
  Document& m_document;
  TokenRange m_range;
  int m_epoch = 0;  // answers of an earlier epoch are dropped
  std::map<LayerIndex, std::vector<float>> m_layers;
  std::set<LayerIndex> m_requested;
};

// The first named span; without one all tokens between the sinks and the last 1/16 of the prompt, which is near the
// last queries anyway.
[[nodiscard]] TokenRange rangeOfInterest(const trace::Prompt& prompt, std::uint64_t tokens);

}  // namespace kvatlas::views
