#include "app/explorer/window/view_keeper.h"

#include <utility>

#include "app/explorer/window/map_view_state.h"
#include "core/base/outcome.h"
#include "views/models/items/bookmark_model.h"
#include "views/pages/map/map_page.h"

namespace kvatlas::app {

ViewKeeper::ViewKeeper(views::Document& document, views::Selection& selection, views::MapPage& map,
                       views::BookmarkModel& bookmarks, QObject* parent)
    : QObject(parent), m_document(document), m_selection(selection), m_map(map), m_bookmarks(bookmarks) {
  connect(&document, &views::Document::opened, this, &ViewKeeper::traceOpened);
  connect(&document, &views::Document::closed, this, [this] { m_first.reset(); });
}

// The map takes its size with the layout that becomes visible when a trace opens.
void ViewKeeper::traceOpened() {
  m_first.reset();
  auto wanted = std::exchange(m_asked, std::nullopt);
  if (!wanted && m_remembering) wanted = m_bookmarks.last();
  QMetaObject::invokeMethod(
      this,
      [this, wanted] {
        if (!m_document.isOpen()) return;
        if (wanted) show(*wanted);
        m_first = place();
      },
      Qt::QueuedConnection);
}

void ViewKeeper::show(const views::ViewState& state) {
  const Outcome outcome = guarded([&] { applyFully(state, m_selection, m_map); });
  if (outcome.exit_code != 0) emit failed(QString::fromStdString(outcome.message));
}

views::ViewState ViewKeeper::present() const {
  return fullStateOf(m_selection, m_map);
}

// Which keys can be seen follows from the window's size as much as from the person.
nlohmann::json ViewKeeper::place() const {
  nlohmann::json state = views::toJson(present());
  state.erase("keys");
  return state;
}

void ViewKeeper::remember() {
  if (!m_remembering || !m_document.isOpen() || !m_first || place() == *m_first) return;
  m_bookmarks.setLast(present());
  m_first = place();
}

}  // namespace kvatlas::app
