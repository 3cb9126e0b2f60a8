// kvatlas_map_bench [TRACE] [--size W H] [--colour-map N] [--shots DIR]: times the frames of a map under real events,
// off screen: from the event to the painted widget. Without a trace, on a made-up map of 131,072 tokens down to single
// tokens. --colour-map: QCPColorMap on N × N cells under the same events, for comparison.
#include <time.h>

#include <QApplication>
#include <QElapsedTimer>
#include <QWheelEvent>
#include <QtTest/QTest>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <random>

#include "tests/views/plots/synthetic_tiles.h"
#include "views/models/map/tile_cache.h"
#include "views/pages/map/map_binding.h"
#include "views/plots/offscreen.h"

namespace {

using namespace kvatlas;
using namespace kvatlas::views;

double threadMilliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

// One event until nothing is left to paint.
class Frames {
 public:
  void time(const std::function<void()>& event) {
    QElapsedTimer clock;
    clock.start();
    const double cpu = threadMilliseconds();
    event();
    QCoreApplication::sendPostedEvents();
    QCoreApplication::processEvents();
    m_wall.push_back(static_cast<double>(clock.nsecsElapsed()) * 1e-6);
    m_cpu.push_back(threadMilliseconds() - cpu);
  }
  void report(const char* name) {
    const auto at = [](std::vector<double> values, double share) {
      std::sort(values.begin(), values.end());
      return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
    };
    std::printf("%-34s %4zu frames  wall median %7.2f  p95 %7.2f  max %7.2f   cpu p95 %7.2f ms\n", name, m_wall.size(),
                at(m_wall, 0.5), at(m_wall, 0.95), at(m_wall, 1), at(m_cpu, 0.95));
    m_wall.clear();
    m_cpu.clear();
  }

 private:
  std::vector<double> m_wall, m_cpu;
};

void wheel(QWidget& widget, const QPointF& at, int delta, Qt::KeyboardModifiers keys = {}) {
  QWheelEvent event(at, widget.mapToGlobal(at), {}, {0, delta}, Qt::NoButton, keys, Qt::NoScrollPhase, false);
  QCoreApplication::sendEvent(&widget, &event);
}

void moveMouse(QWidget& widget, const QPointF& at, Qt::MouseButtons buttons = {}) {
  QMouseEvent event(QEvent::MouseMove, at, widget.mapToGlobal(at), Qt::NoButton, buttons, Qt::NoModifier);
  QCoreApplication::sendEvent(&widget, &event);
}

void pan(QWidget& widget, Frames& frames, const QPoint& middle, int steps = 120) {
  QTest::mousePress(&widget, Qt::LeftButton, {}, middle);
  for (int step = 1; step <= steps; ++step) {
    const QPointF at = middle + QPointF(160 * std::sin(step * 0.11), 120 * std::cos(step * 0.07) - 120);
    frames.time([&] { moveMouse(widget, at, Qt::LeftButton); });
  }
  QTest::mouseRelease(&widget, Qt::LeftButton, {}, middle);
}

void drive(QWidget& widget, const QPoint& middle) {
  Frames frames;
  for (int level = 0; level < 4; ++level) {
    for (int step = 0; step < 10; ++step) frames.time([&] { wheel(widget, middle, 120); });
    frames.report("wheel in, 10 notches");
    QTest::qWait(300);
    pan(widget, frames, middle);
    frames.report("pan");
    QTest::qWait(300);
  }
  for (int step = 0; step < 40; ++step) frames.time([&] { wheel(widget, middle, -120); });
  frames.report("wheel out, 40 notches");
  for (int step = 0; step < 120; ++step) frames.time([&] { moveMouse(widget, middle + QPointF(step, step)); });
  frames.report("crosshair");
}

void driveColours(MapView& view) {
  Frames frames;
  for (int step = 0; step < 60; ++step) {
    ColourSettings colours = view.colours();
    colours.low *= 1.05;
    frames.time([&] { view.setColours(colours); });
  }
  frames.report("colour limits");
}

std::vector<StripPointer> madeUpStrips(std::uint64_t tokens) {
  std::vector<StripPointer> strips;
  std::mt19937 random(3);
  const std::vector<std::string> methods = {"pyramidkv", "snapkv", "h2o", "streamingllm"};
  for (const std::string& method : methods) {
    KeptStrip strip{methodTitle(method) + " 2048", methodColour(method), std::vector<float>(tokens, 0), {}};
    strip.reasons.assign(tokens, policy::Reason::Evicted);
    const auto keep = [&](std::uint64_t i, policy::Reason why) {
      strip.share[i] = 1;
      strip.reasons[i] = why;
    };
    for (std::uint64_t i = 0; i < tokens; ++i) {
      if (method != "streamingllm" && random() % 64 == 0) keep(i, policy::Reason::Score);
      if (i + tokens / 128 >= tokens) keep(i, policy::Reason::Window);
      if (i < 4) keep(i, policy::Reason::Sink);
    }
    strips.push_back(std::make_shared<const StripCounts>(strip));
  }
  return strips;
}

void fill(MapView& view, test::SyntheticTiles& tiles, std::uint64_t tokens) {
  MapPicture picture;
  picture.a.source = &tiles;
  view.setPicture(picture);
  std::mt19937 random(5);
  std::exponential_distribution<float> mass(1);
  std::vector<float> received(tokens), entropy(tokens);
  for (std::uint64_t i = 0; i < tokens; ++i) {
    received[i] = mass(random) * (i < 4 ? 4000.0F : 1.0F);
    entropy[i] = std::log(static_cast<float>(i) + 1) * 0.6F;
  }
  view.setReceived(received);
  view.setEntropy(entropy);
  view.setStrips(madeUpStrips(tokens));
  view.setSpans({{20000, 26000, "document 1"}, {60000, 60400, "needle"}, {129000, 131072, "question"}});
}

void shoot(MapView& view, const QString& folder) {
  int number = 0;
  const auto shot = [&](const QString& name) {
    QTest::qWait(400);
    view.grab().save(QStringLiteral("%1/%2-%3.png").arg(folder).arg(number++, 2, 10, QLatin1Char('0')).arg(name));
  };
  for (const Theme theme : {Theme::Light, Theme::Dark}) {
    view.setTheme(theme);
    view.fit();
    shot(QStringLiteral("all"));
    const QRect area = view.mapRect().rect();
    moveMouse(view, area.center() + QPointF(-80, 90));
    for (int step = 0; step < 14; ++step) wheel(view, area.center() + QPointF(-80, 80), 120);
    shot(QStringLiteral("closer"));
    for (int step = 0; step < 22; ++step) wheel(view, area.center(), 120, Qt::ControlModifier);
    shot(QStringLiteral("diagonal"));
  }
}

void runColourMap(int cells, const QSize& size) {
  QCustomPlot plot;
  plot.resize(size);
  plot.setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
  plot.yAxis->setRangeReversed(true);
  auto* map = new QCPColorMap(plot.xAxis, plot.yAxis);
  map->data()->setSize(cells, cells);
  map->data()->setRange({0, cells - 1.0}, {0, cells - 1.0});
  for (int row = 0; row < cells; ++row)
    for (int column = 0; column <= row; ++column) map->data()->setCell(column, row, column % 97 == 0 ? 0.5 : 1e-4);
  map->setDataRange({1e-5, 1});
  map->setDataScaleType(QCPAxis::stLogarithmic);
  plot.rescaleAxes();
  plot.show();
  QElapsedTimer clock;
  clock.start();
  plot.replot();
  std::printf("QCPColorMap %d × %d: first picture %.0f ms\n", cells, cells,
              static_cast<double>(clock.nsecsElapsed()) * 1e-6);
  Frames frames;
  pan(plot, frames, plot.axisRect()->rect().center(), cells > 8192 ? 12 : 120);
  frames.report("QCPColorMap pan");
  for (int step = 0; step < (cells > 8192 ? 3 : 10); ++step)
    frames.time([&] {
      map->setDataRange({1e-5 * (step + 1), 1});
      plot.replot();
    });
  frames.report("QCPColorMap colour limits");
}

}  // namespace

