#include "app/explorer/window/narrow_tabs.h"

#include <QChildEvent>
#include <QMainWindow>
#include <QProxyStyle>
#include <QTabBar>

namespace kvatlas::app {
namespace {

constexpr int kSpace = 12;  // pixels beside the text of a tab

class NarrowStyle : public QProxyStyle {
 public:
  using QProxyStyle::QProxyStyle;
  int pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const override {
    return metric == PM_TabBarTabHSpace ? kSpace : QProxyStyle::pixelMetric(metric, option, widget);
  }
};

}  // namespace

NarrowTabs::NarrowTabs(QMainWindow& window) : QObject(&window), m_style(new NarrowStyle(QStringLiteral("fusion"))) {
  for (auto* tabs : window.findChildren<QTabBar*>(QString(), Qt::FindDirectChildrenOnly)) tabs->setStyle(m_style.get());
  window.installEventFilter(this);
}

NarrowTabs::~NarrowTabs() = default;

// The window makes a tab bar when docks are stacked.
bool NarrowTabs::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::ChildPolished)
    if (auto* tabs = qobject_cast<QTabBar*>(static_cast<QChildEvent*>(event)->child())) tabs->setStyle(m_style.get());
  return QObject::eventFilter(watched, event);
}

}  // namespace kvatlas::app
