#include "views/pages/map/map_pane.h"

#include <QMenu>
#include <QToolButton>
#include <QVBoxLayout>

#include "views/pages/charts/run_chart.h"
#include "views/pages/map/map_bar.h"
#include "views/pages/map/map_binding.h"

namespace kvatlas::views {

MapPane::MapPane(std::size_t number, Document& document, const Selection& window, TileSource& tiles, QWidget* parent)
    : QWidget(parent),
      m_number(number),
      m_document(document),
      m_window(window),
      m_selection(std::make_unique<Selection>(document)),
      m_title(new QToolButton),
      m_view(new MapView) {
  makeTitle();
  makeView(tiles);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(m_title);
  column->addWidget(m_view, 1);
  for (const auto signal : {&Selection::layerChanged, &Selection::headChanged, &Selection::focusRunChanged})
    connect(m_selection.get(), signal, this, &MapPane::showTitle);
  connect(&document, &Document::runListChanged, this, &MapPane::showTitle);
  showTitle();
}

// The view's binding uses the selection.
MapPane::~MapPane() {
  delete m_view;
}

void MapPane::makeTitle() {
  m_title->setObjectName(QStringLiteral("paneTitle%1").arg(m_number));
  m_title->setAutoRaise(true);
  m_title->setCheckable(true);
  m_title->setPopupMode(QToolButton::MenuButtonPopup);
  m_title->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  auto* menu = new QMenu(m_title);
  menu->setObjectName(QStringLiteral("paneMenu%1").arg(m_number));
  connect(menu, &QMenu::aboutToShow, this, [this, menu] {
    menu->clear();
    fillMenu(*menu);
  });
  m_title->setMenu(menu);
  connect(m_title, &QToolButton::clicked, this, [this] {
    emit chosen();
    markChosen();  // a second click would uncheck it
  });
}

void MapPane::makeView(TileSource& tiles) {
  m_view->setObjectName(QStringLiteral("mosaicView%1").arg(m_number));
  m_view->setTracksShown(false);
  m_view->setCaptionShown(false);
  auto* binding = new MapBinding(m_document, *m_selection, tiles, *m_view);
  binding->setTracksWanted(false);
  // The binding, connected before, has stepped this map's selection.
  connect(m_view, &MapView::layerStepped, this, [this](int by) {
    if (!m_own.layer) return emit layerStepped(by);
    m_own.layer = m_selection->layer();
    emit ownChanged();
  });
  connect(m_view, &MapView::headStepped, this, [this](int by) {
    if (!m_own.head) return emit headStepped(by);
    m_own.head = m_selection->head();
    emit ownChanged();
  });
  connect(m_view, &MapView::menuWanted, this, [this](const QPoint& global) {
    if (!m_document.isOpen()) return;
    QMenu menu;
    menu.setObjectName(QStringLiteral("paneMenu%1").arg(m_number));
    fillMenu(menu);
    menu.exec(global);
  });
}

void MapPane::setOwn(const Own& own) {
  if (own == m_own) return;
  m_own = own;
  emit ownChanged();
  showTitle();
}

void MapPane::follow(LayerIndex layer, HeadChoice head, RunId run) {
  if (m_own.run && !m_document.hasRun(*m_own.run)) m_own.run.reset();  // a what-if run was removed
  m_selection->setLayer(m_own.layer.value_or(layer));
  m_selection->setHead(m_own.head.value_or(head));
  m_selection->setReduction(m_window.reduction());
  m_selection->setFocusRun(m_own.run.value_or(run));
  showTitle();
  markChosen();
}

void MapPane::markChosen() {
  m_title->setChecked(m_selection->layer() == m_window.layer() && m_selection->head() == m_window.head() &&
                      m_selection->focusRun() == m_window.focusRun());
}

template <class Value>
void MapPane::addChoice(QMenu& menu, const QString& text, std::optional<Value> Own::*member, Value value, Value shown) {
  QAction* action = menu.addAction(text, this, [this, member, value] {
    Own own = m_own;
    own.*member = value;
    setOwn(own);
  });
  action->setCheckable(true);
  action->setChecked(value == shown);
}

void MapPane::fillMenu(QMenu& menu) {
  if (!m_document.isOpen()) return;
  fillRuns(menu);
  menu.addSeparator();
  fillLayers(*menu.addMenu(tr("&Layer")));
  fillHeads(*menu.addMenu(tr("&Heads")));
  menu.addSeparator();
  QAction* release = menu.addAction(tr("&Follow the window again"), this, [this] { setOwn({}); });
  release->setObjectName(QStringLiteral("paneFollow"));
  release->setEnabled(m_own.any());
}

void MapPane::fillRuns(QMenu& menu) {
  for (const RunId run : m_document.runIds())
    addChoice(menu, runText(m_document, run), &Own::run, run, m_selection->focusRun());
}

void MapPane::fillLayers(QMenu& menu) {
  menu.setObjectName(QStringLiteral("paneLayers"));
  for (std::size_t layer = 0; layer < m_document.model().layers; ++layer)
    addChoice(menu, tr("layer %1").arg(layer), &Own::layer, LayerIndex(layer), m_selection->layer());
}

void MapPane::fillHeads(QMenu& menu) {
  menu.setObjectName(QStringLiteral("paneHeads"));
  for (const HeadChoice& head : headChoices(m_document.model()))
    addChoice(menu, QString::fromStdString(textOf(head)), &Own::head, head, m_selection->head());
}

QString MapPane::titleText() const {
  QString text =
      QStringLiteral("L%1 %2").arg(m_selection->layer().value).arg(QString::fromStdString(textOf(m_selection->head())));
  const RunId run = m_selection->focusRun();
  return m_document.hasRun(run) ? text + QStringLiteral(" · ") + runText(m_document, run) : text;
}

// Bold: something is this map's own choice.
void MapPane::showTitle() {
  QFont font = m_title->font();
  font.setBold(m_own.any());
  m_title->setFont(font);
  const QString text = titleText();
  const int arrow = m_title->style()->pixelMetric(QStyle::PM_MenuButtonIndicator, nullptr, m_title) + 12;
  m_title->setText(m_title->fontMetrics().elidedText(text, Qt::ElideRight, std::max(width() - arrow, 40)));
  m_title->setToolTip(
      text + QLatin1Char('\n') +
      tr("Click: the panels around show this map. Arrow: choose a run, a layer or heads for this map alone"));
  m_title->setAccessibleName(m_own.any() ? tr("Map %1: %2, own choice").arg(m_number + 1).arg(text)
                                         : tr("Map %1: %2").arg(m_number + 1).arg(text));
  m_view->setAccessibleName(tr("Attention map %1: %2").arg(m_number + 1).arg(text));
}

void MapPane::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  showTitle();
}

}  // namespace kvatlas::views