int main(int count, char** arguments) {
  ensureApplication();
  QString trace, shots;
  QSize size(1280, 1000);
  int colour_map = 0;
  for (int i = 1; i < count; ++i) {
    const QString word = QString::fromLocal8Bit(arguments[i]);
    if (word == "--size" && i + 2 < count) {
      size = {QByteArray(arguments[i + 1]).toInt(), QByteArray(arguments[i + 2]).toInt()};
      i += 2;
    } else if (word == "--colour-map" && i + 1 < count) {
      colour_map = QByteArray(arguments[++i]).toInt();
    } else if (word == "--shots" && i + 1 < count) {
      shots = QString::fromLocal8Bit(arguments[++i]);
    } else {
      trace = word;
    }
  }
  if (colour_map > 0) {
    runColourMap(colour_map, size);
    return 0;
  }
  test::SyntheticTiles made_up(131072, [] {
    std::vector<std::uint64_t> stripes;
    for (std::uint64_t i = 0; i < 131072; i += 1500 + i % 700) stripes.push_back(i);
    return stripes;
  }());
  ReadingThread thread;
  Document document(thread);
  TileCache tiles(document);
  Selection selection(document);
  MapView view;
  view.resize(size);
  QElapsedTimer clock;
  clock.start();
  view.show();
  std::unique_ptr<MapBinding> binding;
  if (trace.isEmpty()) {
    fill(view, made_up, 131072);
  } else {
    binding = std::make_unique<MapBinding>(document, selection, tiles, view);
    document.open(trace.toStdString());
  }
  while (view.map().tokens() == 0 || !view.map().settled()) QCoreApplication::processEvents();
  std::printf("%d × %d pixels, %llu tokens; first complete picture after %.0f ms\n", size.width(), size.height(),
              static_cast<unsigned long long>(view.map().tokens()), static_cast<double>(clock.nsecsElapsed()) * 1e-6);
  if (!shots.isEmpty()) {
    shoot(view, shots);
    return 0;
  }
  drive(view, view.mapRect().rect().center() + QPoint(-60, 60));
  driveColours(view);
  std::printf("tiles kept: %.1f MiB\n", static_cast<double>(tiles.bytes()) / (1 << 20));
  return 0;
}
