#include "app/explorer/measure/screenshot_tour.h"

#include <QApplication>
#include <QComboBox>
#include <QDir>
#include <QDockWidget>
#include <QElapsedTimer>
#include <QFileInfo>
#include <QPlainTextEdit>
#include <QProcess>
#include <QTabWidget>
#include <QTemporaryDir>

#include "app/explorer/capture/capture_dialog.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/export_dialog.h"
#include "app/explorer/measure/settle.h"
#include "app/explorer/programme_files.h"
#include "app/explorer/window/main_window.h"
#include "app/explorer/window/theme_switch.h"
#include "app/explorer/window/window_pages.h"
#include "core/base/error.h"
#include "views/models/document/notes.h"
#include "views/models/items/span_attention.h"
#include "views/pages/figure_dialog.h"
#include "views/pages/grid_page.h"
#include "views/pages/map/map_page.h"
#include "views/pages/results/case_details.h"
#include "views/pages/results/results_page.h"
#include "views/pages/tokens_page.h"
#include "views/pages/what_if_page.h"

namespace kvatlas::app {
namespace {

constexpr double kCloseTokens = 13;       // half of the keys in the close picture
constexpr int kLongestPromptMs = 60'000;  // for the prompt of a case, which another process makes

// Copies a trace; deletes the copy and its bookmarks file when destroyed.
class TemporaryCopy {
 public:
  TemporaryCopy(const QString& from, QString path) : m_path(std::move(path)) {
    remove();
    if (!QFile::copy(from, m_path)) fail("{}: cannot be written", m_path.toStdString());
  }
  ~TemporaryCopy() { remove(); }
  TemporaryCopy(const TemporaryCopy&) = delete;
  TemporaryCopy& operator=(const TemporaryCopy&) = delete;
  [[nodiscard]] const QString& path() const { return m_path; }

 private:
  void remove() {
    for (const QString& file : {m_path, QString::fromStdString(views::notesFile(m_path.toStdString()).string())})
      QFile::remove(file);
  }
  QString m_path;
};

// Runs of an open trace: an eviction run to focus and another to compare it with.
std::pair<views::RunId, views::RunId> runsToCompare(const views::Document& document) {
  std::vector<views::RunId> evicting;
  for (const views::RunId run : document.runIds())
    if (!document.runHeader(run).is_full && document.runFinished(run)) evicting.push_back(run);
  if (evicting.empty()) return {views::kNoRun, views::kNoRun};
  return {evicting.back(), evicting[(evicting.size() - 1) / 2]};
}

class Tour {
 public:
  Tour(QString folder, const QString& theme, const QString& trace, const QSize& size)
      : m_folder(std::move(folder)), m_theme(theme), m_settings(m_scratch.filePath(QStringLiteral("settings.ini"))) {
    m_settings.setTheme(theme);
    m_window = std::make_unique<MainWindow>(m_settings);
    m_window->resize(size);
    m_window->show();
    m_window->resetLayout();
    m_source = trace;
  }

  void runAll() {
    grab(QStringLiteral("start"), *m_window);
    open();
    grab(QStringLiteral("first"), *m_window);
    grabMapOnly();
    chooseRuns();
    grabPages();
    grabMaps();
    grabComparisons();
    grabDialogs();
  }

  // A folder of results: its grid or table with a case and its prompt, and the other tab.
  void runResults() {
    m_window->openFile(m_source);
    QElapsedTimer waiting;
    const auto* prompt = m_window->results().details().findChild<QPlainTextEdit*>(QStringLiteral("casePrompt"));
    for (waiting.start(); waiting.elapsed() < kLongestPromptMs && prompt->document()->isEmpty();)
      QCoreApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents, 20);
    if (!m_window->results().source().isOpen()) fail("{}", m_window->message().toStdString());
    grab(QStringLiteral("results-%1x%2").arg(m_window->width()).arg(m_window->height()), *m_window);
    m_window->results().findChild<QTabWidget*>(QStringLiteral("overview"))->setCurrentIndex(0);
    grab(QStringLiteral("results-table-%1x%2").arg(m_window->width()).arg(m_window->height()), *m_window);
  }

