#include "app/explorer/window/window_notes.h"

#include <QInputDialog>
#include <QLineEdit>
#include <QUndoStack>

#include "app/explorer/explorer_settings.h"
#include "app/explorer/window/view_keeper.h"
#include "app/explorer/window/window_actions.h"
#include "app/explorer/window/window_pages.h"
#include "views/pages/bookmarks_page.h"
#include "views/pages/map/map_page.h"
#include "views/pages/runs_page.h"
#include "views/pages/tokens_page.h"

namespace kvatlas::app {

WindowNotes::WindowNotes(QWidget& window, const WindowActions& actions, WindowPages& pages, ViewKeeper& keeper,
                         ExplorerSettings& settings)
    : QObject(&window), m_window(window), m_pages(pages), m_settings(settings) {
  connectBookmarks(actions, keeper);
  connect(&pages.map(), &views::MapPage::spanWanted, this, &WindowNotes::nameSpan);
  connect(&pages.tokens(), &views::TokensPage::spanWanted, this, &WindowNotes::nameSpan);
  connect(&pages.runs(), &views::RunsPage::answerRequested, this, &WindowNotes::enterAnswer);
  actions.keep_in_trace->setChecked(settings.notesInTrace());
  connect(actions.keep_in_trace, &QAction::toggled, this, [this](bool inside) {
    m_settings.setNotesInTrace(inside);
    choosePlace(m_bundled);
  });
}

void WindowNotes::connectBookmarks(const WindowActions& actions, ViewKeeper& keeper) {
  views::BookmarksPage& bookmarks = m_pages.bookmarks();
  connect(&bookmarks, &views::BookmarksPage::stateRequested, &keeper, &ViewKeeper::show);
  connect(&bookmarks, &views::BookmarksPage::failed, this, &WindowNotes::failed);
  connect(actions.add_bookmark, &QAction::triggered, &bookmarks, &views::BookmarksPage::addBookmark);
  QAction* undo = bookmarks.undoStack().createUndoAction(this, tr("&Undo"));
  QAction* redo = bookmarks.undoStack().createRedoAction(this, tr("&Redo"));
  undo->setShortcut(QKeySequence::Undo);
  redo->setShortcut(QKeySequence::Redo);
  actions.bookmarks->addActions({undo, redo});
}

void WindowNotes::choosePlace(bool bundled) {
  m_bundled = bundled;
  m_pages.bookmarks().model().setKeptInTrace(m_settings.notesInTrace() && !bundled);
}

void WindowNotes::nameSpan(TokenIndex begin, TokenIndex end) {
  bool chosen = false;
  const QString name =
      QInputDialog::getText(&m_window, tr("Name a span"), tr("Name of the tokens %1 to %2").arg(begin).arg(end - 1),
                            QLineEdit::Normal, {}, &chosen)
          .trimmed();
  if (chosen && !name.isEmpty()) m_pages.bookmarks().model().addSpan({begin, end, name.toStdString()});
}

void WindowNotes::enterAnswer() {
  bool chosen = false;
  views::BookmarkModel& notes = m_pages.bookmarks().model();
  const QString answer =
      QInputDialog::getText(&m_window, tr("Expected answer"), tr("A right answer contains (empty: not known)"),
                            QLineEdit::Normal, notes.answer(), &chosen);
  if (chosen) notes.setAnswer(answer);
}

}  // namespace kvatlas::app
