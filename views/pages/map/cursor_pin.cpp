#include "views/pages/map/cursor_pin.h"

#include "views/plots/map/map_view.h"

namespace kvatlas::views {

CursorPin::CursorPin(Selection& selection, QObject* parent) : QObject(parent), m_selection(selection) {
  connect(&selection, &Selection::reset, this, [this] { m_pinned.reset(); });
  connect(&selection, &Selection::cursorChanged, this, [this] {
    if (m_selection.cursor() && m_selection.cursor() != m_hovered) m_pinned = m_selection.cursor();
  });
}

void CursorPin::watch(MapView& view) {
  connect(&view, &MapView::cursorMoved, this, [this](std::optional<Cell> cell) { m_hovered = cell; });
  connect(&view, &MapView::clicked, this, [this](const Cell& cell) {
    m_pinned = cell;
    m_selection.setCursor(cell);
  });
  connect(
      &view, &MapView::cursorMoved, this,
      [this](std::optional<Cell> cell) {
        if (!cell && !m_hovered && m_pinned) m_selection.setCursor(m_pinned);
      },
      Qt::QueuedConnection);  // after all other handlers of the mouse event
}

}  // namespace kvatlas::views
