#include "app/explorer/measure/bench.h"

#include <fmt/format.h>

#include <sys/resource.h>

#include <QAbstractEventDispatcher>
#include <QApplication>
#include <QEvent>
#include <QTimer>
#include <QWheelEvent>
#include <algorithm>
#include <cstdio>
#include <ctime>

#include "app/explorer/measure/settle.h"
#include "app/explorer/window/main_window.h"
#include "app/explorer/window/window_pages.h"
#include "core/base/console.h"
#include "views/pages/map/map_mosaic.h"
#include "views/pages/map/map_page.h"

namespace kvatlas::app {
namespace {

constexpr double kLongestWaitMs = 60000, kMebibyte = 1 << 20;
constexpr int kMostTurns = 50, kIdleTurns = 4;

double millisecondsSince(Moment start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double quantile(std::vector<double> values, double q) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

// CPU time of this thread: on a busy machine it separates work from waiting.
double threadMilliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

void sendMouse(QWidget& widget, QEvent::Type type, const QPointF& at, Qt::MouseButtons held) {
  const Qt::MouseButton button = type == QEvent::MouseMove ? Qt::NoButton : Qt::LeftButton;
  QMouseEvent event(type, at, widget.mapToGlobal(at), button, held, Qt::NoModifier);
  QApplication::sendEvent(&widget, &event);
}

void sendWheel(QWidget& widget, int notches) {
  const QPointF at = QRectF(widget.rect()).center() + QPointF(-40, 60);
  QWheelEvent event(at, widget.mapToGlobal(at), QPoint(), QPoint(0, 120 * notches), Qt::NoButton, Qt::NoModifier,
                    Qt::NoScrollPhase, false);
  QApplication::sendEvent(&widget, &event);
}

}  // namespace

Bench::Bench(MainWindow& window, const std::string& script, Moment started)
    : m_window(window),
      m_steps(script == "startup" ? std::vector<BenchStep>{} : benchScript(script)),
      m_started(started) {
  window.installEventFilter(this);
  watch(window.pages().map().view());
  connect(&window.document(), &views::Document::opened, this, &Bench::traceOpened);
  connect(&window.document(), &views::Document::failed, this, [this](const QString& message) {
    say(fmt::format("kvatlas-explorer: error: {}\n", message.toStdString()));
    QCoreApplication::exit(1);
  });
}

void Bench::watch(QWidget& map) {
  m_maps.push_back(&map);
  map.installEventFilter(this);
  // Replot may paint before it returns.
  connect(static_cast<QCustomPlot*>(&map), &QCustomPlot::beforeReplot, this, [this, &map] { m_drawn.insert(&map); });
}

bool Bench::allShown() const {
  return std::ranges::all_of(m_maps, [this](const QWidget* map) { return m_shown.contains(map); });
}

// One map, or several that move together.
void Bench::showViews(int count) {
  for (QWidget* map : m_maps) map->removeEventFilter(this);
  m_maps.clear();
  views::MapPage& page = m_window.pages().map();
  page.setViews(count, 0);
  if (count < 2)
    watch(page.view());
  else
    for (int pane = 0; pane < page.mosaic().count(); ++pane) watch(page.mosaic().view(pane));
  settle(m_window);
}

QWidget& Bench::target() const {
  return *m_maps[m_maps.size() / 2];
}

bool Bench::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::Paint && m_drawn.contains(watched)) m_shown.insert(watched);
  if (event->type() == QEvent::Paint && watched == &m_window && !m_painted) {
    m_painted = true;
    fmt::print("window painted   {:8.1f} ms\n", millisecondsSince(m_started));
  }
  return QObject::eventFilter(watched, event);
}

void Bench::traceOpened() {
  if (m_opened) return;
  m_opened = true;
  fmt::print("trace open       {:8.1f} ms\n", millisecondsSince(m_started));
  QTimer::singleShot(0, this, &Bench::run);
}

