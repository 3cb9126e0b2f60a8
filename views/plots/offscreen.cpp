#include "views/plots/offscreen.h"

#include <QApplication>
#include <QHashSeed>
#include <clocale>
#include <cstdio>

namespace kvatlas::views {
namespace {

// Suppresses Qt's warning about XDG_RUNTIME_DIR, which drawing without a desktop session does not need.
void printMessage(QtMsgType, const QMessageLogContext&, const QString& message) {
  if (!message.startsWith(QLatin1String("QStandardPaths:"))) std::fprintf(stderr, "%s\n", qPrintable(message));
}

}  // namespace

void ensureApplication() {
  if (QCoreApplication::instance() != nullptr) return;
  qputenv("QT_QPA_PLATFORM", "offscreen");
  qInstallMessageHandler(printMessage);
  QHashSeed::setDeterministicGlobalSeed();
  static int count = 1;
  static char name[] = "kvatlas";
  static char* arguments[] = {name, nullptr};
  // Never deleted: Qt must not shut down during static destruction.
  static QApplication* const application = new QApplication(count, arguments);
  Q_UNUSED(application);
  std::setlocale(LC_NUMERIC, "C");  // QApplication sets the user's locale; keep plain numbers in files
}

}  // namespace kvatlas::views
