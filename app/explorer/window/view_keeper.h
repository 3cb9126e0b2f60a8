// Restores the last view of a trace, or a requested one,
// when it opens, and saves the view when it closes.
#pragma once

#include <QObject>
#include <optional>

#include "views/models/document/view_state.h"
#include "views/models/items/first_picture.h"

namespace kvatlas::views {
class BookmarkModel;
class WhatIfPage;
class Document;
class MapPage;
}  // namespace kvatlas::views

namespace kvatlas::app {

class ViewKeeper : public QObject {
  Q_OBJECT

 public:
  // All arguments must outlive it.
  ViewKeeper(views::Document& document, views::Selection& selection, views::MapPage& map,
             views::BookmarkModel& bookmarks, views::WhatIfPage& what_if, QObject* parent = nullptr);

  // The view for the next trace that opens, instead of its last view.
  void setInitialView(const views::ViewState& state) { m_initial_view = state; }
  void show(const views::ViewState& state);
  // false: neither restores nor saves the last view (for benchmarks).
  void setRemembering(bool remembering) { m_remembering = remembering; }
  [[nodiscard]] views::ViewState present() const;
  [[nodiscard]] bool busy() const { return m_first_picture.busy(); }
  void remember();  // call before a trace closes; writes nothing if the view is unchanged

 signals:
  void failed(const QString& message);

 private:
  void traceOpened();
  [[nodiscard]] nlohmann::json place() const;  // the current view as JSON, without the visible keys

  views::Document& m_document;
  views::Selection& m_selection;
  views::MapPage& m_map;
  views::BookmarkModel& m_bookmarks;
  views::WhatIfPage& m_what_if;
  views::FirstPicture m_first_picture;
  std::optional<views::ViewState> m_initial_view;
  std::optional<nlohmann::json> m_first;  // the view when the trace opened or was last saved
  bool m_remembering = true;
  bool m_fitting = false;  // the first picture's colours follow
};

}  // namespace kvatlas::app
