#include "app/explorer/window/window_map.h"

#include <QFileDialog>
#include <utility>

#include "app/explorer/explorer_settings.h"
#include "app/explorer/window/window_actions.h"
#include "views/pages/map/map_page.h"
#include "views/pages/message_bar.h"

namespace kvatlas::app {

using views::MapPage;
using views::MessageBar;

WindowMap::WindowMap(QWidget& window, const WindowActions& actions, MapPage& map, MessageBar& message,
                     ExplorerSettings& settings)
    : QObject(&window), m_window(window), m_map(map), m_message(message), m_settings(settings) {
  connectComparison(actions);
  connectMessages();
  connectParts(actions);
  connect(actions.square_cells, &QAction::toggled, &map, &MapPage::setSquareCells);
}

void WindowMap::connectComparison(const WindowActions& actions) {
  for (QAction* action : actions.compare_modes)
    connect(action, &QAction::triggered, this,
            [this, action] { m_map.setMode(static_cast<views::PaneMode>(action->data().toInt())); });
  connect(&m_map, &MapPage::modeChanged, this, [this, &actions] {
    actions.compare_modes[static_cast<std::size_t>(m_map.mode())]->setChecked(true);
    actions.setOtherOpen(m_map.other().isOpen());
  });
  connect(actions.other_trace, &QAction::triggered, this, &WindowMap::chooseOther);
  connect(actions.close_other, &QAction::triggered, &m_map.other(), &views::OtherTrace::close);
}

void WindowMap::connectMessages() {
  connect(&m_map, &MapPage::failed, this, [this](const QString& text) {
    m_comparison_warning = text;
    m_message.show(MessageBar::Kind::Warning, text);
  });
  connect(&m_map, &MapPage::noted, this, [this](const QString& text) { m_message.show(MessageBar::Kind::Note, text); });
  connect(&m_map.other(), &views::OtherTrace::changed, this, [this] {
    if (m_map.other().isOpen() && m_message.text() == m_comparison_warning) m_message.clear();
  });
}

// The next start remembers which parts are hidden.
void WindowMap::connectParts(const WindowActions& actions) {
  for (const auto& [action, show] :
       {std::pair{actions.caption, &MapPage::setCaptionShown}, std::pair{actions.readout, &MapPage::setReadoutShown},
        std::pair{actions.overview, &MapPage::setOverviewShown}}) {
    const QString part = action->objectName();
    action->setChecked(m_settings.shown(part));
    (m_map.*show)(m_settings.shown(part));
    connect(action, &QAction::toggled, &m_map, show);
    connect(action, &QAction::toggled, this, [this, part](bool shown) { m_settings.setShown(part, shown); });
  }
}

void WindowMap::chooseOther() {
  const QString file = QFileDialog::getOpenFileName(&m_window, tr("Open a second trace of the same tokens"),
                                                    m_settings.lastFolder(), tr("KVAtlas traces (*.kva.h5 *.h5)"));
  if (!file.isEmpty()) m_map.other().open(file.toStdString());
}

}  // namespace kvatlas::app
