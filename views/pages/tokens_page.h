// The prompt as text, aligned with what the map shows: kept and evicted words, the cursor's two tokens, spans; search
// and jump. Knows document and selection.
#pragma once

#include <QPlainTextEdit>
#include <QTimer>
#include <QWidget>
#include <vector>

#include "views/models/document/document.h"
#include "views/models/document/selection.h"

class QLabel;
class QLineEdit;

namespace kvatlas::views {

class TokensPage : public QWidget {
  Q_OBJECT

 public:
  TokensPage(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] QPlainTextEdit& text() { return *m_text; }
  [[nodiscard]] QLineEdit& search() { return *m_search; }
  void startSearch();
  // Text, the name of a span, or a position ("1730", "#1730"); from the cursor on, around the end.
  void findNext();
  [[nodiscard]] TokenIndex tokenAt(int character) const;

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void reload();
  void load();
  void highlight();
  void follow();  // scrolls to what the map shows
  void reveal();  // and to the key of the cursor
  void select(TokenIndex key);
  void mark(QList<QTextEdit::ExtraSelection>& marks, TokenIndex begin, TokenIndex end,
            const QTextCharFormat& format) const;
  void markRun(QList<QTextEdit::ExtraSelection>& marks, TokenIndex begin, TokenIndex end) const;
  [[nodiscard]] std::optional<TokenIndex> found(const QString& what) const;

  Document& m_document;
  Selection& m_selection;
  QPlainTextEdit* m_text;
  QLineEdit* m_search;
  QLabel* m_note;
  std::vector<int> m_begin;  // [N+1] first character of each token
  QTimer m_timer, m_load;
};

}  // namespace kvatlas::views
