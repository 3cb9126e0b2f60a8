#include "app/explorer/window/window_traces.h"

#include <QFileDialog>
#include <QFileInfo>

#include "app/explorer/explorer_settings.h"
#include "app/explorer/window/view_keeper.h"
#include "app/explorer/window/window_actions.h"
#include "app/explorer/window/window_pages.h"
#include "views/models/document/trace_shelf.h"
#include "views/pages/charts/sweep_chart.h"
#include "views/pages/runs_page.h"

namespace kvatlas::app {

WindowTraces::WindowTraces(QWidget& window, const WindowActions& actions, const Parts& parts)
    : QObject(&window), m_window(window), m_parts(parts) {
  views::RunsPage& runs = parts.pages.runs();
  views::SweepChart& sweep = parts.pages.sweep();
  runs.setShelf(parts.shelf);
  sweep.setShelf(parts.shelf);
  connect(&parts.shelf, &views::TraceShelf::failed, this, &WindowTraces::failed);
  connect(&runs, &views::RunsPage::otherRunChosen, this, &WindowTraces::swapIn);
  connect(&sweep, &views::SweepChart::otherRunChosen, this, &WindowTraces::swapIn);
  connect(actions.add_trace, &QAction::triggered, this, &WindowTraces::choose);
}

void WindowTraces::choose() {
  const QStringList files =
      QFileDialog::getOpenFileNames(&m_window, tr("Add traces to the list"), m_parts.settings.lastFolder(),
                                    tr("KVAtlas traces (*.kva.h5 *.kva.h5.part *.h5)"));
  for (const QString& file : files) add(file);
}

void WindowTraces::add(const QString& path) {
  const views::Document& document = m_parts.document;
  if (!document.isOpen() && document.state() != views::Document::State::Opening) return emit openRequested(path);
  m_parts.shelf.add(QFileInfo(path).absoluteFilePath().toStdString());
}

// In the same view, with one of its runs in focus.
void WindowTraces::swapIn(const QString& path, int run) {
  views::ViewState state = m_parts.keeper.present();
  state.focus = run;
  state.compare = views::kNoRun;
  state.hidden.clear();
  state.view.erase("what_if");
  if (const auto linked = state.view.find("views"); linked != state.view.end()) linked->erase("own");  // other runs
  m_parts.keeper.remember();
  m_parts.keeper.setInitialView(state);
  m_parts.shelf.swapIn(path.toStdString());
}

}  // namespace kvatlas::app
