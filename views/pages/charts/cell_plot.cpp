#include "views/pages/charts/cell_plot.h"

#include <QMouseEvent>
#include <algorithm>
#include <cmath>

namespace kvatlas::views {
namespace {

// `at` + by, within 0 … count − 1.
std::uint64_t stepped(std::uint64_t at, std::int64_t by, std::uint64_t count) {
  const std::int64_t to = static_cast<std::int64_t>(at) + by;
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(to, 0, static_cast<std::int64_t>(count) - 1));
}

}  // namespace

void CellPlot::setCells(std::uint64_t rows, std::uint64_t positions) {
  m_rows = rows;
  m_positions = positions;
  m_at = {std::min(m_at.row, rows > 0 ? rows - 1 : 0), std::min(m_at.position, positions > 0 ? positions - 1 : 0)};
  update();
}

void CellPlot::setKeyCell(PlotCell cell) {
  if (cell.row >= m_rows || cell.position >= m_positions || cell == m_at) return;
  m_at = cell;
  update();
}

std::optional<PlotCell> CellPlot::cellAt(const QPointF& pixel) const {
  const double row = std::round(yAxis->pixelToCoord(pixel.y())), position = std::floor(xAxis->pixelToCoord(pixel.x()));
  if (row < 0 || row >= static_cast<double>(m_rows) || position < 0 || position >= static_cast<double>(m_positions))
    return std::nullopt;
  return PlotCell{static_cast<std::uint64_t>(row), static_cast<std::uint64_t>(position)};
}

std::optional<QPointF> CellPlot::keyPoint() const {
  if (m_rows == 0 || m_positions == 0) return std::nullopt;
  return QPointF(xAxis->coordToPixel(static_cast<double>(m_at.position) + 0.5),
                 yAxis->coordToPixel(static_cast<double>(m_at.row)));
}

// An arrow key moves by a pixel at least, with Shift by one position.
void CellPlot::step(const Step& step) {
  if (m_rows == 0 || m_positions == 0) return;
  const auto pixels = static_cast<std::uint64_t>(std::max(axisRect()->width(), 1));
  const std::uint64_t one = step.fine ? 1 : (m_positions + pixels - 1) / pixels;
  const auto across = static_cast<std::int64_t>(step.large ? std::max<std::uint64_t>(m_positions / 10, 1) : one);
  m_at.row = stepped(m_at.row, step.down, m_rows);
  m_at.position = stepped(m_at.position, step.across * across, m_positions);
  pointAtKeyCell();
}

void CellPlot::stepToEnd(bool last) {
  if (m_positions == 0) return;
  m_at.position = last ? m_positions - 1 : 0;
  pointAtKeyCell();
}

void CellPlot::pointAtKeyCell() {
  update();
  if (const auto pixel = keyPoint()) emit pointed(m_at, mapToGlobal(pixel->toPoint()));
}

void CellPlot::pick() {
  if (m_rows > 0 && m_positions > 0) emit picked(m_at);
}

void CellPlot::mouseMoveEvent(QMouseEvent* event) {
  KeyPlot::mouseMoveEvent(event);
  const auto cell = cellAt(event->position());
  cell ? emit pointed(*cell, event->globalPosition().toPoint()) : emit left();
}

void CellPlot::mouseReleaseEvent(QMouseEvent* event) {
  KeyPlot::mouseReleaseEvent(event);
  const auto cell = cellAt(event->position());
  if (event->button() != Qt::LeftButton || !cell) return;
  m_at = *cell;
  emit picked(*cell);
}

}  // namespace kvatlas::views
