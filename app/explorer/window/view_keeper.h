// Gives a trace the view it was left in, or the one that was asked for, and remembers the view when it is left. Knows
// document, selection, map and bookmarks.
#pragma once

#include <QObject>
#include <optional>

#include "views/models/document/view_state.h"

namespace kvatlas::views {
class BookmarkModel;
class Document;
class MapPage;
}  // namespace kvatlas::views

namespace kvatlas::app {

class ViewKeeper : public QObject {
  Q_OBJECT

 public:
  // All of them must outlive it.
  ViewKeeper(views::Document& document, views::Selection& selection, views::MapPage& map,
             views::BookmarkModel& bookmarks, QObject* parent = nullptr);

  // Shown once the next trace is open, instead of how that was left.
  void ask(const views::ViewState& state) { m_asked = state; }
  void show(const views::ViewState& state);
  // For measurements: every start shows the same, and nothing is written.
  void setRemembering(bool remembering) { m_remembering = remembering; }
  [[nodiscard]] views::ViewState present() const;
  void remember();  // call before a trace goes; nothing is written where nothing was looked at

 signals:
  void failed(const QString& message);

 private:
  void traceOpened();
  [[nodiscard]] nlohmann::json place() const;  // the present state as JSON

  views::Document& m_document;
  views::Selection& m_selection;
  views::MapPage& m_map;
  views::BookmarkModel& m_bookmarks;
  std::optional<views::ViewState> m_asked;
  std::optional<nlohmann::json> m_first;  // as it was once it was open
  bool m_remembering = true;
};

}  // namespace kvatlas::app
