#include "views/pages/map/map_bar.h"

#include <QAbstractItemView>
#include <QComboBox>
#include <QLayout>
#include <QSlider>
#include <QSpinBox>
#include <QStandardItemModel>
#include <algorithm>
#include <cmath>
#include <utility>

#include "views/pages/charts/run_chart.h"

namespace kvatlas::views {
namespace {

constexpr RunId kOther = -2;  // the second trace in the list of runs

constexpr int kOpacitySteps = 100;

// Layer 0 is at the top of every list, so the up arrow goes to the layer before, as on the map.
class LayerBox : public QSpinBox {
 public:
  void stepBy(int steps) override { QSpinBox::stepBy(-steps); }

 protected:
  StepEnabled stepEnabled() const override {
    StepEnabled enabled;
    if (value() > minimum()) enabled |= StepUpEnabled;
    if (value() < maximum()) enabled |= StepDownEnabled;
    return enabled;
  }
};

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

MapBar::MapBar(Document& document, Selection& selection, QWidget* parent)
    : QToolBar(parent),
      m_document(document),
      m_selection(selection),
      m_layer(new LayerBox),
      m_head(new QComboBox),
      m_reduction(new QComboBox),
      m_mode(new QComboBox),
      m_compare(new QComboBox),
      m_overlay(new QComboBox),
      m_views(new QComboBox),
      m_spread(new QComboBox),
      m_opacity(new QSlider(Qt::Horizontal)) {
  makeFields();
  for (const auto signal : {&Document::opened, &Document::refreshed, &Document::closed, &Document::runListChanged})
    connect(&document, signal, this, &MapBar::showSelection);
  for (const auto signal : {&Selection::reset, &Selection::layerChanged, &Selection::headChanged,
                            &Selection::reductionChanged, &Selection::focusRunChanged, &Selection::compareRunChanged})
    connect(&selection, signal, this, &MapBar::showSelection);
  showSelection();
  setOtherName({});
}

void MapBar::makeFields() {
  m_layer->setPrefix(tr("layer "));
  m_layer->setObjectName(QStringLiteral("mapLayer"));
  m_head->setObjectName(QStringLiteral("mapHead"));
  m_reduction->setObjectName(QStringLiteral("mapReduction"));
  m_mode->setObjectName(QStringLiteral("mapMode"));
  m_compare->setObjectName(QStringLiteral("mapCompare"));
  m_head->setToolTip(tr("One query head, or the mean or maximum over all heads or over one KV head's group"));
  m_reduction->setToolTip(
      tr("What a cell of several tokens shows: its largest probability (no stripe gets lost), or the mean over its "
         "visible pairs"));
  m_compare->setToolTip(
      tr("B: compare the focused run (A) with another run, or with a second trace of the same tokens"));
  m_reduction->addItems({tr("cell: max"), tr("cell: mean")});
  m_mode->addItems(
      {tr("single (A)"), tr("A | B"), tr("split at the diagonal"), tr("blink A, B"), tr("A − B"), tr("log₂ A / B")});
  // Short fields, so that all fit beside each other in a small window; the lists show whole texts.
  layout()->setSpacing(2);
  for (const auto& [box, length] : {std::pair{m_head, 5}, std::pair{m_compare, 8}, std::pair{m_mode, 6}}) {
    box->setIconSize({});  // the size policy below leaves room for an icon
    box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    box->setMinimumContentsLength(length);
    box->view()->setTextElideMode(Qt::ElideNone);
    box->view()->setMinimumWidth(190);
  }
  const std::pair<QWidget*, QString> names[] = {{m_layer, tr("Layer")},
                                                {m_head, tr("Heads")},
                                                {m_reduction, tr("Value of a cell")},
                                                {m_compare, tr("Compare with")},
                                                {m_mode, tr("Comparison")}};
  for (const auto& [field, name] : names) {
    field->setAccessibleName(name);
    addWidget(field);
  }
  makeViews();
  makeOverlay();
  connect(m_layer, &QSpinBox::valueChanged, this, [this](int layer) {
    if (!m_filling) m_selection.setLayer(LayerIndex(static_cast<std::size_t>(layer)));
  });
  connect(m_head, &QComboBox::activated, this, [this](int index) {
    m_selection.setHead(headChoices(m_document.model()).at(static_cast<std::size_t>(index)));
  });
  connect(m_reduction, &QComboBox::activated, this,
          [this](int index) { m_selection.setReduction(index == 0 ? trace::Reduction::Max : trace::Reduction::Mean); });
  connect(m_mode, &QComboBox::activated, this, [this](int index) { emit modeChosen(static_cast<PaneMode>(index)); });
  connect(m_compare, &QComboBox::activated, this, [this](int index) {
    const RunId run = m_compare->itemData(index).toInt();
    if (run == kOther) return;
    if (!m_other.isEmpty()) emit otherDropped();
    m_selection.setCompareRun(run);
  });
}

void MapBar::makeViews() {
  m_views->setObjectName(QStringLiteral("mapViews"));
  m_views->setAccessibleName(tr("Number of maps"));
  m_views->setToolTip(tr("Several maps side by side that move together"));
  for (const int count : {1, 2, 4, 9}) m_views->addItem(count == 1 ? tr("1 view") : tr("%1 views").arg(count), count);
  m_spread->setObjectName(QStringLiteral("mapSpread"));
  m_spread->setAccessibleName(tr("What the maps show"));
  m_spread->addItems({tr("of heads"), tr("of layers"), tr("of runs")});
  addWidget(m_views);
  m_spread_shown = addWidget(m_spread);
  m_spread_shown->setVisible(false);  // one map has nothing to spread
  const auto chosen = [this] {
    const int count = m_views->currentData().toInt();
    m_spread_shown->setVisible(count > 1);
    emit viewsChosen(count, m_spread->currentIndex());
  };
  connect(m_views, &QComboBox::currentIndexChanged, this, chosen);
  connect(m_spread, &QComboBox::currentIndexChanged, this, chosen);
}

void MapBar::showViews(int count, int spread) {
  const QSignalBlocker quiet_views(m_views), quiet_spread(m_spread);
  m_views->setCurrentIndex(std::max(0, m_views->findData(count)));
  m_spread->setCurrentIndex(spread);
  m_spread_shown->setVisible(count > 1);
}

void MapBar::makeOverlay() {
  m_overlay->setObjectName(QStringLiteral("overlayStyle"));
  m_overlay->setAccessibleName(tr("Style of the eviction overlay"));
  m_overlay->setToolTip(
      tr("How the map marks keys that the focused run evicts. Kept keys always have the colours of the "
         "scale"));
  m_overlay->addItems({tr("fade"), tr("edge"), tr("hatch")});
  m_opacity->setObjectName(QStringLiteral("overlayOpacity"));
  m_opacity->setAccessibleName(tr("Opacity of the eviction overlay"));
  m_opacity->setToolTip(tr("Opacity of the eviction overlay"));
  m_opacity->setRange(0, kOpacitySteps);
  m_opacity->setFixedWidth(48);
  addWidget(m_overlay);
  addWidget(m_opacity);
  connect(m_overlay, &QComboBox::currentIndexChanged, this, &MapBar::changeOverlay);
  connect(m_opacity, &QSlider::valueChanged, this, &MapBar::changeOverlay);
}

void MapBar::changeOverlay() {
  if (!m_filling)
    emit overlayChanged(static_cast<EvictionStyle>(m_overlay->currentIndex()),
                        m_opacity->value() / double{kOpacitySteps});
}

void MapBar::showColours(const ColourSettings& colours) {
  const bool filling = std::exchange(m_filling, true);
  m_overlay->setCurrentIndex(static_cast<int>(colours.eviction));
  m_opacity->setValue(static_cast<int>(std::lround(colours.eviction_opacity * kOpacitySteps)));
  m_filling = filling;
}

void MapBar::showSelection() {
  setEnabled(m_document.isOpen());
  if (!m_document.isOpen()) return;
  m_filling = true;
  fillHeads();
  m_layer->setRange(0, static_cast<int>(m_document.model().layers) - 1);
  m_layer->setValue(static_cast<int>(m_selection.layer().value));
  m_reduction->setCurrentIndex(m_selection.reduction() == trace::Reduction::Max ? 0 : 1);
  fillCompare();
  m_filling = false;
}

void MapBar::fillHeads() {
  const std::vector<HeadChoice> choices = headChoices(m_document.model());
  if (static_cast<std::size_t>(m_head->count()) != choices.size()) {
    m_head->clear();
    for (const HeadChoice& choice : choices) m_head->addItem(QString::fromStdString(textOf(choice)));
  }
  m_head->setCurrentIndex(static_cast<int>(std::ranges::find(choices, m_selection.head()) - choices.begin()));
}

void MapBar::fillCompare() {
  m_compare->clear();
  m_compare->addItem(tr("compare with…"), kNoRun);
  if (!m_other.isEmpty()) m_compare->addItem(tr("B: trace %1").arg(m_other), kOther);
  for (const RunId run : m_document.runIds())
    if (run != m_selection.focusRun()) m_compare->addItem(tr("B: %1").arg(runText(m_document, run)), run);
  const RunId chosen = m_other.isEmpty() ? m_selection.compareRun() : kOther;
  m_compare->setCurrentIndex(std::max(0, m_compare->findData(chosen)));
}

void MapBar::setMode(PaneMode mode) {
  m_mode->setCurrentIndex(static_cast<int>(mode));
}

void MapBar::setOtherName(const QString& name) {
  m_other = name;
  auto* items = qobject_cast<QStandardItemModel*>(m_mode->model());
  items->item(static_cast<int>(PaneMode::Ratio))->setEnabled(!name.isEmpty());
  if (m_document.isOpen()) fillCompare();
}

}  // namespace kvatlas::views
