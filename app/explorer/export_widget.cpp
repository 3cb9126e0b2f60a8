#include "app/explorer/export_widget.h"

#include <qcustomplot.h>

#include <QBuffer>
#include <QPageSize>
#include <QPdfWriter>
#include <QRegularExpression>
#include <QSvgGenerator>
#include <cmath>

#include "core/base/error.h"
#include "core/base/files.h"
#include "views/pages/focus_ring.h"
#include "views/plots/figures/figure_export.h"
#include "views/plots/map/colour_scale_bar.h"
#include "views/plots/map/map_overview.h"
#include "views/plots/map/map_view.h"

namespace kvatlas::app {
namespace {

constexpr double kMetresPerInch = 0.0254, kPointsPerInch = 72;

int dotsPerMetre(int dpi) {
  return static_cast<int>(std::lround(dpi / kMetresPerInch));
}

// Reports the screen's resolution, so that only the painter's scale enlarges the fonts.
class ScreenPage : public QPdfWriter {
 public:
  ScreenPage(QIODevice* device, int screen_dpi) : QPdfWriter(device), m_dpi(screen_dpi) {}

 protected:
  [[nodiscard]] int metric(PaintDeviceMetric what) const override {
    return what == PdmDpiX || what == PdmDpiY ? m_dpi : QPdfWriter::metric(what);
  }

 private:
  int m_dpi;
};

QSizeF inchesOf(const QWidget& widget, const PrintSize& size) {
  return {size.width_inches, size.width_inches * widget.height() / widget.width()};
}

// Draws every visible child but the overview in place: plots through QCustomPlot, others through QWidget::render.
void drawParts(QWidget& widget, QCPPainter& painter) {
  painter.setRenderHint(QPainter::LosslessImageRendering);
  painter.fillRect(widget.rect(), widget.palette().base());
  for (auto* child : widget.findChildren<QWidget*>(QString(), Qt::FindDirectChildrenOnly)) {
    if (!child->isVisible() || qobject_cast<views::MapOverview*>(child) != nullptr) continue;
    painter.save();
    painter.translate(child->pos());
    if (auto* plot = qobject_cast<QCustomPlot*>(child)) {
      plot->toPainter(&painter, plot->width(), plot->height());
      plot->replot(QCustomPlot::rpQueuedReplot);
    } else {
      child->render(&painter, QPoint(), QRegion(), QWidget::RenderFlags());
    }
    painter.restore();
  }
}

// While printing, maps show no crosshair and no focus, and the colour scale no controls.
class PrintLook {
 public:
  explicit PrintLook(QWidget& widget)
      : m_maps(widget.findChildren<views::MapView*>()),
        m_scales(widget.findChildren<views::ColourScaleBar*>()),
        m_rings(widget.findChildren<QWidget*>(QString::fromLatin1(views::kFocusRing))) {
    for (views::MapView* map : m_maps) {
      m_cursors.push_back(map->cursor());
      map->setCursor(std::nullopt);
    }
    for (views::ColourScaleBar* scale : m_scales) scale->setForPrint(true);
    for (QWidget* ring : m_rings) ring->hide();
  }
  ~PrintLook() {
    for (qsizetype i = 0; i < m_maps.size(); ++i) m_maps[i]->setCursor(m_cursors[static_cast<std::size_t>(i)]);
    for (views::ColourScaleBar* scale : m_scales) scale->setForPrint(false);
    for (QWidget* ring : m_rings) ring->show();
  }
  PrintLook(const PrintLook&) = delete;
  PrintLook& operator=(const PrintLook&) = delete;

 private:
  QList<views::MapView*> m_maps;
  QList<views::ColourScaleBar*> m_scales;
  QList<QWidget*> m_rings;
  std::vector<std::optional<views::Cell>> m_cursors;
};

void drawPng(QWidget& widget, QBuffer& buffer, const PrintSize& size) {
  drawWidget(widget, size).save(&buffer, "PNG");
}

void drawPdf(QWidget& widget, QBuffer& buffer, const PrintSize& size) {
  ScreenPage writer(&buffer, widget.logicalDpiX());
  writer.setPageSize(QPageSize(inchesOf(widget, size) * kPointsPerInch, QPageSize::Point));
  writer.setPageMargins(QMarginsF(0, 0, 0, 0));
  writer.setResolution(size.dpi);
  QCPPainter painter(&writer);
  painter.setMode(QCPPainter::pmVectorized);
  const double scale = size.width_inches * size.dpi / widget.width();
  painter.scale(scale, scale);
  drawParts(widget, painter);
}

void drawSvg(QWidget& widget, QBuffer& buffer, const PrintSize& size) {
  QSvgGenerator generator;
  generator.setOutputDevice(&buffer);
  generator.setResolution(widget.logicalDpiX());
  generator.setSize(widget.size());
  generator.setViewBox(widget.rect());
  QCPPainter painter(&generator);
  painter.setMode(QCPPainter::pmVectorized);
  drawParts(widget, painter);
  painter.end();
  // QSvgGenerator derives the page size from the font resolution, so set it here.
  static const QRegularExpression page(QStringLiteral("width=\"[^\"]*\" height=\"[^\"]*\""));
  const QSizeF inches = inchesOf(widget, size);
  QString text = QString::fromUtf8(buffer.data());
  const auto match = page.match(text);
  text.replace(match.capturedStart(), match.capturedLength(),
               QStringLiteral("width=\"%1in\" height=\"%2in\"").arg(inches.width()).arg(inches.height()));
  buffer.buffer() = text.toUtf8();
}

}  // namespace

QImage drawWidget(QWidget& widget, const PrintSize& size) {
  const PrintLook look(widget);
  const QSizeF inches = inchesOf(widget, size);
  QImage image((inches * size.dpi).toSize(), QImage::Format_RGB32);
  // The screen's resolution while drawing, so that only the painter's scale enlarges the fonts.
  image.setDotsPerMeterX(dotsPerMetre(widget.logicalDpiX()));
  image.setDotsPerMeterY(dotsPerMetre(widget.logicalDpiY()));
  QCPPainter painter(&image);
  const double scale = static_cast<double>(image.width()) / widget.width();
  painter.scale(scale, scale);
  drawParts(widget, painter);
  painter.end();
  image.setDotsPerMeterX(dotsPerMetre(size.dpi));
  image.setDotsPerMeterY(dotsPerMetre(size.dpi));
  return image;
}

void exportWidget(QWidget& widget, const QString& path, const PrintSize& size) {
  const PrintLook look(widget);
  const std::string name = path.toStdString();
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  switch (views::formatOf(name)) {
    case views::FigureFormat::Png:
      drawPng(widget, buffer, size);
      break;
    case views::FigureFormat::Pdf:
      drawPdf(widget, buffer, size);
      break;
    case views::FigureFormat::Svg:
      drawSvg(widget, buffer, size);
      break;
  }
  if (bytes.isEmpty()) fail("{}: drawing failed", name);
  writeFileAtomically(name, {bytes.constData(), static_cast<std::size_t>(bytes.size())});
}

}  // namespace kvatlas::app
