// Measures the window from inside: drives real events and prints how long their frames took. Knows the window only.
#pragma once

#include <QObject>
#include <chrono>
#include <string>
#include <vector>

#include "app/explorer/measure/bench_script.h"

namespace kvatlas::app {

class MainWindow;
using Moment = std::chrono::steady_clock::time_point;

// Starts by itself once the window has opened its trace, prints to stdout, and ends the programme without keeping
// anything.
class Bench : public QObject {
  Q_OBJECT

 public:
  // "startup": times since `started` and no more. UsageError for a script that cannot be read.
  Bench(MainWindow& window, const std::string& script, Moment started);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void traceOpened();
  void run();
  void finish();
  struct Frames {
    std::vector<double> wall, processor;  // ms of every frame; processor: of the window's own thread
  };
  [[nodiscard]] Frames measure(const BenchStep& step);
  static void printRow(const std::string& name, const Frames& frames);
  void act(const BenchStep& step, int time);
  void awaitPainted();
  void printMemory() const;
  void startAnew();

  MainWindow& m_window;
  std::vector<BenchStep> m_steps;  // empty: startup
  Moment m_started;
  bool m_painted = false, m_opened = false;
  bool m_drawn = false, m_shown = false;  // since the last event: the map drew anew, and was painted with it
};

}  // namespace kvatlas::app
