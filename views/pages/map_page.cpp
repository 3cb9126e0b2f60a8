#include "views/pages/map_page.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QToolBar>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "views/pages/look.h"
#include "views/pages/run_chart.h"

namespace kvatlas::views {
namespace {

constexpr int kBlinkMs = 700;

CompareMode compareModeOf(PaneMode mode) {
  if (mode == PaneMode::Split) return CompareMode::Split;
  return mode == PaneMode::Difference ? CompareMode::Difference : CompareMode::OnlyA;
}

}  // namespace

std::vector<HeadChoice> headChoices(const trace::ModelInfo& model) {
  std::vector<HeadChoice> choices{{HeadChoice::MeanOverHeads, 0}, {HeadChoice::MaxOverHeads, 0}};
  for (std::uint32_t head = 0; head < model.query_heads; ++head) choices.push_back({HeadChoice::QueryHead, head});
  if (model.kv_heads == model.query_heads) return choices;
  for (std::uint32_t head = 0; head < model.kv_heads; ++head) {
    choices.push_back({HeadChoice::MeanOverGroup, head});
    choices.push_back({HeadChoice::MaxOverGroup, head});
  }
  return choices;
}

MapPage::MapPage(Document& document, Selection& selection, QWidget* parent)
    : QWidget(parent),
      m_document(document),
      m_selection(selection),
      m_tiles(document),
      m_bar(new QToolBar),
      m_layer(new QSpinBox),
      m_head(new QComboBox),
      m_reduction(new QComboBox),
      m_mode_box(new QComboBox),
      m_compare(new QComboBox),
      m_panes(new QWidget),
      m_views{new MapView, new MapView} {
  setObjectName(QStringLiteral("mapPage"));
  auto* panes = new QHBoxLayout(m_panes);
  panes->setContentsMargins(0, 0, 0, 0);
  panes->setSpacing(2);
  for (int i = 0; i < 2; ++i) {
    m_views[i]->setTheme(themeOf(palette()));
    m_views[i]->setObjectName(QStringLiteral("mapView%1").arg(i));
    panes->addWidget(m_views[i], 1);
    m_bindings[i] = new MapBinding(document, selection, m_tiles, *m_views[i]);
  }
  m_views[1]->hide();
  makeBar();
  linkViews();
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(m_bar);
  column->addWidget(m_panes, 1);
  m_blink.setInterval(kBlinkMs);
  connect(&m_blink, &QTimer::timeout, m_bindings[0], &MapBinding::blink);
  for (const auto signal : {&Document::opened, &Document::refreshed, &Document::closed, &Document::runListChanged})
    connect(&document, signal, this, &MapPage::showSelection);
  for (const auto signal : {&Selection::reset, &Selection::layerChanged, &Selection::headChanged,
                            &Selection::reductionChanged, &Selection::focusRunChanged, &Selection::compareRunChanged})
    connect(&selection, signal, this, &MapPage::showSelection);
  connect(&selection, &Selection::compareRunChanged, this, &MapPage::showMode);
  showSelection();
}

// Views ask their tiles to forget them: they go before the tiles do.
MapPage::~MapPage() {
  for (MapView* view : m_views) delete view;
}

void MapPage::makeBar() {
  m_layer->setPrefix(tr("layer "));
  m_layer->setObjectName(QStringLiteral("mapLayer"));
  m_head->setObjectName(QStringLiteral("mapHead"));
  m_reduction->setObjectName(QStringLiteral("mapReduction"));
  m_mode_box->setObjectName(QStringLiteral("mapMode"));
  m_compare->setObjectName(QStringLiteral("mapCompare"));
  m_reduction->addItems({tr("max of a cell"), tr("mean of a cell")});
  m_mode_box->addItems({tr("one run"), tr("A | B"), tr("split at the diagonal"), tr("blink"), tr("A − B")});
  for (QComboBox* box : {m_head, m_compare}) box->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  for (QWidget* field : std::initializer_list<QWidget*>{m_layer, m_head, m_reduction, m_mode_box, m_compare})
    m_bar->addWidget(field);
  auto* spring = new QWidget;
  spring->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  m_bar->addWidget(spring);
  m_bar->addAction(tr("Back"), m_views[0], &MapView::goBack)->setToolTip(tr("The place on the map before (Backspace)"));
  m_bar->addAction(tr("Forward"), m_views[0], &MapView::goForward);
  m_bar->addAction(tr("Whole map"), m_views[0], &MapView::fit);
  connect(m_layer, &QSpinBox::valueChanged, this, [this](int layer) {
    if (!m_filling) m_selection.setLayer(LayerIndex(static_cast<std::size_t>(layer)));
  });
  connect(m_head, &QComboBox::activated, this, [this](int index) {
    m_selection.setHead(headChoices(m_document.model()).at(static_cast<std::size_t>(index)));
  });
  connect(m_reduction, &QComboBox::activated, this,
          [this](int index) { m_selection.setReduction(index == 0 ? trace::Reduction::Max : trace::Reduction::Mean); });
  connect(m_mode_box, &QComboBox::activated, this, [this](int index) { setMode(static_cast<PaneMode>(index)); });
  connect(m_compare, &QComboBox::activated, this,
          [this](int index) { m_selection.setCompareRun(m_compare->itemData(index).toInt()); });
}

void MapPage::linkViews() {
  for (int i = 0; i < 2; ++i) {
    MapView* other = m_views[1 - i];
    connect(m_views[i], &MapView::windowChanged, this, [this, other](const TokenWindow& window) {
      if (m_linking || other->isHidden()) return;
      m_linking = true;
      other->setWindow(window, MapView::Step::Silent);
      m_linking = false;
    });
    connect(m_views[i], &MapView::clicked, this, [this](const Cell& cell) { m_selection.setCursor(cell); });
  }
  connect(m_views[0], &MapView::drawn, this, &MapPage::statusChanged);
  connect(m_views[0], &MapView::windowChanged, this, &MapPage::shareRange);
}

// What the text beside the map is aligned with.
void MapPage::shareRange() {
  if (!m_document.isOpen()) return;
  const TokenWindow window = m_views[0]->window();
  const double last = static_cast<double>(m_document.tokens());
  const auto begin = static_cast<TokenIndex>(std::clamp(std::floor(window.key_begin), 0.0, last));
  const auto end = static_cast<TokenIndex>(std::clamp(std::ceil(window.key_end), 0.0, last));
  m_selection.setKeyRange(TokenRange{begin, end});
}

void MapPage::showSelection() {
  m_bar->setEnabled(m_document.isOpen());
  if (!m_document.isOpen()) return;
  m_filling = true;
  const std::vector<HeadChoice> choices = headChoices(m_document.model());
  if (static_cast<std::size_t>(m_head->count()) != choices.size()) {
    m_head->clear();
    for (const HeadChoice& choice : choices) m_head->addItem(QString::fromStdString(textOf(choice)));
  }
  m_head->setCurrentIndex(static_cast<int>(std::ranges::find(choices, m_selection.head()) - choices.begin()));
  m_layer->setRange(0, static_cast<int>(m_document.model().layers) - 1);
  m_layer->setValue(static_cast<int>(m_selection.layer().value));
  m_reduction->setCurrentIndex(m_selection.reduction() == trace::Reduction::Max ? 0 : 1);
  m_compare->clear();
  m_compare->addItem(tr("compare with…"), kNoRun);
  for (const RunId run : m_document.runIds())
    if (run != m_selection.focusRun()) m_compare->addItem(tr("B: %1").arg(runText(m_document, run)), run);
  m_compare->setCurrentIndex(std::max(0, m_compare->findData(m_selection.compareRun())));
  m_filling = false;
  emit statusChanged();
}

bool MapPage::comparing() const {
  return m_mode != PaneMode::Single && m_selection.compareRun() != kNoRun;
}

void MapPage::setMode(PaneMode mode) {
  m_mode = mode;
  if (mode != PaneMode::Single && m_selection.compareRun() == kNoRun && m_document.isOpen())
    for (const RunId run : m_document.runIds())
      if (run != m_selection.focusRun() && !m_document.runHeader(run).is_full) {
        m_selection.setCompareRun(run);
        break;
      }
  showMode();
}

void MapPage::showMode() {
  const bool side_by_side = comparing() && m_mode == PaneMode::SideBySide;
  m_mode_box->setCurrentIndex(static_cast<int>(m_mode));
  m_bindings[0]->setCompareMode(comparing() ? compareModeOf(m_mode) : CompareMode::OnlyA);
  m_bindings[1]->setCompareMode(CompareMode::OnlyB);
  if (comparing() && m_mode == PaneMode::Blink)
    m_blink.start();
  else
    m_blink.stop();
  m_views[1]->setVisible(side_by_side);
  if (side_by_side) m_views[1]->setWindow(m_views[0]->window(), MapView::Step::Silent);
  emit modeChanged();
}

bool MapPage::settled() const {
  return !m_document.isOpen() || (m_tiles.inFlight() == 0 && m_views[0]->map().settled());
}

QString MapPage::statusText() const {
  const QString scale = m_views[0]->colours().kind == ScaleKind::Log ? tr("log") : tr("linear");
  return tr("%1 · probability, %2").arg(m_views[0]->map().detailText(), scale);
}

void MapPage::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() != QEvent::PaletteChange) return;
  for (MapView* view : m_views) view->setTheme(themeOf(palette()));
}

}  // namespace kvatlas::views
