#include "app/explorer/window/view_keeper.h"

#include <utility>

#include "app/explorer/window/map_view_state.h"
#include "core/base/outcome.h"
#include "views/models/items/bookmark_model.h"
#include "views/pages/map/map_page.h"
#include "views/pages/what_if_page.h"

namespace kvatlas::app {

ViewKeeper::ViewKeeper(views::Document& document, views::Selection& selection, views::MapPage& map,
                       views::BookmarkModel& bookmarks, views::WhatIfPage& what_if, QObject* parent)
    : QObject(parent),
      m_document(document),
      m_selection(selection),
      m_map(map),
      m_bookmarks(bookmarks),
      m_what_if(what_if),
      m_first_picture(document, selection) {
  connect(&m_first_picture, &views::FirstPicture::chosen, this, [this] {
    m_fitting = true;
    m_map.fitColoursOnceLoaded();
  });
  // The fitted colours belong to the first picture: they are no change by the user.
  connect(&map, &views::MapPage::coloursChanged, this, [this] {
    if (std::exchange(m_fitting, false)) m_first = place();
  });
  connect(&document, &views::Document::opened, this, &ViewKeeper::traceOpened);
  connect(&document, &views::Document::closed, this, [this] { m_first.reset(); });
}

// Queued: the map gets its size only when the layout becomes visible.
void ViewKeeper::traceOpened() {
  m_first.reset();
  m_fitting = false;
  auto wanted = std::exchange(m_initial_view, std::nullopt);
  if (!wanted && m_remembering) wanted = m_bookmarks.last();
  QMetaObject::invokeMethod(
      this,
      [this, wanted] {
        if (!m_document.isOpen()) return;
        if (!wanted) return m_first_picture.begin();
        show(*wanted);
        m_first = place();
      },
      Qt::QueuedConnection);
}

void ViewKeeper::show(const views::ViewState& state) {
  const Outcome outcome = guarded([&] { applyFully(state, m_selection, m_map); });
  if (outcome.exit_code != 0) return emit failed(QString::fromStdString(outcome.message));
  if (const auto run = state.view.find("what_if"); run != state.view.end()) m_what_if.restore(*run);
}

views::ViewState ViewKeeper::present() const {
  views::ViewState state = fullStateOf(m_selection, m_map);
  if (auto run = m_what_if.state(); !run.is_null()) state.view["what_if"] = std::move(run);
  return state;
}

// Without the visible keys, which also depend on the window's size.
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
