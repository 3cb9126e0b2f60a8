#include "app/explorer/window/main_window.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QInputDialog>
#include <QLabel>
#include <QLineEdit>
#include <QMenuBar>
#include <QMimeData>
#include <QScreen>
#include <QStackedWidget>
#include <QStatusBar>
#include <QUndoStack>
#include <QVBoxLayout>
#include <QWhatsThis>
#include <utility>

#include "app/explorer/capture/window_capture.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/programme_files.h"
#include "app/explorer/results/window_results.h"
#include "app/explorer/window/glossary.h"
#include "app/explorer/window/help_finder.h"
#include "app/explorer/window/recent_files.h"
#include "app/explorer/window/theme_switch.h"
#include "app/explorer/window/view_keeper.h"
#include "app/explorer/window/window_copies.h"
#include "app/explorer/window/window_help.h"
#include "app/explorer/window/window_navigation.h"
#include "app/explorer/window/window_pages.h"
#include "views/models/number_text.h"
#include "views/pages/bookmarks_page.h"
#include "views/pages/charts/sweep_chart.h"
#include "views/pages/figure_dialog.h"
#include "views/pages/grid_page.h"
#include "views/pages/map/map_page.h"
#include "views/pages/message_bar.h"
#include "views/pages/results/results_page.h"
#include "views/pages/runs_page.h"
#include "views/pages/start_page.h"
#include "views/pages/tokens_page.h"
#include "views/pages/what_if_page.h"

