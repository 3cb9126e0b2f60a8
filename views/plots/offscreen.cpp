#include "views/plots/offscreen.h"

#include <QApplication>
#include <QHashSeed>
#include <clocale>
#include <cstdio>

namespace kvatlas::views {
namespace {

// Qt tells every user without a desktop session that XDG_RUNTIME_DIR is not set; a drawing programme does not need it.
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
  // Lives to the end of the process: Qt does not like to be taken down while static objects die.
  static QApplication* const application = new QApplication(count, arguments);
  Q_UNUSED(application);
  std::setlocale(LC_NUMERIC, "C");  // QApplication takes the user's locale; numbers in files stay plain
}

}  // namespace kvatlas::views
