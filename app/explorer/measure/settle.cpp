#include "app/explorer/measure/settle.h"

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QEventLoop>

#include "app/explorer/window/main_window.h"

namespace kvatlas::app {
namespace {

constexpr int kLongestMs = 10000, kLongestOpeningMs = 120000, kQuietMs = 120;

}  // namespace

bool settle(MainWindow& window) {
  QElapsedTimer all, quiet;
  all.start();
  quiet.start();
  const auto longest = [&window] {
    return window.document().state() == views::Document::State::Opening ? kLongestOpeningMs : kLongestMs;
  };
  while (all.elapsed() < longest()) {
    QCoreApplication::processEvents(QEventLoop::AllEvents, 10);
    QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    if (window.busy()) quiet.restart();
    if (quiet.elapsed() >= kQuietMs) return true;
  }
  return false;
}

}  // namespace kvatlas::app
