#include "app/explorer/window/window_actions.h"

#include <QActionGroup>
#include <QMainWindow>
#include <QMenuBar>

#include "core/figures/figure_kinds.h"

namespace kvatlas::app {
namespace {

QString tr(const char* text) {
  return QObject::tr(text);
}

}  // namespace

WindowActions::WindowActions(QMainWindow& window) : m_window(window) {
  QMenuBar* bar = window.menuBar();
  file = bar->addMenu(tr("&File"));
  capture = bar->addMenu(tr("&Capture"));
  view = bar->addMenu(tr("&View"));
  compare = bar->addMenu(tr("C&ompare"));
  bookmarks = bar->addMenu(tr("&Bookmarks"));
  figures = bar->addMenu(tr("Fi&gures"));
  help = bar->addMenu(tr("&Help"));
  fillFile();
  new_capture = add(capture, "newCapture", tr("&New capture…"), {QKeySequence::New});
  stop_capture = add(capture, "stopCapture", tr("&Stop capture"));
  stop_capture->setEnabled(false);
  fillView();
  fillCompare();
  add_bookmark = add(bookmarks, "addBookmark", tr("&Add bookmark"), {Qt::CTRL | Qt::Key_D});
  m_need_trace.push_back(add_bookmark);
  keep_in_trace = add(bookmarks, "keepInTrace", tr("&Store bookmarks in trace file"));
  keep_in_trace->setCheckable(true);
  keep_in_trace->setStatusTip(
      tr("Stores bookmarks and the last view in the trace file if it is writable, otherwise beside it"));
  fillFigures();
  tour = add(help, "tour", tr("&Welcome page"));
  keys = add(help, "keys", tr("&Keyboard and mouse shortcuts"));
  glossary = add(help, "glossary", tr("&Glossary"), {QKeySequence::HelpContents});
  glossary->setStatusTip(tr("The words of the field; those of the control with the keyboard focus come first"));
  whats_this = add(help, "whatsThis", tr("Wh&at's this?"), {QKeySequence::WhatsThis});
  whats_this->setStatusTip(tr("Click anything to have its words explained"));
  manual = add(help, "manual", tr("&Manual"));
  about = add(help, "about", tr("A&bout KVAtlas"));
  setTraceOpen(false);
}

QAction* WindowActions::add(QMenu* menu, const char* name, const QString& text, const QList<QKeySequence>& shortcuts) {
  QAction* action = menu->addAction(text);
  action->setObjectName(QString::fromLatin1(name));
  // A standard key may be one of the others on this desktop; twice the same is ambiguous and does nothing.
  QList<QKeySequence> once;
  for (const QKeySequence& shortcut : shortcuts)
    if (!shortcut.isEmpty() && !once.contains(shortcut)) once.push_back(shortcut);
  action->setShortcuts(once);
  m_window.addAction(action);  // keeps the shortcut working while the menu bar is hidden
  return action;
}

void WindowActions::fillFile() {
  open = add(file, "open", tr("&Open…"), {QKeySequence::Open});
  add_trace = add(file, "addTrace", tr("&Add traces to the list…"));
  open_results = add(file, "openResults", tr("Open res&ults…"), {Qt::CTRL | Qt::SHIFT | Qt::Key_R});
  open_results->setStatusTip(tr("Opens the folder of an evaluation, which may still be running"));
  recent = file->addMenu(tr("Open &recent"));
  refresh = add(file, "refresh", tr("Re&load"), {QKeySequence::Refresh});
  file->addSeparator();
  export_view = add(file, "exportView", tr("&Export view…"), {Qt::CTRL | Qt::Key_E});
  copy_image = add(file, "copyImage", tr("Copy &image"), {Qt::CTRL | Qt::SHIFT | Qt::Key_C});
  copy_data = add(file, "copyData", tr("Copy &data as CSV"), {Qt::CTRL | Qt::ALT | Qt::Key_C});
  copy_view = add(file, "copyView", tr("Copy &view as JSON"));
  file->addSeparator();
  close = add(file, "close", tr("&Close"), {QKeySequence::Close});
  quit = add(file, "quit", tr("&Quit"), {Qt::CTRL | Qt::Key_Q});
  m_need_trace = {add_trace, refresh, export_view, copy_image, copy_data, copy_view, close};
}

void WindowActions::fillView() {
  show_results = add(view, "showResults", tr("Results of the e&valuation"), {Qt::CTRL | Qt::Key_R});
  show_results->setCheckable(true);
  show_results->setStatusTip(tr("Switches between the open results and the open trace"));
  show_results->setEnabled(false);
  fit = add(view, "fit", tr("Fit to &window"), {Qt::CTRL | Qt::Key_0});
  layer_down = add(view, "layerDown", tr("&Next layer"), {Qt::CTRL | Qt::Key_Down});
  layer_up = add(view, "layerUp", tr("&Previous layer"), {Qt::CTRL | Qt::Key_Up});
  head_right = add(view, "headRight", tr("Next &head"), {Qt::CTRL | Qt::Key_Right});
  head_left = add(view, "headLeft", tr("Previous h&ead"), {Qt::CTRL | Qt::Key_Left});
  view->addSeparator();
  find = add(view, "find", tr("&Find in prompt…"), {QKeySequence::Find});
  go_to = add(view, "goTo", tr("&Go to token…"), {Qt::CTRL | Qt::Key_G});
  view->addSeparator();
  caption = add(view, "caption", tr("Show &caption"));
  caption->setCheckable(true);
  readout = add(view, "readout", tr("Show values at the c&rosshair"));
  readout->setCheckable(true);
  overview = add(view, "overview", tr("Show overv&iew"));
  overview->setCheckable(true);
  square_cells = add(view, "squareCells", tr("S&quare cells"));
  square_cells->setCheckable(true);
  panels = view->addMenu(tr("P&anels"));
  reset_layout = add(view, "resetLayout", tr("Reset panel &layout"));
  theme = view->addMenu(tr("&Theme"));
  full_screen = add(view, "fullScreen", tr("F&ull screen"), {QKeySequence::FullScreen, Qt::Key_F11});
  full_screen->setCheckable(true);
  map_only = add(view, "mapOnly", tr("&Map only"), {Qt::Key_F9});
  map_only->setCheckable(true);
  map_only->setStatusTip(tr("Hides everything but the map. F9 brings the panels back"));
  m_need_trace.insert(m_need_trace.end(), {fit, layer_down, layer_up, head_right, head_left, find, go_to, map_only});
}

void WindowActions::fillCompare() {
  const QString titles[] = {tr("Si&ngle (A)"),
                            tr("&Side by side (A | B)"),
                            tr("Split at the &diagonal"),
                            tr("&Blink between A and B"),
                            tr("Di&fference (A − B)"),
                            tr("&Log ratio of two traces (log₂ A / B)")};
  auto* group = new QActionGroup(&m_window);
  int mode = 0;
  for (const QString& title : titles) {
    QAction* action =
        add(compare, "compareMode", title, {QKeySequence(Qt::CTRL | static_cast<Qt::Key>(Qt::Key_1 + mode))});
    action->setObjectName(QStringLiteral("compareMode%1").arg(mode));
    action->setCheckable(true);
    action->setChecked(mode == 0);
    action->setData(mode++);
    group->addAction(action);
    compare_modes.push_back(action);
    m_need_trace.push_back(action);
  }
  compare->addSeparator();
  swap = add(compare, "swap", tr("S&wap A and B"), {Qt::CTRL | Qt::Key_B});
  other_trace = add(compare, "otherTrace", tr("Compare with another &trace…"), {Qt::CTRL | Qt::SHIFT | Qt::Key_O});
  close_other = add(compare, "closeOther", tr("&Close second trace"));
  m_need_trace.insert(m_need_trace.end(), {swap, other_trace});
}

void WindowActions::fillFigures() {
  for (const kvatlas::figures::FigureKind& row : kvatlas::figures::figureKinds()) {
    const QString kind = QString::fromUtf8(row.name.data(), static_cast<qsizetype>(row.name.size()));
    QAction* action = add(figures, "figure", tr(row.menu));
    action->setObjectName(QStringLiteral("figure-") + kind);
    action->setData(kind);
    figure_kinds.push_back(action);
    if (row.source == kvatlas::figures::FigureSource::Trace) m_need_trace.push_back(action);
  }
}

void WindowActions::setTraceOpen(bool open_trace) {
  for (QAction* action : m_need_trace) action->setEnabled(open_trace);
  setOtherOpen(false);
}

void WindowActions::setResultsOpen(bool open_results_folder, bool shown) {
  show_results->setEnabled(open_results_folder);
  show_results->setChecked(shown);
  if (!shown) return;
  for (QAction* action : m_need_trace) action->setEnabled(false);
  refresh->setEnabled(true);
  close->setEnabled(true);
}

void WindowActions::setOtherOpen(bool open_other) const {
  close_other->setEnabled(open_other);
  compare_modes.back()->setEnabled(open_other);
}

}  // namespace kvatlas::app
