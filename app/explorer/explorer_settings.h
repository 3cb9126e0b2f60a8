// Settings kept between starts: layout, theme, recent files, fields of the capture dialog.
#pragma once

#include <QByteArray>
#include <QSettings>
#include <QStringList>

namespace kvatlas::app {

inline constexpr int kMostRecentFiles = 10;

class ExplorerSettings {
 public:
  // The user's settings, or those in `file` (tests, screenshots).
  explicit ExplorerSettings(const QString& file = {});

  [[nodiscard]] QStringList recentFiles() const;  // newest first
  void addRecentFile(const QString& path);
  void removeRecentFile(const QString& path);
  void clearRecentFiles();

  [[nodiscard]] QString theme() const;  // "system", "light", "dark"
  void setTheme(const QString& theme);

  // Whether writable traces store their bookmarks; else they go beside the trace.
  [[nodiscard]] bool notesInTrace() const;
  void setNotesInTrace(bool inside);

  // Whether a part of the map is shown: "caption", "readout", "overview". Default: yes.
  [[nodiscard]] bool shown(const QString& part) const;
  void setShown(const QString& part, bool shown);

  [[nodiscard]] QByteArray geometry() const;
  [[nodiscard]] QByteArray layout() const;
  void saveWindow(const QByteArray& geometry, const QByteArray& layout);
  void forgetLayout();

  // Where the model with this fingerprint was when the Explorer captured it; empty: unknown.
  [[nodiscard]] QString modelPath(const QString& fingerprint) const;
  void setModelPath(const QString& fingerprint, const QString& path);

  // Panels in front of their tabs, and the choices of the layer × head grid.
  [[nodiscard]] QStringList raisedPages() const;
  [[nodiscard]] QVariantMap gridChoices() const;
  void savePages(const QStringList& raised, const QVariantMap& grid);

  // Folder of the last file dialog; empty: none yet.
  [[nodiscard]] QString lastFolder() const;
  void setLastFolder(const QString& folder);

  // Saved fields of the dialog with this name.
  [[nodiscard]] QVariantMap dialog(const QString& name) const;
  void saveDialog(const QString& name, const QVariantMap& fields);

 private:
  QSettings m_store;
};

}  // namespace kvatlas::app