  // The first picture at another size.
  void runFirst() {
    open();
    const double ratio = m_window->devicePixelRatioF();
    const QString scaled = ratio > 1 ? QStringLiteral("@%1").arg(ratio) : QString();
    const QSize pixels = m_window->size() * ratio;
    grab(QStringLiteral("%1x%2%3").arg(pixels.width()).arg(pixels.height()).arg(scaled), *m_window);
  }

 private:
  void grab(const QString& name, QWidget& widget) {
    settle(*m_window);
    const QString path = QDir(m_folder).filePath(m_theme + QLatin1Char('-') + name + QStringLiteral(".png"));
    if (!widget.grab().save(path)) fail("{}: cannot be written", path.toStdString());
  }

  void open() {
    // A copy, because the tour adds a bookmark.
    m_trace = std::make_unique<TemporaryCopy>(m_source, QDir(m_folder).filePath(QFileInfo(m_source).fileName()));
    m_window->openFile(m_trace->path());
    settle(*m_window);
    const std::string message = m_window->message().toStdString();
    if (!m_window->document().isOpen())
      fail("{}", message.empty() ? m_source.toStdString() + ": not opened in time" : message);
  }

  void chooseRuns() {
    const auto& document = m_window->document();
    const views::TokenRange range = views::rangeOfInterest(document.prompt(), document.tokens());
    m_window->selection().setFocusRun(runsToCompare(document).first);
    m_window->selection().setCursor(
        views::Cell{static_cast<TokenIndex>(document.tokens() - 1), (range.begin + range.end) / 2});
  }

  void grabMapOnly() {
    m_window->actions().map_only->setChecked(true);
    grab(QStringLiteral("map-only"), *m_window);
    m_window->actions().map_only->setChecked(false);
  }

  void grabPages() {
    auto* method = m_window->pages().whatIf().findChild<QComboBox*>(QStringLiteral("whatIfMethod"));
    for (QDockWidget* dock : m_window->pages().docks()) {
      const Qt::DockWidgetArea area = m_window->dockWidgetArea(dock);
      m_window->pages().setFolded(Qt::BottomDockWidgetArea, area != Qt::BottomDockWidgetArea);
      dock->raise();
      const QString id = dock->objectName().section(QLatin1Char('-'), 1);
      if (id == QLatin1String("what-if")) {
        method->setCurrentIndex(method->findData(QStringLiteral("snapkv")));
        m_window->pages().whatIf().slider().setValue(150);
      }
      if (id == QLatin1String("bookmarks")) m_window->actions().add_bookmark->trigger();
      if (id == QLatin1String("decode")) m_window->selection().setStep(4);
      grab(QStringLiteral("window-") + id, *m_window);
      if (id == QLatin1String("bookmarks")) m_window->pages().dock("text").raise();
    }
    m_window->pages().setFolded(Qt::BottomDockWidgetArea, true);
    m_window->pages().grid().findChild<QComboBox*>(QStringLiteral("gridMetric"))->setCurrentIndex(0);
    grab(QStringLiteral("thumbnails"), *m_window);
  }

  // Single tokens with their text and the crosshair, nine linked heads, and the text shaded by the answer's first
  // token.
  void grabMaps() {
    const auto& document = m_window->document();
    views::MapPage& map = m_window->pages().map();
    const views::TokenRange range = views::rangeOfInterest(document.prompt(), document.tokens());
    const double key = (range.begin + range.end) / 2.0, last = static_cast<double>(document.tokens());
    m_window->pages().grid().findChild<QComboBox*>(QStringLiteral("gridMetric"))->setCurrentIndex(1);
    map.showWindow({key - kCloseTokens, key + kCloseTokens, last - 2 * kCloseTokens, last});
    grab(QStringLiteral("close"), *m_window);
    map.fit();
    map.setViews(9, 0);
    grab(QStringLiteral("nine"), *m_window);
    map.setViews(1, 0);
    auto* query = m_window->pages().tokens().findChild<QComboBox*>(QStringLiteral("querySource"));
    query->setCurrentIndex(query->count() - 1);
    grab(QStringLiteral("query"), *m_window);
    query->setCurrentIndex(0);
  }

