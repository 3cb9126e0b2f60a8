// The prompt as text, in step with the map: evicted words, the cursor's query and key, spans, the attention of one
// query as shading and as a list, and a search.
#pragma once

#include <QPlainTextEdit>
#include <QTimer>
#include <QWidget>
#include <vector>

#include "views/models/document/document.h"
#include "views/models/document/token_text.h"
#include "views/models/items/query_attention.h"
#include "views/pages/text/text_marks.h"

class QLabel;
class QLineEdit;
class QSplitter;

namespace kvatlas::views {

class AttentionList;
class QueryBar;

class TokensPage : public QWidget {
  Q_OBJECT

 public:
  TokensPage(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] QPlainTextEdit& text() { return *m_text; }
  [[nodiscard]] QLineEdit& search() { return *m_search; }
  void startSearch();
  // Finds text, a span name or a token index ("1730", "#1730") after the cursor, or before it; wraps around.
  void findNext(bool backwards = false);
  [[nodiscard]] QueryAttention& attention() { return m_attention; }
  [[nodiscard]] TokenIndex tokenAt(int character) const;

 signals:
  void found(const kvatlas::views::Cell& cell);                         // by a search
  void spanWanted(kvatlas::TokenIndex begin, kvatlas::TokenIndex end);  // the user wants to name these tokens

 protected:
  void resizeEvent(QResizeEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void reload();
  void load();
  void highlight();
  void follow();  // scrolls to the keys the map shows
  void reveal();  // scrolls to the cursor's key
  void select(TokenIndex key);
  void searchAsTyped();
  void showShade();
  void showMenu(const QPoint& at);
  void describe();
  [[nodiscard]] std::vector<TokenLook> looks(TokenIndex begin, TokenIndex end) const;

  Document& m_document;
  Selection& m_selection;
  QPlainTextEdit* m_text;
  QLineEdit* m_search;
  QLabel* m_note;
  QueryAttention m_attention;
  QueryBar* m_query;
  QLabel* m_shade_note;
  AttentionList* m_list;
  QSplitter* m_halves;
  std::vector<TokenMatch> m_matches;           // of the search
  std::optional<std::size_t> m_current_match;  // the one the cursor was moved to
  float m_strongest = 0;                       // mass that shades fully
  std::vector<int> m_begin;                    // [N+1] first character of each token
  QTimer m_timer, m_load;
};

}  // namespace kvatlas::views