namespace kvatlas::app {
namespace {

constexpr QSize kLargestFirst(2560, 1600), kFrame(16, 48);  // kFrame: room for a window manager's frame

// A window that fits the screen, frame included.
QSize firstSize(const QScreen* screen) {
  if (screen == nullptr) return kLargestFirst;
  return (screen->availableSize() - kFrame).boundedTo(kLargestFirst);
}

const QString kExample = QStringLiteral("examples/marlow.kva.h5");

QStringList droppedFiles(const QMimeData* data) {
  QStringList files;
  for (const QUrl& url : data->urls())
    if (url.isLocalFile()) files << url.toLocalFile();
  return files;
}

}  // namespace

MainWindow::MainWindow(ExplorerSettings& settings, QWidget* parent)
    : QMainWindow(parent),
      m_settings(settings),
      m_theme(new ThemeSwitch(settings, this)),
      m_document(m_thread),
      m_shelf(m_document),
      m_selection(m_document),
      m_actions(*this),
      m_message(new views::MessageBar),
      m_stack(new QStackedWidget),
      m_start(new views::StartPage),
      m_results_page(new views::ResultsPage),
      m_recent(new RecentFiles(settings, *m_actions.recent, *m_start, this)),
      m_pages(new WindowPages(*this, m_document, m_selection)),
      m_views(new ViewKeeper(m_document, m_selection, m_pages->map(), m_pages->bookmarks().model(), m_pages->whatIf(),
                             this)),
      m_status(new QLabel),
      m_progress(new QLabel),
      m_capture(new WindowCapture(*this, m_actions, settings, *m_progress)),
      m_results(new WindowResults(*m_results_page, *m_capture, this)) {
  setObjectName(QStringLiteral("mainWindow"));
  setAcceptDrops(true);
  setDockOptions(AnimatedDocks | AllowNestedDocks | AllowTabbedDocks);
  m_stack->addWidget(m_start);
  m_stack->addWidget(m_pages->central());
  m_stack->addWidget(m_results_page);
  auto* centre = new QWidget;
  auto* column = new QVBoxLayout(centre);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(m_message);
  column->addWidget(m_stack, 1);
  setCentralWidget(centre);
  m_status->setObjectName(QStringLiteral("status"));
  m_progress->setObjectName(QStringLiteral("captureProgress"));
  statusBar()->addWidget(m_status, 1);
  statusBar()->addPermanentWidget(m_progress);
  m_theme->addTo(*m_actions.theme);
  m_pages->addTo(*m_actions.panels);
  connectDocument();
  connectActions();
  connectPages();
  connectShelf();
  connectNavigation(*this, m_actions, m_document, m_selection);
  connectCopies(*this, m_actions, *m_pages, *m_views);
  connectCapture();
  connectResults();
  m_start->setExampleAvailable(!resourceFile(kExample).isEmpty());
  m_start->setCaptureAvailable(!kvatlasProgramme().isEmpty());
  m_recent->show();
  new HelpFinder(this);
  resize(firstSize(screen()));
  m_pages->arrange();
  restoreGeometry(settings.geometry());
  if (restoreState(settings.layout())) m_pages->keepSizes();
  m_pages->grid().setChoices(settings.gridChoices());
  showNoTrace();
}

// The pages use document and selection, so delete them first.
MainWindow::~MainWindow() {
  delete m_results;
  delete m_capture;
  for (QDockWidget* dock : m_pages->docks()) delete dock;
  delete takeCentralWidget();
}

QString MainWindow::message() const {
  return m_message->text();
}

bool MainWindow::busy() const {
  return m_document.state() == views::Document::State::Opening || m_thread.pending() > 0 || m_pages->busy() ||
         m_views->busy() || m_results_page->source().busy();
}

void MainWindow::connectDocument() {
  using views::Document;
  connect(&m_document, &Document::opened, this, &MainWindow::showTrace);
  connect(&m_document, &Document::refreshed, this, &MainWindow::showWarnings);
  connect(&m_document, &Document::refreshed, this, &MainWindow::updateStatus);
  connect(&m_document, &Document::refreshed, this, [this] { m_capture->traceShown(m_document); });
  connect(&m_document, &Document::closed, this, &MainWindow::showNoTrace);
  connect(&m_document, &Document::failed, this, &MainWindow::failToOpen);
  connect(&m_document, &Document::vanished, this, &MainWindow::warn);
  connect(&m_document, &Document::runFailed, this, [this](int, const QString& text) { warn(text); });
  using views::Selection;
  for (const auto signal : {&Selection::reset, &Selection::layerChanged, &Selection::headChanged})
    connect(&m_selection, signal, this, &MainWindow::updateStatus);
}

void MainWindow::warn(const QString& message) {
  m_message->show(views::MessageBar::Kind::Warning, message);
}

void MainWindow::connectPages() {
  views::MapPage& map = m_pages->map();
  connect(&map, &views::MapPage::statusChanged, this, &MainWindow::updateStatus);
  connect(&map, &views::MapPage::failed, this, [this](const QString& text) {
    m_comparison_warning = text;
    warn(text);
  });
  connect(&map.other(), &views::OtherTrace::changed, this, [this, &map] {
    if (map.other().isOpen() && message() == m_comparison_warning) m_message->clear();
  });
  connect(&map, &views::MapPage::noted, this,
          [this](const QString& text) { m_message->show(views::MessageBar::Kind::Note, text); });
  connect(&map, &views::MapPage::spanWanted, this, &MainWindow::nameSpan);
  connect(&m_pages->tokens(), &views::TokensPage::spanWanted, this, &MainWindow::nameSpan);
  connect(&m_pages->tokens(), &views::TokensPage::found, &map, &views::MapPage::reveal);
  views::BookmarkModel& notes = m_pages->bookmarks().model();
  connect(&notes, &views::BookmarkModel::answerChanged, this, [this, &notes] {
    const QString answer = notes.answer().isEmpty() ? m_results->answerOf(m_document) : notes.answer();
    m_pages->runs().setAnswer(answer);
    m_pages->sweep().setAnswer(answer);
  });
  connect(&m_pages->runs(), &views::RunsPage::answerRequested, this, &MainWindow::enterAnswer);
  for (const auto& [action, show] : {std::pair{m_actions.caption, &views::MapPage::setCaptionShown},
                                     std::pair{m_actions.readout, &views::MapPage::setReadoutShown},
                                     std::pair{m_actions.overview, &views::MapPage::setOverviewShown}}) {
    const QString part = action->objectName();
    action->setChecked(m_settings.shown(part));
    (map.*show)(m_settings.shown(part));
    connect(action, &QAction::toggled, &map, show);
    connect(action, &QAction::toggled, this, [this, part](bool shown) { m_settings.setShown(part, shown); });
  }
  connect(&map, &views::MapPage::modeChanged, this, [this, &map] {
    m_actions.compare_modes[static_cast<std::size_t>(map.mode())]->setChecked(true);
    m_actions.setOtherOpen(map.other().isOpen());
  });
  views::BookmarksPage& bookmarks = m_pages->bookmarks();
  connect(&bookmarks, &views::BookmarksPage::stateRequested, m_views, &ViewKeeper::show);
  connect(&bookmarks, &views::BookmarksPage::failed, this, &MainWindow::warn);
  connect(&bookmarks, &views::BookmarksPage::spanChosen, this, [this, &map](TokenIndex begin, TokenIndex) {
    const auto last = static_cast<TokenIndex>(m_document.tokens() - 1);
    m_selection.setCursor(
        views::Cell{std::max(m_selection.cursor() ? m_selection.cursor()->query : last, begin), begin});
    map.reveal(*m_selection.cursor());
  });
  connect(m_views, &ViewKeeper::failed, this, &MainWindow::warn);
  connect(m_actions.add_bookmark, &QAction::triggered, &bookmarks, &views::BookmarksPage::addBookmark);
  QAction* undo = bookmarks.undoStack().createUndoAction(this, tr("&Undo"));
  QAction* redo = bookmarks.undoStack().createRedoAction(this, tr("&Redo"));
  undo->setShortcut(QKeySequence::Undo);
  redo->setShortcut(QKeySequence::Redo);
  m_actions.bookmarks->addActions({undo, redo});
  m_actions.keep_in_trace->setChecked(m_settings.notesInTrace());
  connect(m_actions.keep_in_trace, &QAction::toggled, this, [this](bool inside) {
    m_settings.setNotesInTrace(inside);
    chooseNotesPlace();
  });
}

void MainWindow::connectShelf() {
  m_pages->runs().setShelf(m_shelf);
  m_pages->sweep().setShelf(m_shelf);
  connect(&m_shelf, &views::TraceShelf::failed, this, &MainWindow::warn);
  connect(&m_pages->runs(), &views::RunsPage::otherRunChosen, this, &MainWindow::swapTrace);
  connect(&m_pages->sweep(), &views::SweepChart::otherRunChosen, this, &MainWindow::swapTrace);
  connect(m_actions.add_trace, &QAction::triggered, this, [this] {
    const QStringList files = QFileDialog::getOpenFileNames(this, tr("Add traces to the list"), m_settings.lastFolder(),
                                                            tr("KVAtlas traces (*.kva.h5 *.kva.h5.part *.h5)"));
    for (const QString& file : files) addFile(file);
  });
}

void MainWindow::connectActions() {
  connect(m_start, &views::StartPage::openRequested, this, &MainWindow::chooseFile);
  connect(m_start, &views::StartPage::captureRequested, m_capture, &WindowCapture::show);
  connect(m_start, &views::StartPage::exampleRequested, this, &MainWindow::openExample);
  connect(m_start, &views::StartPage::fileRequested, this, &MainWindow::openFile);
  connect(m_recent, &RecentFiles::chosen, this, &MainWindow::openFile);
  connect(m_actions.open, &QAction::triggered, this, &MainWindow::chooseFile);
  connect(m_actions.close, &QAction::triggered, this, &MainWindow::closeTrace);
  connect(m_actions.refresh, &QAction::triggered, this,
          [this] { resultsShown() ? m_results_page->source().reload() : m_document.refresh(); });
  connect(m_actions.quit, &QAction::triggered, this, &QWidget::close);
  connect(m_actions.fit, &QAction::triggered, &m_pages->map().view(), &views::MapView::fit);
  connect(m_actions.find, &QAction::triggered, this, [this] {
    m_actions.map_only->setChecked(false);
    m_pages->showPage("text");
    m_pages->tokens().startSearch();
  });
  for (QAction* action : m_actions.compare_modes)
    connect(action, &QAction::triggered, this,
            [this, action] { m_pages->map().setMode(static_cast<views::PaneMode>(action->data().toInt())); });
  connect(m_actions.other_trace, &QAction::triggered, this, &MainWindow::chooseOther);
  connect(m_actions.close_other, &QAction::triggered, &m_pages->map().other(), &views::OtherTrace::close);
  for (QAction* action : m_actions.figure_kinds)
    connect(action, &QAction::triggered, this, [this, action] { showFigure(action->data().toString()); });
  connect(m_actions.reset_layout, &QAction::triggered, this, &MainWindow::resetLayout);
  connect(m_actions.full_screen, &QAction::toggled, this,
          [this](bool full) { setWindowState(windowState().setFlag(Qt::WindowFullScreen, full)); });
  connect(m_actions.map_only, &QAction::toggled, this, &MainWindow::setMapOnly);
  connect(m_actions.square_cells, &QAction::toggled, &m_pages->map(), &views::MapPage::setSquareCells);
  connect(m_actions.tour, &QAction::triggered, this, [this] {
    const bool back = m_document.isOpen() && m_stack->currentWidget() == m_start;
    m_stack->setCurrentWidget(back ? m_pages->central() : m_start);
    m_pages->setVisible(back);
  });
  connect(m_actions.keys, &QAction::triggered, this, [this] { showKeys(*this, m_actions); });
  connect(m_actions.glossary, &QAction::triggered, this, [this] { showGlossary(*this, QApplication::focusWidget()); });
  connect(m_actions.whats_this, &QAction::triggered, this, [] { QWhatsThis::enterWhatsThisMode(); });
  connect(m_actions.manual, &QAction::triggered, this, [this] { showManual(*this); });
  connect(m_actions.about, &QAction::triggered, this, [this] { showAbout(*this); });
}

void MainWindow::connectCapture() {
  connect(m_capture, &WindowCapture::reported, this, [this](const QString& message, bool failure) {
    m_message->show(failure ? views::MessageBar::Kind::Failure : views::MessageBar::Kind::Warning, message);
  });
  connect(m_capture, &WindowCapture::openRequested, this, [this](const QString& path) {
    m_views->remember();
    m_document.open(path.toStdString());
  });
  connect(m_capture, &WindowCapture::captureFinished, this, [this](const QString& path) {
    const bool shown = m_document.isOpen() && m_document.path() == path.toStdString();
    shown ? m_document.refresh() : openFile(path);
  });
  connect(&m_pages->whatIf(), &views::WhatIfPage::captureRequested, m_capture,
          [this](const QString& method, const QString& budget, int window) {
            m_capture->showFor(m_document, method, budget, window);
          });
}

void MainWindow::connectResults() {
  views::ResultsSource& source = m_results_page->source();
  connect(m_actions.open_results, &QAction::triggered, this, &MainWindow::chooseResults);
  connect(m_actions.show_results, &QAction::triggered, this, &MainWindow::showResults);
  connect(m_results, &WindowResults::openRequested, this, &MainWindow::openFile);
  connect(m_results, &WindowResults::reported, this, &MainWindow::warn);
  connect(&source, &views::ResultsSource::failed, this, [this](const QString& text) {
    m_opening_results = false;
    m_message->show(views::MessageBar::Kind::Failure, text);
  });
  connect(&source, &views::ResultsSource::changed, this, [this, &source] {
    if (!std::exchange(m_opening_results, false) || !source.isOpen()) return;
    m_recent->add(QString::fromStdString(source.folder().string()));
    showResults(true);
  });
}

bool MainWindow::resultsShown() const {
  return m_stack->currentWidget() == m_results_page;
}

// Or what is behind them: the trace, or the start page.
void MainWindow::showResults(bool shown) {
  if (shown && !resultsShown() && m_document.isOpen()) savePages();
  m_actions.map_only->setChecked(false);
  QWidget* const behind = m_document.isOpen() ? m_pages->central() : m_start;
  m_stack->setCurrentWidget(shown ? m_results_page : behind);
  m_pages->setVisible(!shown && m_document.isOpen());
  m_actions.setTraceOpen(m_document.isOpen());
  m_actions.setOtherOpen(m_pages->map().other().isOpen());
  m_actions.setResultsOpen(m_results_page->source().isOpen(), shown);
  const QString path = shown                 ? QString::fromStdString(m_results_page->source().folder().string())
                       : m_document.isOpen() ? QString::fromStdString(m_document.path().string())
                                             : QString();
  setWindowFilePath(path);
  setWindowTitle(path.isEmpty() ? tr("KVAtlas Explorer") : tr("%1 — KVAtlas Explorer").arg(QFileInfo(path).fileName()));
  shown ? m_status->clear() : updateStatus();
}

void MainWindow::chooseResults() {
  const QString folder =
      QFileDialog::getExistingDirectory(this, tr("Open the results of an evaluation"), m_settings.lastFolder());
  if (!folder.isEmpty()) openFile(folder);
}

void MainWindow::chooseFile() {
  const QString file = QFileDialog::getOpenFileName(this, tr("Open trace"), m_settings.lastFolder(),
                                                    tr("KVAtlas traces (*.kva.h5 *.kva.h5.part *.h5);;All files (*)"));
  if (!file.isEmpty()) openFile(file);
}

void MainWindow::openExample() {
  openFile(resourceFile(kExample));
}

void MainWindow::nameSpan(TokenIndex begin, TokenIndex end) {
  bool chosen = false;
  const QString name =
      QInputDialog::getText(this, tr("Name a span"), tr("Name of the tokens %1 to %2").arg(begin).arg(end - 1),
                            QLineEdit::Normal, {}, &chosen)
          .trimmed();
  if (chosen && !name.isEmpty()) m_pages->bookmarks().model().addSpan({begin, end, name.toStdString()});
}

void MainWindow::enterAnswer() {
  bool chosen = false;
  views::BookmarkModel& notes = m_pages->bookmarks().model();
  const QString answer =
      QInputDialog::getText(this, tr("Expected answer"), tr("A right answer contains (empty: not known)"),
                            QLineEdit::Normal, notes.answer(), &chosen);
  if (chosen) notes.setAnswer(answer);
}

// The panels in front, as long as a trace is open: without one all are hidden.
void MainWindow::savePages() {
  if (m_document.isOpen()) m_settings.savePages(m_pages->raisedPages(), m_pages->grid().choices());
}

void MainWindow::closeTrace() {
  if (resultsShown()) {
    m_results_page->source().close();
    return showResults(false);
  }
  m_actions.map_only->setChecked(false);
  savePages();
  m_views->remember();
  m_shelf.clear();
  m_document.close();
}

void MainWindow::openFile(const QString& path) {
  if (const QString folder = WindowResults::folderOf(path); !folder.isEmpty()) {
    m_message->clear();
    m_opening_results = true;
    m_settings.setLastFolder(folder);
    return m_results_page->source().open(folder.toStdString());
  }
  m_views->remember();
  m_message->clear();
  m_opening = QFileInfo(path).absoluteFilePath();
  m_settings.setLastFolder(QFileInfo(path).absolutePath());
  m_document.open(m_opening.toStdString());
}

void MainWindow::addFile(const QString& path) {
  if (!m_document.isOpen() && m_document.state() != views::Document::State::Opening) return openFile(path);
  m_shelf.add(QFileInfo(path).absoluteFilePath().toStdString());
}

// The other trace in the same view, with one of its runs in focus.
void MainWindow::swapTrace(const QString& path, int run) {
  views::ViewState state = m_views->present();
  state.focus = run;
  state.compare = views::kNoRun;
  state.hidden.clear();
  state.view.erase("what_if");
  m_views->remember();
  m_views->setInitialView(state);
  m_shelf.swapIn(path.toStdString());
}

// Never writes to the bundled example.
void MainWindow::chooseNotesPlace() {
  const bool example = m_document.isOpen() && m_document.path() == resourceFile(kExample).toStdString();
  m_pages->bookmarks().model().setKeptInTrace(m_settings.notesInTrace() && !example);
}

void MainWindow::showTrace() {
  const QString path = QString::fromStdString(m_document.path().string());
  chooseNotesPlace();
  m_recent->add(path);
  setWindowFilePath(path);
  setWindowTitle(tr("%1 — KVAtlas Explorer").arg(QFileInfo(path).fileName()));
  m_stack->setCurrentWidget(m_pages->central());
  m_pages->setVisible(true);
  m_actions.setTraceOpen(true);
  m_actions.setResultsOpen(m_results_page->source().isOpen(), false);
  m_message->clear();
  m_warnings.clear();
  showWarnings();
  updateStatus();
  m_pages->raisePages(m_settings.raisedPages());
  m_capture->traceShown(m_document);
  m_results->traceShown(m_document, m_selection, m_pages->map());
  m_pages->mapWidget()->setFocus();  // arrow keys step layers and heads at once
}

// Shows the trace's warnings and clears those that a refresh has resolved.
void MainWindow::showWarnings() {
  QStringList sentences;
  for (const std::string& warning : m_document.warnings()) sentences << QString::fromStdString(warning);
  if (message() == m_warnings) m_message->clear();
  m_warnings = sentences.join(QLatin1Char(' '));
  if (!m_warnings.isEmpty()) warn(m_warnings);
}

void MainWindow::showNoTrace() {
  m_actions.map_only->setChecked(false);
  setWindowFilePath({});
  setWindowTitle(tr("KVAtlas Explorer"));
  m_stack->setCurrentWidget(m_start);
  m_pages->setVisible(false);
  m_actions.setTraceOpen(false);
  m_actions.setResultsOpen(m_results_page->source().isOpen(), false);
  m_status->clear();
  if (!m_warnings.isEmpty() && message() == m_warnings) m_message->clear();  // of the closed trace
  m_warnings.clear();
  m_start->focusFirst();
  if (m_results_page->source().isOpen()) showResults(true);
}

void MainWindow::failToOpen(const QString& message) {
  if (m_capture->retryOpen()) return;  // a capture that has just begun may not be readable yet
  m_message->show(views::MessageBar::Kind::Failure, message);
  if (!QFileInfo::exists(m_opening)) m_recent->remove(m_opening);
  m_recent->show();
}

void MainWindow::updateStatus() {
  if (!m_document.isOpen() || resultsShown()) return;
  m_status->setText(tr("L%1 %2 · %3 tokens · %4")
                        .arg(m_selection.layer().value)
                        .arg(QString::fromStdString(views::textOf(m_selection.head())),
                             QString::fromStdString(views::grouped(m_document.tokens())), m_pages->map().statusText()));
}

void MainWindow::showFigure(const QString& kind) {
  auto* dialog = new views::FigureDialog(m_document, m_selection, kind.toStdString(), this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->show();
}

void MainWindow::chooseOther() {
  const QString file = QFileDialog::getOpenFileName(this, tr("Open a second trace of the same tokens"),
                                                    m_settings.lastFolder(), tr("KVAtlas traces (*.kva.h5 *.h5)"));
  if (!file.isEmpty()) m_pages->map().other().open(file.toStdString());
}

void MainWindow::setMapOnly(bool only) {
  m_pages->setMapOnly(only);
  menuBar()->setVisible(!only);
  statusBar()->setVisible(!only);
  m_pages->mapWidget()->setFocus();
}

void MainWindow::resizeEvent(QResizeEvent* event) {
  QMainWindow::resizeEvent(event);
  m_pages->followShape();
}

void MainWindow::resetLayout() {
  m_actions.map_only->setChecked(false);
  m_settings.forgetLayout();
  m_pages->arrange();
  if (!m_document.isOpen()) m_pages->setVisible(false);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (!droppedFiles(event->mimeData()).isEmpty()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  const QStringList files = droppedFiles(event->mimeData());
  if (files.isEmpty()) return;
  event->acceptProposedAction();
  openFile(files.front());
  for (const QString& more : files.mid(1)) addFile(more);
}

void MainWindow::closeEvent(QCloseEvent* event) {
  m_views->remember();
  m_actions.map_only->setChecked(false);
  savePages();
  // Without a trace in view all docks are hidden; do not save them as closed.
  if (!m_document.isOpen() || resultsShown()) m_pages->setVisible(true);
  m_settings.saveWindow(saveGeometry(), saveState());
  QMainWindow::closeEvent(event);
}

}  // namespace kvatlas::app
