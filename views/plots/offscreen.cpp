#include "views/plots/offscreen.h"

#include <QApplication>
#include <QHashSeed>
#include <clocale>

namespace kvatlas::views {

void ensureApplication() {
  if (QCoreApplication::instance() != nullptr) return;
  qputenv("QT_QPA_PLATFORM", "offscreen");
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