void Bench::run() {
  m_window.repaint();
  views::MapView& map = m_window.pages().map().view();
  while (map.map().tokens() > 0 && !map.map().settled() && millisecondsSince(m_started) < kLongestWaitMs)
    QCoreApplication::processEvents(QEventLoop::AllEvents, 10);
  map.repaint();
  fmt::print("first picture    {:8.1f} ms  (the map at its own level of detail)\n", millisecondsSince(m_started));
  settle(m_window);
  fmt::print("at rest          {:8.1f} ms\n", millisecondsSince(m_started));
  resetView();
  Frames all;
  if (!m_steps.empty())
    fmt::print("\n{:<24} {:>6} {:>9} {:>9} {:>9} {:>15}\n", "step", "frames", "median", "95 %", "longest",
               "processor 95 %");
  for (const BenchStep& step : m_steps) {
    if (step.verb == "wait") {
      settle(m_window);
      continue;
    }
    if (step.verb == "views") {
      showViews(step.a);
      continue;
    }
    const Frames frames = measure(step);
    printRow(step.text(), frames);
    all.wall.insert(all.wall.end(), frames.wall.begin(), frames.wall.end());
    all.processor.insert(all.processor.end(), frames.processor.begin(), frames.processor.end());
  }
  if (!all.wall.empty()) printRow("all", all);
  printMemory();
  finish();
}

// Starts from the same view, whatever state the trace stores.
void Bench::resetView() {
  m_window.selection().setLayer(LayerIndex(0));
  m_window.selection().setHead({});
  m_window.pages().map().view().fit();
  settle(m_window);
}

void Bench::printRow(const std::string& name, const Frames& frames) {
  fmt::print("{:<24} {:>6} {:>9.1f} {:>9.1f} {:>9.1f} {:>15.1f}\n", name, frames.wall.size(),
             quantile(frames.wall, 0.5), quantile(frames.wall, 0.95), quantile(frames.wall, 1),
             quantile(frames.processor, 0.95));
}

void Bench::printMemory() const {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const views::TileCache& tiles = m_window.pages().map().tiles();
  fmt::print("\nmemory: tiles {:.1f} MiB of at most {:.0f} MiB, whole programme at most {:.0f} MiB\n",
             static_cast<double>(tiles.bytes()) / kMebibyte, static_cast<double>(tiles.limit()) / kMebibyte,
             static_cast<double>(usage.ru_maxrss) / 1024);
}

// Runs the event loop until the map has painted the change, then handles the remaining events.
void Bench::awaitPainted() {
  QAbstractEventDispatcher& loop = *QAbstractEventDispatcher::instance();
  // An event without effect leaves the loop idle; a single idle turn may only precede a timer.
  for (int turn = 0, idle = 0; turn < kMostTurns && idle < kIdleTurns && !allShown(); ++turn)
    idle = loop.processEvents(QEventLoop::AllEvents) ? 0 : idle + 1;
  QCoreApplication::processEvents();
}

// A frame is an event and all event-loop work it causes, including painting.
Bench::Frames Bench::measure(const BenchStep& step) {
  Frames frames;
  QWidget& map = target();
  const QPointF start = QRectF(map.rect()).center();
  if (step.verb == "pan") sendMouse(map, QEvent::MouseButtonPress, start, Qt::LeftButton);
  for (int time = 0; time < step.times; ++time) {
    const Moment before = std::chrono::steady_clock::now();
    const double processor = threadMilliseconds();
    m_drawn.clear();
    m_shown.clear();
    act(step, time);
    awaitPainted();
    frames.wall.push_back(millisecondsSince(before));
    frames.processor.push_back(threadMilliseconds() - processor);
  }
  if (step.verb == "pan") sendMouse(map, QEvent::MouseButtonRelease, start, Qt::NoButton);
  return frames;
}

void Bench::act(const BenchStep& step, int time) {
  QWidget& map = target();
  if (step.verb == "wheel") return sendWheel(map, step.a);
  if (step.verb == "layer") return m_window.selection().stepLayer(step.a);
  if (step.verb == "head") return m_window.selection().stepHead(step.a);
  if (step.verb == "fit") return m_window.actions().fit->trigger();
  const QPointF start = QRectF(map.rect()).center();
  // Back and forth, to stay inside the map.
  const int along = time % 20 < 10 ? time % 20 : 20 - time % 20;
  sendMouse(map, QEvent::MouseMove, start + QPointF(step.a, step.b) * along / 4.0, Qt::LeftButton);
}

void Bench::finish() {
  std::fflush(stdout);
  QCoreApplication::exit(0);  // exits without saving layout or view
}

}  // namespace kvatlas::app
