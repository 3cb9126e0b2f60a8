// Controls above the prompt text: which query shades it, over which heads, and playing through steps or layers.
#pragma once

#include <QTimer>
#include <QWidget>

#include "views/models/items/query_attention.h"

class QComboBox;
class QLabel;
class QToolButton;

namespace kvatlas::views {

class QueryBar : public QWidget {
  Q_OBJECT

 public:
  QueryBar(Document& document, Selection& selection, QueryAttention& attention, QWidget* parent = nullptr);

  [[nodiscard]] bool playing() const { return m_timer.isActive(); }

 signals:
  void shadeChanged();

 private:
  enum class Play { Steps, Layers };
  void makeFields();
  void showState();
  void step(int by);
  void play(Play what);
  void stop();
  void advance();
  [[nodiscard]] std::uint32_t steps() const;

  Document& m_document;
  Selection& m_selection;
  QueryAttention& m_attention;
  QComboBox *m_source, *m_heads;
  QToolButton *m_back, *m_next, *m_play;
  QLabel* m_answer;
  QTimer m_timer;
  Play m_what = Play::Steps;
};

}  // namespace kvatlas::views
