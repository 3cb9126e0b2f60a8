// The attention of one query on the tokens before it: a prompt token's recorded row, or what a generated token of the
// focus run attended to. Follows the selection. Qt Core only.
#pragma once

#include "views/models/items/decode_attended.h"
#include "views/models/map/cell_values.h"

namespace kvatlas::views {

class QueryAttention : public QObject {
  Q_OBJECT
 public:
  enum Source { Nothing, PromptQuery /* of the cursor */, GeneratedToken /* of the selected step */ };

  QueryAttention(Document& document, Selection& selection, QObject* parent = nullptr);

  void setSource(Source source);
  [[nodiscard]] Source source() const { return m_source; }
  void setLayerMean(bool mean);  // mean over all heads of the layer, whatever head is selected
  [[nodiscard]] bool layerMean() const { return m_layer_mean; }

  // [prompt tokens] mass on each; empty while loading or if why() gives a reason.
  [[nodiscard]] const std::vector<float>& masses() const { return m_masses; }
  [[nodiscard]] QString why() const { return m_why; }  // one sentence; also says where numbers are approximate
  // The tokens with the most mass, largest first, ties by position; prompt tokens and generated ones.
  [[nodiscard]] std::vector<AttendedKey> largest(std::size_t most) const;
  [[nodiscard]] SequenceToken token(std::uint64_t position) { return m_attended.token(position); }
  [[nodiscard]] TokenIndex query() const;  // of PromptQuery: the cursor's, else the last prompt token

 signals:
  void changed();

 private:
  void update();
  void readPrompt();
  void readGenerated();
  [[nodiscard]] HeadChoice heads() const;

  Document& m_document;
  Selection& m_selection;
  DecodeAttended m_attended;
  Source m_source = Nothing;
  bool m_layer_mean = false;
  std::vector<float> m_masses;
  std::vector<AttendedKey> m_keys;  // of a generated token
  QString m_why;
  RequestId m_request = 0;
};

}  // namespace kvatlas::views
