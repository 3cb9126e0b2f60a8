#include "views/plots/figures/missing_letters.h"

#include <fmt/format.h>

#include <QGlyphRun>
#include <QMap>
#include <QPaintEngine>
#include <QRawFont>
#include <QTextLayout>
#include <limits>

namespace kvatlas::views {
namespace {

constexpr int kMostNamed = 8;

// Collects the text that is painted, with the font of each letter; paints nothing.
class LetterEngine final : public QPaintEngine {
 public:
  LetterEngine() : QPaintEngine(QPaintEngine::AllFeatures) {}
  bool begin(QPaintDevice*) override { return true; }
  bool end() override { return true; }
  void updateState(const QPaintEngineState&) override {}
  void drawPixmap(const QRectF&, const QPixmap&, const QRectF&) override {}
  void drawImage(const QRectF&, const QImage&, const QRectF&, Qt::ImageConversionFlags) override {}
  void drawPath(const QPainterPath&) override {}
  void drawPolygon(const QPointF*, int, PolygonDrawMode) override {}
  void drawTextItem(const QPointF&, const QTextItem& item) override {
    for (const char32_t letter : item.text().toStdU32String()) m_letters.insert(letter, item.font());
  }
  [[nodiscard]] Type type() const override { return User; }
  [[nodiscard]] const QMap<char32_t, QFont>& letters() const { return m_letters; }

 private:
  QMap<char32_t, QFont> m_letters;
};

class LetterDevice final : public QPaintDevice {
 public:
  LetterDevice(int width, int height) : m_width(width), m_height(height) {}
  [[nodiscard]] QPaintEngine* paintEngine() const override { return &m_engine; }
  [[nodiscard]] const QMap<char32_t, QFont>& letters() const { return m_engine.letters(); }

 protected:
  [[nodiscard]] int metric(PaintDeviceMetric metric) const override {
    switch (metric) {
      case PdmWidth:
        return m_width;
      case PdmHeight:
        return m_height;
      case PdmWidthMM:
        return m_width * 254 / (10 * kUnitsPerInch);
      case PdmHeightMM:
        return m_height * 254 / (10 * kUnitsPerInch);
      case PdmNumColors:
        return std::numeric_limits<int>::max();
      case PdmDepth:
        return 32;
      case PdmDevicePixelRatio:
        return 1;
      case PdmDevicePixelRatioScaled:
        return static_cast<int>(devicePixelRatioFScale());
      default:
        return kUnitsPerInch;  // dots per inch, logical and physical
    }
  }

 private:
  int m_width, m_height;
  mutable LetterEngine m_engine;
};

QList<QGlyphRun> runsOf(const QString& text, const QFont& font) {
  QTextLayout layout(text, font);
  layout.beginLayout();
  layout.createLine();
  layout.endLayout();
  return layout.glyphRuns();
}

// Without any font, Qt still names families; it lays text out with boxes, which have no size of their own.
bool isBoxes(const QGlyphRun& run) {
  return run.rawFont().pixelSize() <= 0;
}

bool isDrawn(char32_t letter, const QFont& font) {
  const QList<QGlyphRun> runs = runsOf(QString::fromUcs4(&letter, 1), font);
  for (const QGlyphRun& run : runs)
    if (isBoxes(run) || run.glyphIndexes().contains(0)) return false;
  return !runs.isEmpty();
}

// Marks and blanks may have no glyph of their own.
bool needsGlyph(char32_t letter) {
  return QChar::isPrint(letter) && !QChar::isSpace(letter) && !QChar::isMark(letter);
}

}  // namespace

std::string missingLetters(Canvas& canvas) {
  if (const auto runs = runsOf("a", QFont()); !runs.isEmpty() && isBoxes(runs.front()))
    return "no font is installed: all text is drawn as boxes";
  LetterDevice device(canvas.width(), canvas.height());
  QCPPainter painter;
  if (!painter.begin(&device)) return "";
  painter.setMode(QCPPainter::pmVectorized);
  canvas.plot().toPainter(&painter, canvas.width(), canvas.height());
  painter.end();
  QString missing;
  int count = 0;
  for (auto letter = device.letters().begin(); letter != device.letters().end(); ++letter) {
    if (!needsGlyph(letter.key()) || isDrawn(letter.key(), letter.value())) continue;
    const char32_t one = letter.key();
    if (++count <= kMostNamed) missing += QString::fromUcs4(&one, 1);
  }
  if (count == 0) return "";
  return fmt::format("no installed font has {} letter{} of this figure ({}{}), drawn as boxes", count,
                     count == 1 ? "" : "s", missing.toStdString(), count > kMostNamed ? " …" : "");
}

}  // namespace kvatlas::views
