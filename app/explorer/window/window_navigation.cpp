#include "app/explorer/window/window_navigation.h"

#include <QInputDialog>
#include <algorithm>
#include <utility>

#include "app/explorer/window/main_window.h"
#include "app/explorer/window/window_pages.h"
#include "views/pages/bookmarks_page.h"
#include "views/pages/map/map_page.h"
#include "views/pages/tokens_page.h"

namespace kvatlas::app {
namespace {

void goTo(QWidget& window, const views::Document& document, views::Selection& selection) {
  bool chosen = false;
  const int last = static_cast<int>(document.tokens()) - 1;
  const int now = selection.cursor() ? static_cast<int>(selection.cursor()->key) : 0;
  const int position =
      QInputDialog::getInt(&window, MainWindow::tr("Go to token"),
                           MainWindow::tr("Token index of the key, 0 to %1").arg(last), now, 0, last, 1, &chosen);
  if (!chosen) return;
  const auto key = static_cast<TokenIndex>(position);
  const TokenIndex query = selection.cursor() ? selection.cursor()->query : static_cast<TokenIndex>(last);
  selection.setCursor(views::Cell{qMax(query, key), key});
}

void swapRuns(views::Selection& selection) {
  const int focus = selection.focusRun(), other = selection.compareRun();
  if (other == views::kNoRun) return;
  selection.setFocusRun(other);
  selection.setCompareRun(focus);
}

void showSpan(views::MapPage& map, const views::Document& document, views::Selection& selection, TokenIndex begin) {
  const auto last = static_cast<TokenIndex>(document.tokens() - 1);
  selection.setCursor(views::Cell{std::max(selection.cursor() ? selection.cursor()->query : last, begin), begin});
  map.reveal(*selection.cursor());
}

}  // namespace

void connectNavigation(QWidget& window, const WindowActions& actions, WindowPages& pages,
                       const views::Document& document, views::Selection& selection) {
  const auto on = [&window](QAction* action, auto job) {
    QObject::connect(action, &QAction::triggered, &window, std::move(job));
  };
  on(actions.layer_down, [&selection] { selection.stepLayer(1); });
  on(actions.layer_up, [&selection] { selection.stepLayer(-1); });
  on(actions.head_right, [&selection] { selection.stepHead(1); });
  on(actions.head_left, [&selection] { selection.stepHead(-1); });
  on(actions.go_to, [&window, &document, &selection] { goTo(window, document, selection); });
  on(actions.swap, [&selection] { swapRuns(selection); });
  views::MapPage& map = pages.map();
  on(actions.fit, [&map] { map.fit(); });
  QObject::connect(&pages.tokens(), &views::TokensPage::found, &map, &views::MapPage::reveal);
  QObject::connect(&pages.bookmarks(), &views::BookmarksPage::spanChosen, &window,
                   [&map, &document, &selection](TokenIndex begin) { showSpan(map, document, selection, begin); });
}

}  // namespace kvatlas::app
