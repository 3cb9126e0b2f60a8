#include "app/explorer/export_widget.h"

#include <qcustomplot.h>

#include <QBuffer>
#include <QImage>
#include <QPageSize>
#include <QPdfWriter>
#include <QSvgGenerator>

#include "core/base/error.h"
#include "core/base/files.h"
#include "views/plots/figure_export.h"

namespace kvatlas::app {
namespace {

constexpr int kSharpness = 2;

// Every plot that can be seen, where it is on screen, drawn anew rather than copied.
void drawPlots(QWidget& widget, QCPPainter& painter) {
  painter.setRenderHint(QPainter::LosslessImageRendering);
  painter.fillRect(widget.rect(), widget.palette().base());
  QList<QCustomPlot*> plots = widget.findChildren<QCustomPlot*>();
  if (auto* plot = qobject_cast<QCustomPlot*>(&widget)) plots.append(plot);
  for (QCustomPlot* plot : plots) {
    if (!plot->isVisible()) continue;
    painter.save();
    painter.translate(plot->mapTo(&widget, QPoint(0, 0)));
    plot->toPainter(&painter, plot->width(), plot->height());
    painter.restore();
    plot->replot(QCustomPlot::rpQueuedReplot);
  }
}

void drawPng(QWidget& widget, QBuffer& buffer) {
  QImage image(widget.size() * kSharpness, QImage::Format_RGB32);
  image.setDevicePixelRatio(kSharpness);
  QCPPainter painter(&image);
  drawPlots(widget, painter);
  painter.end();
  image.save(&buffer, "PNG");
}

void drawPdf(QWidget& widget, QBuffer& buffer) {
  QPdfWriter writer(&buffer);
  const int dots = widget.logicalDpiX();
  writer.setPageSize(QPageSize(QSizeF(widget.size()) * 72.0 / dots, QPageSize::Point));
  writer.setPageMargins(QMarginsF(0, 0, 0, 0));
  writer.setResolution(dots * kSharpness);
  QCPPainter painter(&writer);
  painter.setMode(QCPPainter::pmVectorized);
  painter.scale(kSharpness, kSharpness);
  drawPlots(widget, painter);
}

void drawSvg(QWidget& widget, QBuffer& buffer) {
  QSvgGenerator generator;
  generator.setOutputDevice(&buffer);
  generator.setSize(widget.size());
  generator.setViewBox(widget.rect());
  QCPPainter painter(&generator);
  painter.setMode(QCPPainter::pmVectorized);
  drawPlots(widget, painter);
}

}  // namespace

void exportWidget(QWidget& widget, const QString& path) {
  const std::string name = path.toStdString();
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  switch (views::formatOf(name)) {
    case views::FigureFormat::Png:
      drawPng(widget, buffer);
      break;
    case views::FigureFormat::Pdf:
      drawPdf(widget, buffer);
      break;
    case views::FigureFormat::Svg:
      drawSvg(widget, buffer);
      break;
  }
  if (bytes.isEmpty()) fail("{}: nothing could be drawn", name);
  writeFileAtomically(name, {bytes.constData(), static_cast<std::size_t>(bytes.size())});
}

}  // namespace kvatlas::app
