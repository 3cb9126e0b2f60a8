// The pair under the cursor: the two tokens, how much the one attends to the other, and who keeps the key and why.
// Knows document and selection.
#pragma once

#include <QTextBrowser>
#include <QTimer>

#include "views/models/document.h"
#include "views/models/selection.h"
#include "views/pages/pair_facts.h"

namespace kvatlas::views {

class InspectorPage : public QTextBrowser {
  Q_OBJECT

 public:
  InspectorPage(Document& document, Selection& selection, QWidget* parent = nullptr);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void ask();
  void showFacts();
  [[nodiscard]] QString tokenText(TokenIndex position) const;
  [[nodiscard]] QString keptRows() const;

  Document& m_document;
  Selection& m_selection;
  std::optional<PairFacts> m_facts;
  QTimer m_timer;
  RequestId m_request = 0;
};

// The text of a token with what cannot be seen spelled out: "␣is", "↵"; "#17" where there is no text.
[[nodiscard]] QString visibleToken(const trace::Prompt& prompt, TokenIndex position);

}  // namespace kvatlas::views
