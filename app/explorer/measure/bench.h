// Benchmark inside the window: sends real events and prints their frame times.
#pragma once

#include <QObject>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "app/explorer/measure/bench_script.h"

namespace kvatlas::app {

class MainWindow;
using Moment = std::chrono::steady_clock::time_point;

// Starts once the window has opened its trace, prints to stdout,
// and exits without saving anything.
class Bench : public QObject {
  Q_OBJECT

 public:
  // "startup": only the times since `started`. UsageError for a malformed script.
  Bench(MainWindow& window, const std::string& script, Moment started);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void traceOpened();
  void run();
  void finish();
  struct Frames {
    std::vector<double> wall, processor;  // ms per frame; processor: CPU time of the GUI thread
  };
  [[nodiscard]] Frames measure(const BenchStep& step);
  static void printRow(const std::string& name, const Frames& frames);
  void act(const BenchStep& step, int time);
  void awaitPainted();
  void printMemory() const;
  void resetView();
  void watch(QWidget& map);
  void showViews(int count);
  [[nodiscard]] QWidget& target() const;  // the map that receives the events

  MainWindow& m_window;
  std::vector<BenchStep> m_steps;  // empty: startup
  Moment m_started;
  bool m_painted = false, m_opened = false;
  // Since the last event: maps that replotted, and then painted. A frame ends when all visible ones have.
  std::set<const QObject*> m_drawn, m_shown;
  [[nodiscard]] bool allShown() const;
  std::vector<QWidget*> m_maps;  // the visible ones
};

}  // namespace kvatlas::app
