// Which positions the run in focus keeps: layers × prompt positions, coloured by the share of heads that keep them.
// Knows document and selection.
#pragma once

#include <QTimer>
#include <QWidget>

#include "views/models/document/document.h"
#include "views/models/document/selection.h"

class QCustomPlot;
class QLabel;

namespace kvatlas::views {

class RasterItem;

class PositionChart : public QWidget {
  Q_OBJECT

 public:
  PositionChart(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] QCustomPlot& plot() { return *m_plot; }
  [[nodiscard]] QString csv() const;
  void updateNow();
  void setSeen(bool seen);  // whether it is behind another panel: then it rests

 protected:
  void showEvent(QShowEvent* event) override;
  void changeEvent(QEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void refill();
  void dress();
  void say(const QString& text);
  void choose(const QPointF& pixel);
  [[nodiscard]] QString describe(const QPointF& pixel) const;

  Document& m_document;
  Selection& m_selection;
  QLabel* m_title;
  QCustomPlot* m_plot;
  RasterItem* m_item;
  RunPointer m_view;
  QTimer m_timer;
  [[nodiscard]] bool seen() const { return isVisible() && m_seen; }
  bool m_stale = true, m_seen = true;
};

}  // namespace kvatlas::views
