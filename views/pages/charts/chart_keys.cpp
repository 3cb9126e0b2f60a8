// The keyboard in a line plot.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "views/pages/charts/chart_plot.h"

namespace kvatlas::views {

std::optional<std::size_t> ChartPlot::nearestIndex(std::size_t line, double x) const {
  const ChartLine& in = m_lines[line];
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < in.x.size(); ++i)
    if (!std::isnan(in.y[i]) && (!best || std::abs(in.x[i] - x) < std::abs(in.x[*best] - x))) best = i;
  return best;
}

// Where the keyboard is. Before the first key: on the focused run's line, else the first one, at the marker.
std::optional<ChartPlot::Place> ChartPlot::keyPlace() const {
  if (m_at) {
    const auto same = std::ranges::find(m_lines, m_at->line, &ChartLine::id);
    if (same != m_lines.end() && m_at->index < same->x.size() && !std::isnan(same->y[m_at->index]))
      return Place{static_cast<std::size_t>(same - m_lines.begin()), m_at->index};
  }
  std::optional<Place> first;
  for (std::size_t line = 0; line < m_lines.size(); ++line) {
    const auto index = nearestIndex(line, m_at ? m_at->x : m_marker_x.value_or(-INFINITY));
    if (index && (!first || (m_lines[line].strong && !m_lines[first->line].strong))) first = Place{line, *index};
  }
  return first;
}

QPointF ChartPlot::pixelOf(const Place& place) const {
  const ChartLine& line = m_lines[place.line];
  return {xAxis->coordToPixel(line.x[place.index]), yAxis->coordToPixel(line.y[place.index])};
}

std::optional<QPointF> ChartPlot::keyPoint() const {
  const auto place = keyPlace();
  return place ? std::optional(pixelOf(*place)) : std::nullopt;
}

ChartPlot::Place ChartPlot::steppedAlong(Place from, int by) const {
  const ChartLine& line = m_lines[from.line];
  Place to = from;
  for (auto i = static_cast<std::ptrdiff_t>(from.index) + (by > 0 ? 1 : -1);
       by != 0 && i >= 0 && i<std::ssize(line.x); i += by> 0 ? 1 : -1) {
    if (std::isnan(line.y[static_cast<std::size_t>(i)])) continue;
    to.index = static_cast<std::size_t>(i);
    by += by > 0 ? -1 : 1;
  }
  return to;
}

// The next line at the same x, from top to bottom; lines that coincide follow each other.
ChartPlot::Place ChartPlot::steppedAcross(Place from, int by) const {
  const double x = m_lines[from.line].x[from.index];
  std::vector<Place> places;
  for (std::size_t line = 0; line < m_lines.size(); ++line)
    if (const auto index = nearestIndex(line, x)) places.push_back({line, line == from.line ? from.index : *index});
  std::ranges::stable_sort(places, std::greater<>(),
                           [this](const Place& place) { return m_lines[place.line].y[place.index]; });
  const auto at = std::ranges::find(places, from.line, &Place::line) - places.begin();
  return places[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(at + by, 0, std::ssize(places) - 1))];
}

void ChartPlot::moveTo(const Place& place) {
  const ChartLine& line = m_lines[place.line];
  m_at = ChartPoint{line.id, place.index, line.x[place.index], line.y[place.index]};
  update();
  emit hovered(m_at, mapToGlobal(pixelOf(place).toPoint()));
}

void ChartPlot::step(const Step& step) {
  const auto from = keyPlace();
  if (!from) return;
  const int tenth = std::max(static_cast<int>(m_lines[from->line].x.size() / 10), 1);
  const Place along = steppedAlong(*from, step.across * (step.large ? tenth : 1));
  moveTo(step.down == 0 ? along : steppedAcross(*from, step.down));
}

void ChartPlot::stepToEnd(bool last) {
  const auto from = keyPlace();
  if (!from) return;
  const int all = static_cast<int>(m_lines[from->line].x.size());
  moveTo(steppedAlong(*from, last ? all : -all));
}

void ChartPlot::pick() {
  const auto place = keyPlace();
  if (!place) return;
  const ChartLine& line = m_lines[place->line];
  m_at = ChartPoint{line.id, place->index, line.x[place->index], line.y[place->index]};
  emit picked(*m_at);
}

}  // namespace kvatlas::views
