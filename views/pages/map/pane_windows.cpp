#include "views/pages/map/pane_windows.h"

#include <cmath>

namespace kvatlas::views {
namespace {

bool near(const TokenWindow& a, const TokenWindow& b) {
  const double most = b.keys() * 1e-6;
  return std::abs(a.key_begin - b.key_begin) < most && std::abs(a.key_end - b.key_end) < most &&
         std::abs(a.query_begin - b.query_begin) < most && std::abs(a.query_end - b.query_end) < most;
}

}  // namespace

bool showsWhole(const MapView& view) {
  return near(view.window(), fitted(view.frame()));
}

PaneWindows::PaneWindows(QObject* parent) : QObject(parent) {}

// Only a window change outside drawing and fitting is the user's; others follow from a new size.
void PaneWindows::add(MapView& view) {
  m_views.emplace_back(&view);
  connect(&view, &QCustomPlot::beforeReplot, this, [this] { ++m_drawing; });
  connect(&view, &MapView::windowChanged, this, [this, &view] {
    if (m_drawing > 0 || m_fitting || view.isHidden()) return;
    m_wanted.reset();
    m_whole = showsWhole(view);
  });
  connect(&view, &QCustomPlot::afterReplot, this, [this, &view] {
    --m_drawing;
    const auto wanted = wantedOf(view);
    if (wanted && !view.isHidden() && !near(view.window(), *wanted)) fitSoon();
  });
}

void PaneWindows::show(const TokenWindow& window) {
  m_wanted = window;
  m_whole = false;
  fit();
}

void PaneWindows::reset() {
  m_wanted.reset();
  m_whole = true;
}

// The window this map should show at its size; empty: it keeps its window.
std::optional<TokenWindow> PaneWindows::wantedOf(const MapView& view) const {
  if (m_wanted) return allowed(*m_wanted, view.frame());
  return m_whole ? std::optional(fitted(view.frame())) : std::nullopt;
}

void PaneWindows::fit() {
  m_fit_soon = false;
  std::erase_if(m_views, [](const QPointer<MapView>& view) { return view.isNull(); });
  setFitting(true);
  for (MapView* view : m_views) {
    const auto wanted = wantedOf(*view);
    if (view->isHidden() || !wanted || near(view->window(), *wanted)) continue;
    if (m_wanted)
      view->setWindow(*wanted);
    else
      view->fit();
  }
  setFitting(false);
}

void PaneWindows::fitSoon() {
  if (m_fit_soon) return;
  m_fit_soon = true;
  QMetaObject::invokeMethod(this, &PaneWindows::fit, Qt::QueuedConnection);
}

void PaneWindows::setFitting(bool fitting) {
  if (fitting) m_fitting = true;
  emit fittingChanged(fitting);  // what follows from it is no change by the user either
  m_fitting = fitting;
}

}  // namespace kvatlas::views
