#include "views/plots/raster_item.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr double kVectorPixelsPerInch = 600;

bool isRasterDevice(const QPainter& painter) {
  const int type = painter.device()->devType();
  return type == QInternal::Image || type == QInternal::Pixmap || type == QInternal::Widget;
}

// Pixels per side of an image in a vector file.
int vectorPixels(double units, std::size_t cells, double span) {
  const int most = std::max(1, static_cast<int>(units / kUnitsPerInch * kVectorPixelsPerInch));
  const bool whole = std::abs(span - static_cast<double>(cells)) < 1e-12;
  if (!whole || cells > static_cast<std::size_t>(most)) return most;
  const int count = static_cast<int>(cells);
  return count * (most / count);
}

}  // namespace

RasterItem::RasterItem(QCustomPlot* plot, QCPAxisRect* panel)
    : QCPAbstractItem(plot),
      m_top_left(createPosition(QStringLiteral("topLeft"))),
      m_bottom_right(createPosition(QStringLiteral("bottomRight"))) {
  for (QCPItemPosition* position : {m_top_left, m_bottom_right}) {
    position->setType(QCPItemPosition::ptPlotCoords);
    position->setAxes(panel->axis(QCPAxis::atBottom), panel->axis(QCPAxis::atLeft));
    position->setAxisRect(panel);
  }
  setClipAxisRect(panel);
  setLayer(QStringLiteral("main"));
}

void RasterItem::setData(ValueGrid grid, Colouring colouring, Pooling pooling) {
  m_grid = std::move(grid);
  m_colouring = std::move(colouring);
  m_pooling = pooling;
}

void RasterItem::setExtent(double left, double top, double right, double bottom) {
  m_top_left->setCoords(left, top);
  m_bottom_right->setCoords(right, bottom);
}

QImage RasterItem::imageOf(int width, int height) const {
  const ValueGrid shown =
      resample(m_grid, static_cast<std::size_t>(height), static_cast<std::size_t>(width), m_pooling);
  const std::vector<std::uint32_t> pixels = m_colouring.pixels(shown);
  QImage image(width, height, QImage::Format_RGB32);
  for (int row = 0; row < height; ++row)
    std::memcpy(image.scanLine(row), pixels.data() + static_cast<std::ptrdiff_t>(row) * width,
                static_cast<std::size_t>(width) * sizeof(std::uint32_t));
  return image;
}

void RasterItem::draw(QCPPainter* painter) {
  if (m_grid.missing()) return;
  const QRectF area = QRectF(m_top_left->pixelPosition(), m_bottom_right->pixelPosition()).normalized();
  painter->save();
  painter->setRenderHint(QPainter::SmoothPixmapTransform, false);
  if (isRasterDevice(*painter)) {
    const QRectF mapped = painter->transform().mapRect(area);
    const QRect device(QPoint(qRound(mapped.left()), qRound(mapped.top())),
                       QPoint(qRound(mapped.right()) - 1, qRound(mapped.bottom()) - 1));
    painter->resetTransform();
    if (!device.isEmpty()) painter->drawImage(device.topLeft(), imageOf(device.width(), device.height()));
  } else {
    const QImage image = imageOf(vectorPixels(area.width(), m_grid.columns, m_grid.column_span),
                                 vectorPixels(area.height(), m_grid.rows, m_grid.row_span));
    painter->drawImage(area, image, QRectF(image.rect()));
  }
  painter->restore();
}

}  // namespace kvatlas::views
