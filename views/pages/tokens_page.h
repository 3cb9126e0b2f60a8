// The prompt as text, in step with the map: evicted words,
// the cursor's query and key, spans, and a search.
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
  // Finds text, a span name or a token index ("1730", "#1730") after the cursor; wraps around.
  void findNext();
  [[nodiscard]] TokenIndex tokenAt(int character) const;

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void reload();
  void load();
  void highlight();
  void follow();  // scrolls to the keys the map shows
  void reveal();  // scrolls to the cursor's key
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
