#include "app/explorer/explorer_settings.h"

#include <QFileInfo>

namespace kvatlas::app {
namespace {

const QString kRecent = QStringLiteral("recent"), kTheme = QStringLiteral("theme");
const QString kGeometry = QStringLiteral("window/geometry"), kLayout = QStringLiteral("window/layout3");
const QString kFolder = QStringLiteral("folder"), kDialogs = QStringLiteral("dialogs/");
const QString kModels = QStringLiteral("models/"), kRaised = QStringLiteral("window/raised"),
              kGrid = QStringLiteral("window/grid");
const QString kNotesInTrace = QStringLiteral("notes_in_trace"), kShown = QStringLiteral("shown/");

// `file` if given, else Qt's place for the user's ini file.
QString storePath(const QString& file) {
  if (!file.isEmpty()) return file;
  return QSettings(QSettings::IniFormat, QSettings::UserScope, QStringLiteral("KVAtlas"), QStringLiteral("Explorer"))
      .fileName();
}

}  // namespace

ExplorerSettings::ExplorerSettings(const QString& file) : m_store(storePath(file), QSettings::IniFormat) {}

QStringList ExplorerSettings::recentFiles() const {
  return m_store.value(kRecent).toStringList();
}

void ExplorerSettings::addRecentFile(const QString& path) {
  const QString absolute = QFileInfo(path).absoluteFilePath();
  QStringList files = recentFiles();
  files.removeAll(absolute);
  files.prepend(absolute);
  m_store.setValue(kRecent, files.mid(0, kMostRecentFiles));
}

void ExplorerSettings::removeRecentFile(const QString& path) {
  QStringList files = recentFiles();
  files.removeAll(QFileInfo(path).absoluteFilePath());
  m_store.setValue(kRecent, files);
}

void ExplorerSettings::clearRecentFiles() {
  m_store.remove(kRecent);
}

QString ExplorerSettings::theme() const {
  const QString theme = m_store.value(kTheme).toString();
  return theme == QLatin1String("light") || theme == QLatin1String("dark") ? theme : QStringLiteral("system");
}

void ExplorerSettings::setTheme(const QString& theme) {
  m_store.setValue(kTheme, theme);
}

bool ExplorerSettings::notesInTrace() const {
  return m_store.value(kNotesInTrace, true).toBool();
}

void ExplorerSettings::setNotesInTrace(bool inside) {
  m_store.setValue(kNotesInTrace, inside);
}

bool ExplorerSettings::shown(const QString& part) const {
  return m_store.value(kShown + part, true).toBool();
}

void ExplorerSettings::setShown(const QString& part, bool shown) {
  m_store.setValue(kShown + part, shown);
}

QByteArray ExplorerSettings::geometry() const {
  return m_store.value(kGeometry).toByteArray();
}

QByteArray ExplorerSettings::layout() const {
  return m_store.value(kLayout).toByteArray();
}

void ExplorerSettings::saveWindow(const QByteArray& geometry, const QByteArray& layout) {
  m_store.setValue(kGeometry, geometry);
  m_store.setValue(kLayout, layout);
}

void ExplorerSettings::forgetLayout() {
  m_store.remove(kLayout);
}

QString ExplorerSettings::modelPath(const QString& fingerprint) const {
  return m_store.value(kModels + fingerprint).toString();
}

void ExplorerSettings::setModelPath(const QString& fingerprint, const QString& path) {
  if (!fingerprint.isEmpty()) m_store.setValue(kModels + fingerprint, path);
}

QStringList ExplorerSettings::raisedPages() const {
  return m_store.value(kRaised).toStringList();
}

QVariantMap ExplorerSettings::gridChoices() const {
  return m_store.value(kGrid).toMap();
}

void ExplorerSettings::savePages(const QStringList& raised, const QVariantMap& grid) {
  m_store.setValue(kRaised, raised);
  m_store.setValue(kGrid, grid);
}

QString ExplorerSettings::lastFolder() const {
  return m_store.value(kFolder).toString();
}

void ExplorerSettings::setLastFolder(const QString& folder) {
  m_store.setValue(kFolder, folder);
}

QVariantMap ExplorerSettings::dialog(const QString& name) const {
  return m_store.value(kDialogs + name).toMap();
}

void ExplorerSettings::saveDialog(const QString& name, const QVariantMap& fields) {
  m_store.setValue(kDialogs + name, fields);
}

}  // namespace kvatlas::app
