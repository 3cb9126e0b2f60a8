#include "views/plots/map/map_tracks.h"

#include <algorithm>
#include <cmath>

#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr int kSeriesThickness = 40, kSpanThickness = 20, kStripThickness = 15, kFewestStrips = 3;
constexpr int kGap = 3, kLeastLeftMargin = 104, kMostLeftMargin = 180, kBareLeftMargin = 48;
constexpr double kStripShare = 0.16;  // of the plot's height

// A log scale over the four decades below the maximum: sinks receive hundreds of times more than other keys.
ValueScale receivedScale(const PooledSeries& series) {
  const double most = std::max<double>(static_cast<double>(series.largest(0, series.size())), 1e-9);
  return {ScaleKind::Log, most / 1e4, most};
}

}  // namespace

MapTracks::MapTracks(QCustomPlot* plot, QCPAxisRect* map)
    : m_plot(plot),
      m_map(map),
      m_grid(new QCPLayoutGrid),
      m_sides(new QCPMarginGroup(plot)),
      m_ends(new QCPMarginGroup(plot)) {
  m_grid->setRowSpacing(kGap);
  plot->plotLayout()->setRowSpacing(kGap);
  plot->plotLayout()->setColumnSpacing(4);
  plot->plotLayout()->addElement(0, 0, m_grid);
  plot->plotLayout()->addElement(1, 0, map);
  map->setMarginGroup(QCP::msLeft | QCP::msRight, m_sides);
  map->setMarginGroup(QCP::msTop | QCP::msBottom, m_ends);
  map->setMinimumMargins(QMargins(kLeastLeftMargin, 2, 2, 2));
  m_spans = makeRow<SpanTrack>(kSpanThickness, {});
  m_received = makeRow<SeriesTrack>(kSeriesThickness, QObject::tr("received"));
  m_entropy.rect = makeRect(false);
  m_entropy.track = new SeriesTrack(m_entropy.rect->axis(QCPAxis::atLeft), m_entropy.rect->axis(QCPAxis::atBottom));
  m_entropy.track->setTitle(QObject::tr("entropy"));
  plot->plotLayout()->addElement(1, 1, m_entropy.rect);
  plot->plotLayout()->setColumnStretchFactor(1, 0.001);
  plot->plotLayout()->setRowStretchFactor(0, 0.001);
  arrange();
}

QCPAxisRect* MapTracks::makeRect(bool along_keys) {
  auto* rect = new QCPAxisRect(m_plot, true);
  for (QCPAxis* axis : rect->axes()) {
    axis->setTicks(false);
    axis->setTickLabels(false);
    axis->grid()->setVisible(false);
    axis->setVisible(false);
    axis->setLayer(QStringLiteral("axes"));
  }
  rect->setMinimumMargins(QMargins(0, 0, 2, 0));
  rect->setMarginGroup(along_keys ? QCP::msLeft | QCP::msRight : QCP::msTop | QCP::msBottom,
                       along_keys ? m_sides : m_ends);
  if (!along_keys) {
    rect->setMinimumSize(kSeriesThickness, 10);
    rect->setMaximumSize(kSeriesThickness, QWIDGETSIZE_MAX);
    rect->axis(QCPAxis::atLeft)->setRangeReversed(true);
  }
  return rect;
}

template <class T>
MapTracks::Row<T> MapTracks::makeRow(int thickness, const QString& title) {
  Row<T> row{makeRect(true), nullptr};
  row.rect->setMinimumSize(10, thickness);
  row.rect->setMaximumSize(QWIDGETSIZE_MAX, thickness);
  row.track = new T(row.rect->axis(QCPAxis::atBottom), row.rect->axis(QCPAxis::atLeft));
  row.track->setTitle(title);
  row.track->setTheme(m_theme);
  return row;
}

void MapTracks::arrange() {
  for (int i = m_grid->elementCount() - 1; i >= 0; --i)
    if (m_grid->elementAt(i) != nullptr) m_grid->takeAt(i);
  m_grid->simplify();
  int row = 0;
  const auto put = [&](QCPAxisRect* rect) { m_grid->addElement(row++, 0, rect); };
  for (QCPAxisRect* rect : alongKeys()) {
    rect->setVisible(m_shown);
    if (m_shown) put(rect);
  }
  m_spans.track->setVisible(m_shown);
  m_received.track->setVisible(m_shown);
  m_entropy.track->setVisible(m_shown);
  for (const Row<KeptTrack>& strip : m_strips) strip.track->setVisible(m_shown);
}

void MapTracks::setShown(bool shown) {
  if (shown == m_shown) return;
  m_shown = shown;
  // An empty grid of tracks would limit the width of the map's column to nothing.
  if (shown) {
    m_plot->plotLayout()->addElement(0, 0, m_grid);
    m_plot->plotLayout()->addElement(1, 1, m_entropy.rect);
  } else {
    m_plot->plotLayout()->take(m_grid);
    m_plot->plotLayout()->take(m_entropy.rect);
  }
  m_entropy.rect->setVisible(shown);
  fillStrips();
}

