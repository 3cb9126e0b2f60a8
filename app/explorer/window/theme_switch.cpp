#include "app/explorer/window/theme_switch.h"

#include <QApplication>
#include <QEvent>
#include <QMenu>
#include <QStyleFactory>
#include <QWidget>

#include "app/explorer/explorer_settings.h"
#include "views/pages/window_palette.h"

namespace kvatlas::app {
namespace {

// The palette of the desktop: an empty palette gives back what the platform would use.
bool systemIsDark() {
  QApplication::setPalette(QPalette());
  const QPalette palette = QApplication::palette();
  return palette.color(QPalette::Window).lightness() < palette.color(QPalette::WindowText).lightness();
}

}  // namespace

ThemeSwitch::ThemeSwitch(ExplorerSettings& settings, QObject* parent)
    : QObject(parent), m_settings(settings), m_group(new QActionGroup(this)) {
  QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
  const std::pair<const char*, QString> themes[] = {
      {"system", tr("As the &system")}, {"light", tr("&Light")}, {"dark", tr("&Dark")}};
  for (const auto& [name, title] : themes) {
    QAction* action = m_group->addAction(title);
    action->setCheckable(true);
    action->setData(QString::fromLatin1(name));
    action->setObjectName(QStringLiteral("theme-") + QString::fromLatin1(name));
    connect(action, &QAction::triggered, this, [this, action] { choose(action->data().toString()); });
  }
  qApp->installEventFilter(this);
  apply();
}

void ThemeSwitch::choose(const QString& theme) {
  m_settings.setTheme(theme);
  apply();
}

void ThemeSwitch::addTo(QMenu& menu) {
  menu.addActions(m_group->actions());
}

bool ThemeSwitch::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::ThemeChange && !m_applying && m_settings.theme() == QLatin1String("system")) apply();
  return QObject::eventFilter(watched, event);
}

void ThemeSwitch::apply() {
  m_applying = true;
  const QString theme = m_settings.theme();
  m_dark = theme == QLatin1String("system") ? systemIsDark() : theme == QLatin1String("dark");
  const views::Theme wanted = m_dark ? views::Theme::Dark : views::Theme::Light;
  QApplication::setPalette(views::windowPalette(wanted));
  // Windows that are open already do not all follow by themselves.
  for (QWidget* window : QApplication::topLevelWidgets())
    if (views::themeOf(window->palette()) != wanted) window->setPalette(views::windowPalette(wanted));
  for (QAction* action : m_group->actions()) action->setChecked(action->data().toString() == theme);
  m_applying = false;
}

}  // namespace kvatlas::app
