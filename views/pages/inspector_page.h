// The pair under the cursor as text: the two tokens, the attention between them,
// and which runs keep the key by which rule.
#pragma once

#include <QTextBrowser>
#include <QTimer>

#include "views/models/items/inspector.h"

namespace kvatlas::views {

class InspectorPage : public QTextBrowser {
  Q_OBJECT

 public:
  InspectorPage(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] const Inspector& inspector() const { return m_inspector; }

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void showFacts();
  [[nodiscard]] QString pairRows(const Inspection& seen) const;
  [[nodiscard]] QString ruleParagraph() const;
  [[nodiscard]] QString fateRows(const Inspection& seen) const;

  Document& m_document;
  Selection& m_selection;
  Inspector m_inspector;
  QTimer m_timer;
};

}  // namespace kvatlas::views