void MapTracks::setTheme(Theme theme) {
  m_theme = theme;
  m_spans.track->setTheme(theme);
  m_received.track->setTheme(theme);
  m_entropy.track->setTheme(theme);
  for (const Row<KeptTrack>& strip : m_strips) strip.track->setTheme(theme);
}

void MapTracks::setTokens(std::uint64_t tokens) {
  m_spans.track->setTokens(tokens);
}

void MapTracks::setSpans(const std::vector<trace::Span>& spans) {
  m_spans.track->setSpans(spans);
}

void MapTracks::setReceived(std::vector<float> values) {
  PooledSeries series(std::move(values));
  const ValueScale scale = receivedScale(series);
  m_received.track->setSeries(std::move(series), scale);
}

// Entropy is at most ln N: a fixed scale makes layers comparable.
void MapTracks::setEntropy(std::vector<float> values) {
  PooledSeries series(std::move(values));
  const double most = std::log(static_cast<double>(std::max<std::size_t>(series.size(), 2)));
  m_entropy.track->setSeries(std::move(series), {ScaleKind::Linear, 0, most});
}

void MapTracks::setStrips(const std::vector<StripPointer>& strips) {
  m_all = strips;
  fillStrips();
}

void MapTracks::setRoom(int plot_height) {
  const int most = static_cast<int>(kStripShare * plot_height) / (kStripThickness + kGap);
  const auto room = static_cast<std::size_t>(std::max(most, kFewestStrips));
  if (room == m_most) return;
  m_most = room;
  if (m_all.size() > std::min(m_strips.size(), room)) fillStrips();
}

std::size_t MapTracks::firstStrip() const {
  return m_all.size() > m_most ? std::min(m_first, m_all.size() - m_most) : 0;
}

bool MapTracks::scrollStrips(int by) {
  const std::size_t now = firstStrip();
  m_first =
      by < 0 ? now - std::min<std::size_t>(now, static_cast<std::size_t>(-by)) : now + static_cast<std::size_t>(by);
  m_first = firstStrip();
  if (m_first != now) fillStrips();
  return m_all.size() > m_most;
}

std::optional<std::size_t> MapTracks::stripAt(const QPoint& pixel) const {
  for (std::size_t i = 0; i < m_strips.size() && m_shown; ++i) {
    const QRect area = m_strips[i].rect->outerRect();
    if (pixel.y() >= area.top() && pixel.y() <= area.bottom() + kGap) return firstStrip() + i;
  }
  return std::nullopt;
}

void MapTracks::fillStrips() {
  const std::size_t first = firstStrip();
  const std::vector<StripPointer> strips(
      m_all.begin() + static_cast<std::ptrdiff_t>(first),
      m_all.begin() + static_cast<std::ptrdiff_t>(std::min(first + m_most, m_all.size())));
  while (m_strips.size() > strips.size()) {
    m_plot->removePlottable(m_strips.back().track);
    m_grid->remove(m_strips.back().rect);
    m_strips.pop_back();
  }
  while (m_strips.size() < strips.size()) m_strips.push_back(makeRow<KeptTrack>(kStripThickness, {}));
  for (std::size_t i = 0; i < strips.size(); ++i) {
    m_strips[i].track->setTitle(QString::fromStdString(strips[i]->title()));
    m_strips[i].track->setStrip(strips[i]);
  }
  m_spans.track->setTitle(
      m_all.size() > strips.size()
          ? QObject::tr("runs %1–%2 of %3").arg(first + 1).arg(first + strips.size()).arg(m_all.size())
          : QString());
  int margin = kLeastLeftMargin;
  for (const Row<KeptTrack>& strip : m_strips) margin = std::max(margin, strip.track->titleWidth() + 12);
  m_map->setMinimumMargins(QMargins(m_shown ? std::min(margin, kMostLeftMargin) : kBareLeftMargin, 2, 2, 2));
  arrange();
  follow();
}

void MapTracks::setCell(std::uint64_t cell) {
  m_received.track->setCell(cell);
  m_entropy.track->setCell(cell);
  for (const Row<KeptTrack>& strip : m_strips) strip.track->setCell(cell);
}

void MapTracks::follow() {
  const QCPRange keys = m_map->axis(QCPAxis::atBottom)->range(), queries = m_map->axis(QCPAxis::atLeft)->range();
  for (QCPAxisRect* rect : alongKeys()) rect->axis(QCPAxis::atBottom)->setRange(keys);
  for (QCPAxisRect* rect : alongQueries()) rect->axis(QCPAxis::atLeft)->setRange(queries);
}

std::vector<QCPAxisRect*> MapTracks::alongKeys() const {
  std::vector<QCPAxisRect*> rects = {m_spans.rect, m_received.rect};
  for (const Row<KeptTrack>& strip : m_strips) rects.push_back(strip.rect);
  return rects;
}

std::vector<QCPAxisRect*> MapTracks::alongQueries() const {
  return {m_entropy.rect};
}

}  // namespace kvatlas::views
