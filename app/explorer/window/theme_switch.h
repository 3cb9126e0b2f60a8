// Light, dark or system theme: sets style and palette of the whole application.
#pragma once

#include <QActionGroup>
#include <QObject>

class QMenu;

namespace kvatlas::app {

class ExplorerSettings;

class ThemeSwitch : public QObject {
  Q_OBJECT

 public:
  // Applies the theme in the settings.
  ThemeSwitch(ExplorerSettings& settings, QObject* parent);

  void choose(const QString& theme);  // "system", "light", "dark"; saves it
  void addTo(QMenu& menu);
  [[nodiscard]] bool dark() const { return m_dark; }

 protected:
  // Follows theme changes of the desktop.
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void apply();

  ExplorerSettings& m_settings;
  QActionGroup* m_group;
  bool m_dark = false;
  bool m_applying = false;
};

}  // namespace kvatlas::app
