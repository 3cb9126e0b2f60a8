// Light, dark or as the system: sets style and palette of the whole application; knows no window.
#pragma once

#include <QActionGroup>
#include <QObject>

class QMenu;

namespace kvatlas::app {

class ExplorerSettings;

class ThemeSwitch : public QObject {
  Q_OBJECT

 public:
  // Applies what the settings hold.
  ThemeSwitch(ExplorerSettings& settings, QObject* parent);

  void choose(const QString& theme);  // "system", "light", "dark"; remembered
  void addTo(QMenu& menu);
  [[nodiscard]] bool dark() const { return m_dark; }

 protected:
  // A desktop that changes its theme tells every window.
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void apply();

  ExplorerSettings& m_settings;
  QActionGroup* m_group;
  bool m_dark = false;
  bool m_applying = false;
};

}  // namespace kvatlas::app
