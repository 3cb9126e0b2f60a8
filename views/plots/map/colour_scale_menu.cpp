#include "views/plots/map/colour_scale_menu.h"

#include <QActionGroup>
#include <QSpinBox>
#include <QWidgetAction>
#include <array>
#include <utility>

#include "views/models/colour_table.h"

namespace kvatlas::views {

ColourScaleMenu::ColourScaleMenu(QWidget* parent) : QMenu(parent), m_skip(new QSpinBox) {
  addMaps();
  addSeparator();
  addScales();
  addSeparator();
  addAction(tr("Auto range (98 %)"), this, &ColourScaleMenu::fitWanted);
  addAction(tr("Reset limits"), this, &ColourScaleMenu::resetWanted);
  addSkip();
  setSettings(m_settings);
}

void ColourScaleMenu::addMaps() {
  auto* maps = new QActionGroup(this);
  for (const std::string& name : colourTableNames()) {
    QAction* action = addAction(QString::fromStdString(name));
    action->setData(QString::fromStdString(name));
    action->setCheckable(true);
    maps->addAction(action);
    connect(action, &QAction::triggered, this, [this, name] {
      ColourSettings next = m_settings;
      next.table = name;
      emit changed(next);
    });
  }
}

void ColourScaleMenu::addScales() {
  auto* scales = new QActionGroup(this);
  const std::array<std::pair<QString, ScaleKind>, 3> kinds = {std::pair{tr("linear"), ScaleKind::Linear},
                                                              {tr("logarithmic"), ScaleKind::Log},
                                                              {tr("square root"), ScaleKind::Sqrt}};
  for (const auto& [name, kind] : kinds) {
    QAction* action = addAction(name);
    action->setData(static_cast<int>(kind));
    action->setCheckable(true);
    scales->addAction(action);
    connect(action, &QAction::triggered, this, [this, kind = kind] { emit changed(withKind(m_settings, kind)); });
  }
}

void ColourScaleMenu::addSkip() {
  m_skip->setObjectName(QStringLiteral("colourSkip"));
  m_skip->setAccessibleName(tr("First keys that auto range leaves out"));
  m_skip->setRange(0, 1 << 20);
  m_skip->setPrefix(tr("auto range leaves out the first "));
  m_skip->setSuffix(tr(" keys"));
  connect(m_skip, &QSpinBox::valueChanged, this, [this](int keys) {
    ColourSettings next = m_settings;
    next.skip_keys = static_cast<std::uint64_t>(keys);
    emit changed(next);
  });
  auto* entry = new QWidgetAction(this);
  entry->setDefaultWidget(m_skip);
  addAction(entry);
}

void ColourScaleMenu::setSettings(const ColourSettings& settings) {
  m_settings = settings;
  const QSignalBlocker quiet(m_skip);
  m_skip->setValue(static_cast<int>(settings.skip_keys));
  for (QAction* action : actions()) {
    const QVariant choice = action->data();
    if (choice.metaType().id() == QMetaType::QString)
      action->setChecked(choice.toString().toStdString() == settings.table);
    if (choice.metaType().id() == QMetaType::Int) action->setChecked(choice.toInt() == static_cast<int>(settings.kind));
  }
}

}  // namespace kvatlas::views