  void grabComparisons() {
    using views::PaneMode;
    const auto [focus, other] = runsToCompare(m_window->document());
    m_window->selection().setFocusRun(focus);
    m_window->selection().setCompareRun(other);
    for (const auto& [mode, name] : {std::pair{PaneMode::SideBySide, "beside"}, std::pair{PaneMode::Split, "split"},
                                     std::pair{PaneMode::Difference, "difference"}}) {
      m_window->pages().map().setMode(mode);
      if (mode == PaneMode::Difference) {
        m_window->pages().setFolded(Qt::BottomDockWidgetArea, false);
        m_window->pages().dock("kept").raise();
      }
      grab(QStringLiteral("compare-") + QString::fromLatin1(name), *m_window);
    }
    m_window->pages().setFolded(Qt::BottomDockWidgetArea, true);
    m_window->pages().map().setMode(PaneMode::Single);
    m_window->selection().setCompareRun(views::kNoRun);
  }

  void grabDialogs() {
    CaptureJob job;
    CaptureDialog capture(job, m_settings, kvatlasProgramme());
    capture.show();
    grab(QStringLiteral("capture"), capture);
    capture.close();
    ExportDialog screen(*m_window->pages().map().shownView());
    screen.show();
    grab(QStringLiteral("export"), screen);
    views::FigureDialog figure(m_window->document(), m_window->selection(), "eviction");
    figure.show();
    grab(QStringLiteral("figure"), figure);
  }

  QString m_folder, m_theme, m_source;
  QTemporaryDir m_scratch;
  ExplorerSettings m_settings;
  std::unique_ptr<TemporaryCopy> m_trace;
  std::unique_ptr<MainWindow> m_window;
};

constexpr QSize kWindow(1440, 900);
constexpr QSize kOtherSizes[] = {{1280, 720}, {1920, 1080}, {3840, 2160}};
// 2880×1800 and 3840×2160 pixels on sharp screens.
struct Sharp {
  int scale;
  QSize window;
};
constexpr Sharp kSharp[] = {{2, {1440, 900}}, {3, {1280, 720}}};

// Qt reads the scale factor once, at the start: draws the sharp pictures in another process.
void runScaled(const QString& folder, const QString& trace, int scale) {
  QProcess process;
  QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
  environment.insert(QStringLiteral("QT_SCALE_FACTOR"), QString::number(scale));
  process.setProcessEnvironment(environment);
  process.setProcessChannelMode(QProcess::ForwardedChannels);
  process.start(QCoreApplication::applicationFilePath(), {trace, QStringLiteral("--screenshot-tour"), folder});
  process.waitForFinished(-1);
  if (process.exitStatus() != QProcess::NormalExit || process.exitCode() != 0)
    fail("the tour at scale {} failed", scale);
}

void tourOfResults(const QString& folder, const QString& results) {
  for (const char* name : {"light", "dark"})
    for (const QSize& size : {QSize(1280, 720), QSize(1440, 900), QSize(1920, 1080)})
      Tour(folder, QString::fromLatin1(name), results, size).runResults();
}

}  // namespace

void runScreenshotTour(const QString& folder, const QString& trace) {
  if (!QDir().mkpath(folder)) fail("{}: cannot create the folder", folder.toStdString());
  QString source = trace.isEmpty() ? resourceFile(QStringLiteral("examples/marlow.kva.h5")) : trace;
  if (source.isEmpty()) fail("examples/marlow.kva.h5: not found next to kvatlas-explorer");
  if (!QFileInfo::exists(source)) fail("{}: not found", source.toStdString());
  source = QFileInfo(source).absoluteFilePath();
  if (QFileInfo(source).isDir()) return tourOfResults(folder, source);
  const int scale = qRound(qApp->devicePixelRatio());
  for (const char* name : {"light", "dark"}) {
    const QString theme = QString::fromLatin1(name);
    for (const Sharp& sharp : kSharp)
      if (sharp.scale == scale) Tour(folder, theme, source, sharp.window).runFirst();
    if (scale > 1) continue;
    Tour(folder, theme, source, kWindow).runAll();
    for (const QSize& size : kOtherSizes) Tour(folder, theme, source, size).runFirst();
  }
  if (scale > 1) return;
  for (const Sharp& sharp : kSharp) runScaled(folder, source, sharp.scale);
}

}  // namespace kvatlas::app
