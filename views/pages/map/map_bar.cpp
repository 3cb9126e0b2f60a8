#include "views/pages/map/map_bar.h"

#include <QComboBox>
#include <QSpinBox>
#include <QStandardItemModel>
#include <algorithm>

#include "views/pages/charts/run_chart.h"

namespace kvatlas::views {
namespace {

constexpr RunId kOther = -2;  // the second trace in the list of runs

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
      m_layer(new QSpinBox),
      m_head(new QComboBox),
      m_reduction(new QComboBox),
      m_mode(new QComboBox),
      m_compare(new QComboBox) {
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
  m_head->setToolTip(tr("One query head, or several joined: L0 … of one KV head's group, or of all"));
  m_reduction->setToolTip(
      tr("What a cell of several tokens shows: its largest probability, so that no stripe is lost, "
         "or the mean over its visible pairs"));
  m_compare->setToolTip(tr("What the focus is compared with: another run, or a second trace of the same tokens"));
  m_reduction->addItems({tr("max of a cell"), tr("mean of a cell")});
  m_mode->addItems(
      {tr("A alone"), tr("A | B"), tr("split at the diagonal"), tr("blink A, B"), tr("A − B"), tr("log₂ A / B")});
  for (QComboBox* box : {m_head, m_compare}) box->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  for (QWidget* field : std::initializer_list<QWidget*>{m_layer, m_head, m_reduction, m_compare, m_mode})
    addWidget(field);
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
