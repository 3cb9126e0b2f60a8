// All values of the (query, key) pair under the cursor; follows the selection. Qt Core only.
#pragma once

#include <QObject>
#include <optional>
#include <string>
#include <vector>

#include "views/models/document/selection.h"
#include "views/models/map/cell_values.h"

namespace kvatlas::views {

struct TokenFacts {
  TokenIndex position = 0;  // in the prompt, before eviction
  TokenId id = 0;
  std::string text, spans;  // visible text; span names
};

// What one run does with the key.
struct KeyFate {
  RunId run = kNoRun;
  std::string title, method, budget;
  std::size_t keeping = 0, heads = 0;               // stored heads of the choice: that keep it, total
  policy::Reason reason = policy::Reason::Evicted;  // of the keeping heads
  std::size_t gone = 0;                             // of the keeping heads, those that evict it while decoding
  std::optional<std::uint32_t> gone_after;          // the first token after which one does
  std::size_t sources = 0;         // tokens that were merged into it, at any time, over the choice's heads
  std::optional<TokenIndex> into;  // where it was merged, in the first head that evicts it
};

struct Inspection {
  Cell cell;
  TokenFacts query, key;
  std::optional<CellValues> values;  // empty until read
  std::optional<double> received;    // attention mass the key receives from all queries
  std::optional<std::size_t> received_rank;
  std::vector<KeyFate> fates;                 // of the visible, loaded runs
  std::string error;                          // why there are no values
  [[nodiscard]] std::size_t keepers() const;  // runs in which a head keeps the key, without full
};

[[nodiscard]] TokenFacts tokenFacts(const trace::Prompt& prompt, TokenIndex position);
[[nodiscard]] KeyFate keyFate(const RunView& run, LayerIndex layer, const HeadChoice& choice, TokenIndex key);

class Inspector : public QObject {
  Q_OBJECT
 public:
  Inspector(Document& document, Selection& selection, QObject* parent = nullptr);
  [[nodiscard]] const std::optional<Inspection>& current() const { return m_current; }

 signals:
  void changed();

 private:
  void restart();
  void readReceived();
  void inspect();
  void addReceived();
  void addFates();

  Document& m_document;
  Selection& m_selection;
  std::optional<Inspection> m_current;
  std::vector<float> m_received;
  RequestId m_cell_request = 0, m_received_request = 0;
};

}  // namespace kvatlas::views
