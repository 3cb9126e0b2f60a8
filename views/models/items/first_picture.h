// Chooses what a trace shows first: the layer and query head whose last queries attend most to the range of interest.
// Qt Core only.
#pragma once

#include "views/models/items/span_attention.h"

namespace kvatlas::views {

class FirstPicture : public QObject {
  Q_OBJECT
 public:
  FirstPicture(Document& document, Selection& selection, QObject* parent = nullptr);

  // Reads the recorded layers, then selects; keeps a layer or head that the user has chosen meanwhile.
  void begin();
  void cancel();
  [[nodiscard]] bool busy() const { return m_busy; }

 signals:
  void chosen();  // also if nothing was recorded and the selection stays

 private:
  void choose();

  Document& m_document;
  Selection& m_selection;
  SpanAttention m_attention;
  bool m_busy = false;
  LayerIndex m_layer;
  HeadChoice m_head;
};

}  // namespace kvatlas::views
