// What the window remembers from one start to the next: layout, theme, recent files, the last capture; knows no widget.
#pragma once

#include <QByteArray>
#include <QSettings>
#include <QStringList>

namespace kvatlas::app {

inline constexpr int kMostRecentFiles = 10;

class ExplorerSettings {
 public:
  // The user's own settings, or those of a file (tests, screenshots).
  explicit ExplorerSettings(const QString& file = {});

  [[nodiscard]] QStringList recentFiles() const;  // newest first
  void addRecentFile(const QString& path);
  void removeRecentFile(const QString& path);
  void clearRecentFiles();

  [[nodiscard]] QString theme() const;  // "system", "light", "dark"
  void setTheme(const QString& theme);

  // Bookmarks go into traces that can be written to; else always beside them.
  [[nodiscard]] bool notesInTrace() const;
  void setNotesInTrace(bool inside);

  // Layer, heads and reduction in the corner of the map.
  [[nodiscard]] bool caption() const;
  void setCaption(bool shown);

  [[nodiscard]] QByteArray geometry() const;
  [[nodiscard]] QByteArray layout() const;
  void saveWindow(const QByteArray& geometry, const QByteArray& layout);
  void forgetLayout();

  // Folder of the last file dialog; empty at first.
  [[nodiscard]] QString lastFolder() const;
  void setLastFolder(const QString& folder);

  // Fields of a dialog under its name.
  [[nodiscard]] QVariantMap dialog(const QString& name) const;
  void saveDialog(const QString& name, const QVariantMap& fields);

 private:
  QSettings m_store;
};

}  // namespace kvatlas::app
