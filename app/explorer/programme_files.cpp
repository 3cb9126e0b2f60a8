#include "app/explorer/programme_files.h"

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>

namespace kvatlas::app {
namespace {

// Relative to this executable: installed, or in a build folder (test executables lie one folder deeper).
QString firstExisting(const QStringList& candidates) {
  for (const QString& candidate : candidates) {
    const QString path = QDir(QCoreApplication::applicationDirPath()).absoluteFilePath(candidate);
    if (QFileInfo::exists(path)) return QDir::cleanPath(path);
  }
  return {};
}

}  // namespace

QString kvatlasProgramme() {
  const QString found = firstExisting({QStringLiteral("kvatlas"), QStringLiteral("../bin/kvatlas")});
  return QFileInfo(found).isExecutable() ? found : QString();
}

QString resourceFile(const QString& name) {
  return firstExisting({QStringLiteral("../share/kvatlas/") + name, QStringLiteral("../../resources/") + name});
}

QString documentFile(const QString& name) {
  return firstExisting({QStringLiteral("../share/doc/kvatlas/docs/") + name, QStringLiteral("../../docs/") + name});
}

}  // namespace kvatlas::app
