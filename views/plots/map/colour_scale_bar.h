// The colour control beside a map: the scale with its ticks, a histogram of the visible values, limits to drag or type,
// and a menu of colour maps and scales.
#pragma once

#include <QWidget>

#include "views/models/map/colour_limits.h"

class QLineEdit;
class QMenu;
class QToolButton;

namespace kvatlas::views {

class ColourScaleMenu;

class ColourScaleBar : public QWidget {
  Q_OBJECT
 public:
  explicit ColourScaleBar(QWidget* parent = nullptr);

  void setSettings(const ColourSettings& settings);  // emits no signal
  void setTheme(Theme theme);
  void setQuantity(ScaleQuantity quantity);
  void setHistogram(const CodeHistogram& histogram);
  void setForPrint(bool print);  // true: without buttons, fields, histogram and grips
  [[nodiscard]] const ColourSettings& settings() const { return m_settings; }
  [[nodiscard]] QMenu& menu() const;  // colour maps, scales, auto range; also for a menu bar

  // The y of a value, in pixels from the widget's top; for tests and tooltips.
  [[nodiscard]] double yOf(double value) const;
  [[nodiscard]] QRect scaleArea() const;      // the colour scale
  [[nodiscard]] QRect histogramArea() const;  // beside the scale
  [[nodiscard]] QRect legendArea() const;     // below: zero, masked, not captured; empty if the bar is too short

  [[nodiscard]] QSize sizeHint() const override { return {96, 260}; }
  [[nodiscard]] QSize minimumSizeHint() const override { return {96, 140}; }

 public slots:
  void fitToVisible();  // limits to the middle 98 % of the visible values
  void resetLimits();

 signals:
  void settingsChanged(const kvatlas::views::ColourSettings& settings);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  enum class Grip { None, Low, High, Range };
  void change(const ColourSettings& settings);
  QLineEdit* makeLimit(const char* name, const QString& title);
  void typeLimit(Grip grip, const QString& text);
  void showLimits();
  void drag(double y);
  [[nodiscard]] double valueAt(double y) const;
  [[nodiscard]] double limit(Grip grip) const;
  [[nodiscard]] QRgb colourAt(double value) const;
  void drawHistogram(QPainter& painter) const;
  void drawScale(QPainter& painter) const;
  void drawTicks(QPainter& painter) const;
  void drawGrips(QPainter& painter) const;
  void drawLegend(QPainter& painter) const;
  void drawTitle(QPainter& painter) const;
  [[nodiscard]] QString quantityText() const;

  ColourSettings m_settings;
  Theme m_theme = Theme::Light;
  ScaleQuantity m_quantity = ScaleQuantity::Probability;
  CodeHistogram m_histogram;
  MapColours m_colours;
  ScaleDomain m_domain;
  Grip m_grip = Grip::None;
  double m_range_start = 0;
  QToolButton* m_button;
  QToolButton* m_fit;
  QLineEdit *m_high, *m_low;
  ColourScaleMenu* m_menu;
  bool m_print = false;
};

}  // namespace kvatlas::views
