// `kvatlas-explorer`: opens the window, or runs the screenshot tour or a benchmark.
#include <fmt/format.h>
#include <unistd.h>

#include <QApplication>
#include <QHashSeed>
#include <QIcon>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>

#include "app/explorer/arguments.h"
#include "app/explorer/explorer_application.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/measure/bench.h"
#include "app/explorer/measure/screenshot_tour.h"
#include "app/explorer/programme_files.h"
#include "app/explorer/window/main_window.h"
#include "app/explorer/window/map_view_state.h"
#include "app/explorer/window/view_keeper.h"
#include "core/base/console.h"
#include "core/base/outcome.h"
#include "core/trace/vetting.h"

namespace {

using kvatlas::printable;
using kvatlas::say;
using kvatlas::app::ExplorerArguments;

bool s_starting = true;

// Without a display Qt prints several lines and calls abort(); print one sentence instead.
// Drops Qt's messages about missing session folders.
void printMessage(QtMsgType type, const QMessageLogContext&, const QString& message) {
  if (message.startsWith(QLatin1String("QStandardPaths:")) ||
      message.startsWith(QLatin1String("This plugin does not support")) || (s_starting && type != QtFatalMsg))
    return;
  if (type != QtFatalMsg) {
    say(fmt::format("kvatlas-explorer: {}\n", printable(message.toStdString())));
    return;
  }
  say(fmt::format("kvatlas-explorer: error: cannot open a window: {}\n",
                  printable(kvatlas::firstLine(message.toStdString()))));
  ::_exit(1);
}

void requireDisplay() {
  for (const char* name : {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return;
  kvatlas::fail("no display (DISPLAY is not set); without a display use kvatlas figure");
}

int runTour(const ExplorerArguments& arguments, int argc, char** argv) {
  qputenv("QT_QPA_PLATFORM", "offscreen");
  QHashSeed::setDeterministicGlobalSeed();
  const QApplication application(argc, argv);
  kvatlas::app::runScreenshotTour(QString::fromLocal8Bit(arguments.tour_folder.c_str()),
                                  QString::fromLocal8Bit(arguments.file.c_str()));
  return 0;
}

// An error that nothing expected: the window goes on, and says so.
void tellUnexpected(kvatlas::app::MainWindow& window, const QString& message) {
  say(fmt::format("kvatlas-explorer: error: {}\n", printable(message.toStdString())));
  window.fail(QObject::tr("An error inside KVAtlas: %1. What it was showing may be incomplete").arg(message));
}

int runWindow(const ExplorerArguments& arguments, kvatlas::app::Moment started, int argc, char** argv) {
  requireDisplay();
  const kvatlas::app::ExplorerApplication application(argc, argv);
  s_starting = false;
  QApplication::setApplicationDisplayName(QStringLiteral("KVAtlas Explorer"));
  QApplication::setDesktopFileName(QStringLiteral("kvatlas-explorer"));
  QApplication::setWindowIcon(QIcon(kvatlas::app::resourceFile(QStringLiteral("package/kvatlas.svg"))));
  kvatlas::app::ExplorerSettings settings(QString::fromStdString(arguments.settings_file));
  if (!arguments.theme.empty()) settings.setTheme(QString::fromStdString(arguments.theme));
  kvatlas::app::MainWindow window(settings);
  QObject::connect(&application, &kvatlas::app::ExplorerApplication::failed, &window,
                   [&window](const QString& message) { tellUnexpected(window, message); });
  std::unique_ptr<kvatlas::app::Bench> bench;
  if (!arguments.bench_script.empty()) {
    bench = std::make_unique<kvatlas::app::Bench>(window, arguments.bench_script, started);
    window.viewKeeper().setRemembering(false);
  }
  if (!arguments.view.empty()) window.viewKeeper().setInitialView(kvatlas::app::readViewState(arguments.view));
  window.show();
  if (!arguments.file.empty()) window.openFile(QString::fromLocal8Bit(arguments.file.c_str()));
  for (const std::string& more : arguments.more_files) window.addFile(QString::fromLocal8Bit(more.c_str()));
  return QApplication::exec();
}

}  // namespace

int main(int argc, char** argv) {
  const auto started = std::chrono::steady_clock::now();
  kvatlas::reserveStandardStreams();
  kvatlas::trace::offerVetting(argc, argv);
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
  qInstallMessageHandler(printMessage);
  int status = 0;
  const kvatlas::Outcome outcome = kvatlas::guarded([&] {
    const auto arguments = kvatlas::app::parseArguments(argc, argv);
    if (!arguments) return;
    status =
        arguments->tour_folder.empty() ? runWindow(*arguments, started, argc, argv) : runTour(*arguments, argc, argv);
  });
  if (outcome.exit_code == 0) return status;
  say(fmt::format("kvatlas-explorer: error: {}\n", printable(kvatlas::firstLine(outcome.message))));
  return outcome.exit_code;
}
