#include "app/explorer/window/main_window.h"

#include <QCloseEvent>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QMenuBar>
#include <QMimeData>
#include <QScreen>
#include <QStackedWidget>
#include <QStatusBar>
#include <QVBoxLayout>

#include "app/explorer/capture/window_capture.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/programme_files.h"
#include "app/explorer/results/window_results.h"
#include "app/explorer/window/help_finder.h"
#include "app/explorer/window/recent_files.h"
#include "app/explorer/window/theme_switch.h"
#include "app/explorer/window/view_keeper.h"
#include "app/explorer/window/window_copies.h"
#include "app/explorer/window/window_help.h"
#include "app/explorer/window/window_map.h"
#include "app/explorer/window/window_navigation.h"
#include "app/explorer/window/window_notes.h"
#include "app/explorer/window/window_pages.h"
#include "app/explorer/window/window_screens.h"
#include "app/explorer/window/window_traces.h"
#include "views/models/number_text.h"
#include "views/pages/bookmarks_page.h"
#include "views/pages/charts/sweep_chart.h"
#include "views/pages/figure_dialog.h"
#include "views/pages/focus_ring.h"
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

// The message bar above everything else.
QWidget* stacked(QWidget* message, QWidget* screens) {
  auto* centre = new QWidget;
  auto* column = new QVBoxLayout(centre);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(message);
  column->addWidget(screens, 1);
  return centre;
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
      m_start(new views::StartPage),
      m_results_page(new views::ResultsPage),
      m_recent(new RecentFiles(settings, *m_actions.recent, *m_start, this)),
      m_pages(new WindowPages(*this, m_document, m_selection)),
      m_views(new ViewKeeper(m_document, m_selection, m_pages->map(), m_pages->bookmarks().model(), m_pages->whatIf(),
                             this)),
      m_screens(new WindowScreens(*this, {*m_start, *m_pages, *m_results_page, m_actions, m_document})),
      m_notes(new WindowNotes(*this, m_actions, *m_pages, *m_views, settings)),
      m_traces(new WindowTraces(*this, m_actions, {m_document, m_shelf, *m_pages, *m_views, settings})),
      m_status(new QLabel),
      m_progress(new QLabel),
      m_capture(new WindowCapture(*this, m_actions, settings, *m_progress)),
      m_results(new WindowResults(*this, *m_results_page, *m_capture, settings)) {
  setObjectName(QStringLiteral("mainWindow"));
  setAcceptDrops(true);
  setDockOptions(AnimatedDocks | AllowNestedDocks | AllowTabbedDocks);
  setCentralWidget(stacked(m_message, &m_screens->stack()));
  m_status->setObjectName(QStringLiteral("status"));
  m_progress->setObjectName(QStringLiteral("captureProgress"));
  statusBar()->addWidget(m_status, 1);
  statusBar()->addPermanentWidget(m_progress);
  m_theme->addTo(*m_actions.theme);
  m_pages->addTo(*m_actions.panels);
  connectDocument();
  connectFiles();
  connectLook();
  connectHelp(*this, m_actions);
  connectNavigation(*this, m_actions, *m_pages, m_document, m_selection);
  connectCopies(*this, m_actions, *m_pages, *m_views);
  connectCapture();
  connectResults();
  connectScreens();
  m_start->setExampleAvailable(!resourceFile(kExample).isEmpty());
  m_start->setCaptureAvailable(!kvatlasProgramme().isEmpty());
  m_recent->show();
  new WindowMap(*this, m_actions, m_pages->map(), *m_message, settings);
  new HelpFinder(this);
  new views::FocusRing(*this);
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

void MainWindow::fail(const QString& message) {
  m_message->show(views::MessageBar::Kind::Failure, message);
}

void MainWindow::connectFiles() {
  connect(m_start, &views::StartPage::openRequested, this, &MainWindow::chooseFile);
  connect(m_start, &views::StartPage::captureRequested, m_capture, &WindowCapture::show);
  connect(m_start, &views::StartPage::exampleRequested, this, &MainWindow::openExample);
  connect(m_start, &views::StartPage::fileRequested, this, &MainWindow::openFile);
  connect(m_recent, &RecentFiles::chosen, this, &MainWindow::openFile);
  connect(m_traces, &WindowTraces::openRequested, this, &MainWindow::openFile);
  connect(m_traces, &WindowTraces::failed, this, &MainWindow::warn);
  connect(m_notes, &WindowNotes::failed, this, &MainWindow::warn);
  connect(m_views, &ViewKeeper::failed, this, &MainWindow::warn);
  connect(m_actions.open, &QAction::triggered, this, &MainWindow::chooseFile);
  connect(m_actions.close, &QAction::triggered, this, &MainWindow::closeTrace);
  connect(m_actions.refresh, &QAction::triggered, this, [this] {
    m_screens->shown() == WindowScreens::Screen::Results ? m_results_page->source().reload() : m_document.refresh();
  });
  connect(m_actions.quit, &QAction::triggered, this, &QWidget::close);
  connect(&m_pages->bookmarks().model(), &views::BookmarkModel::answerChanged, this, &MainWindow::showAnswer);
}

void MainWindow::connectLook() {
  connect(m_actions.find, &QAction::triggered, this, [this] {
    m_actions.map_only->setChecked(false);
    m_pages->showPage("text");
    m_pages->tokens().startSearch();
  });
  for (QAction* action : m_actions.figure_kinds)
    connect(action, &QAction::triggered, this, [this, action] { showFigure(action->data().toString()); });
  connect(m_actions.reset_layout, &QAction::triggered, this, &MainWindow::resetLayout);
  connect(m_actions.full_screen, &QAction::toggled, this,
          [this](bool full) { setWindowState(windowState().setFlag(Qt::WindowFullScreen, full)); });
  connect(m_actions.map_only, &QAction::toggled, this, &MainWindow::setMapOnly);
}

void MainWindow::connectCapture() {
  connect(m_capture, &WindowCapture::reported, this,
          [this](const QString& message, bool failure) { failure ? fail(message) : warn(message); });
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
  connect(m_actions.open_results, &QAction::triggered, m_results, &WindowResults::choose);
  connect(m_actions.show_results, &QAction::triggered, m_screens, &WindowScreens::showResults);
  connect(m_results, &WindowResults::openRequested, this, &MainWindow::openFile);
  connect(m_results, &WindowResults::reported, this, &MainWindow::warn);
  connect(m_results, &WindowResults::failed, this, &MainWindow::fail);
  connect(m_results, &WindowResults::opened, this, [this](const QString& folder) {
    m_recent->add(folder);
    m_screens->showResults(true);
  });
}

void MainWindow::connectScreens() {
  connect(m_actions.tour, &QAction::triggered, m_screens, &WindowScreens::toggleStart);
  connect(&m_pages->map(), &views::MapPage::statusChanged, this, &MainWindow::updateStatus);
  connect(m_screens, &WindowScreens::leavingTrace, this, &MainWindow::savePages);
  connect(m_screens, &WindowScreens::changed, this, &MainWindow::updateStatus);
}

void MainWindow::chooseFile() {
  const QString file = QFileDialog::getOpenFileName(this, tr("Open trace"), m_settings.lastFolder(),
                                                    tr("KVAtlas traces (*.kva.h5 *.kva.h5.part *.h5);;All files (*)"));
  if (!file.isEmpty()) openFile(file);
}

void MainWindow::openExample() {
  openFile(resourceFile(kExample));
}

// The panels in front, while they are shown.
void MainWindow::savePages() {
  if (m_document.isOpen() && m_screens->shown() == WindowScreens::Screen::Trace)
    m_settings.savePages(m_pages->raisedPages(), m_pages->grid().choices());
}

void MainWindow::closeTrace() {
  if (m_screens->shown() == WindowScreens::Screen::Results) {
    m_results_page->source().close();
    return m_screens->showResults(false);
  }
  m_actions.map_only->setChecked(false);
  savePages();
  m_views->remember();
  m_shelf.clear();
  m_document.close();
}

void MainWindow::openFile(const QString& path) {
  m_message->clear();
  m_failure.clear();
  if (const QString folder = WindowResults::folderOf(path); !folder.isEmpty()) return m_results->open(folder);
  m_views->remember();
  m_opening = QFileInfo(path).absoluteFilePath();
  m_settings.setLastFolder(QFileInfo(path).absolutePath());
  m_document.open(m_opening.toStdString());
}

void MainWindow::addFile(const QString& path) {
  m_traces->add(path);
}

// Opened, or replaced by another trace under its name; the latter says nothing about another file that failed to open.
void MainWindow::showTrace() {
  m_notes->choosePlace(m_document.path() == resourceFile(kExample).toStdString());
  m_recent->add(QString::fromStdString(m_document.path().string()));
  m_screens->show(WindowScreens::Screen::Trace);
  if (m_failure.isEmpty() || message() != m_failure) m_message->clear();
  m_warnings.clear();
  showWarnings();
  raiseFirstPages();
  m_capture->traceShown(m_document);
  m_results->traceShown(m_document, m_selection, m_pages->map());
  m_pages->mapWidget()->setFocus();  // arrow keys step layers and heads at once
}

// As at the last start; at the first one, the chart that says which runs keep the named span.
void MainWindow::raiseFirstPages() {
  const QStringList raised = m_settings.raisedPages();
  m_pages->raisePages(raised);
  if (raised.isEmpty() && !m_document.prompt().spans.empty()) m_pages->dock("span").raise();
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
  if (!m_warnings.isEmpty() && message() == m_warnings) m_message->clear();  // of the closed trace
  m_warnings.clear();
  m_screens->showResults(m_results_page->source().isOpen());
  if (m_screens->shown() == WindowScreens::Screen::Start) m_start->focusFirst();
}

// What is right in this trace: the user's note, else the results of its case.
void MainWindow::showAnswer() {
  const QString noted = m_pages->bookmarks().model().answer();
  const QString answer = noted.isEmpty() ? m_results->answerOf(m_document) : noted;
  m_pages->runs().setAnswer(answer);
  m_pages->sweep().setAnswer(answer);
}

void MainWindow::failToOpen(const QString& message) {
  if (m_capture->retryOpen()) return;  // a capture that has just begun may not be readable yet
  m_failure = message;
  fail(message);
  if (!QFileInfo::exists(m_opening)) m_recent->remove(m_opening);
  m_recent->show();
}

void MainWindow::updateStatus() {
  if (!m_document.isOpen() || m_screens->shown() == WindowScreens::Screen::Results) return m_status->clear();
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
  if (m_screens->shown() != WindowScreens::Screen::Trace) m_pages->setVisible(false);
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
  if (m_screens->shown() != WindowScreens::Screen::Trace) m_pages->setVisible(true);
  m_settings.saveWindow(saveGeometry(), saveState());
  QMainWindow::closeEvent(event);
}

}  // namespace kvatlas::app
