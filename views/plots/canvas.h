// An offscreen QCustomPlot of fixed printed size on which figures place panels and text manually.
#pragma once

#include <qcustomplot.h>

#include <memory>
#include <string>
#include <vector>

#include "views/models/palette.h"
#include "views/models/ticks.h"

namespace kvatlas::views {

// All coordinates of a figure are integer units of 1/300 inch (0.24 pt), independent of screen and output format.
inline constexpr int kUnitsPerInch = 300;
[[nodiscard]] constexpr int inches(double value) {
  return static_cast<int>(value * kUnitsPerInch + 0.5);
}
[[nodiscard]] constexpr double points(double value) {
  return value * kUnitsPerInch / 72.0;
}

inline constexpr double kLabelPoints = 8, kTickPoints = 7, kTitlePoints = 9;
inline constexpr double kAxisWidth = 0.6, kLineWidth = 1.2;  // points

[[nodiscard]] QColor toColour(Rgb colour, double alpha = 1);

// Size, placement and style of a text.
struct TextLook {
  double size = kLabelPoints;
  Qt::Alignment anchor = Qt::AlignHCenter | Qt::AlignVCenter;  // the point of the text that is at the position
  double rotation = 0;
  bool bold = false;
};

class Canvas {
 public:
  // Starts an offscreen QApplication if there is none. The height is final.
  Canvas(double width_inches, int height_units, Theme theme);

  [[nodiscard]] QCustomPlot& plot() { return *m_plot; }
  [[nodiscard]] int width() const { return m_width; }
  [[nodiscard]] int height() const { return m_height; }
  [[nodiscard]] Theme theme() const { return m_theme; }
  [[nodiscard]] const ThemeColours& colours() const { return themeColours(m_theme); }

  // An axis rect that covers `area` exactly; left and bottom axes without ticks, all four frame lines.
  QCPAxisRect* addPanel(const QRect& area, bool frame = true);
  void setTicks(QCPAxis* axis, const std::vector<Tick>& ticks, bool labels = true);
  // Removes labels that would overlap on an axis of `length` units; all ticks keep their mark.
  [[nodiscard]] static std::vector<Tick> withoutTouching(std::vector<Tick> ticks, const QCPAxis& axis, int length);

  QCPItemText* addText(const QPointF& position, const std::string& text, const TextLook& look, Rgb colour);
  void addLine(const QPointF& from, const QPointF& to, const QPen& pen);

  [[nodiscard]] static QFont font(double size_points, bool bold = false);
  [[nodiscard]] static int textWidth(const std::string& text, double size_points, bool bold = false);
  [[nodiscard]] static std::string elided(const std::string& text, double size_points, int width);  // "a long na…"
  [[nodiscard]] static int textHeight(double size_points);
  [[nodiscard]] static int widestTick(const std::vector<Tick>& ticks);

 private:
  std::unique_ptr<QCustomPlot> m_plot;
  QCPLayoutInset* m_layout = nullptr;
  int m_width = 0, m_height = 0;
  Theme m_theme = Theme::Light;
};

}  // namespace kvatlas::views
