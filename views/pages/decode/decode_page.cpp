#include "views/pages/decode/decode_page.h"

#include <QHeaderView>
#include <QLabel>
#include <QSlider>
#include <QSpinBox>
#include <QSplitter>
#include <QTreeWidget>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>
#include <span>

#include "core/base/mean.h"
#include "core/trace/generated_tokens.h"
#include "views/models/document/run_colour.h"
#include "views/models/items/eviction_text.h"
#include "views/models/qt_text.h"
#include "views/pages/charts/run_chart.h"
#include "views/pages/decode/decode_keys.h"
#include "views/pages/decode/decode_timeline.h"
#include "views/pages/table_keys.h"
#include "views/pages/window_palette.h"

namespace kvatlas::views {
namespace {

enum DecodeColumn { DecodeRun, DecodeText, DecodeKl, DecodeMass, DecodeBest, DecodeEvicted, DecodeColumns };

constexpr std::size_t kCsvKeys = 8;
constexpr int kWidestText = 260;  // pixels

QString threeDecimals(double value) {
  return std::isnan(value) ? QStringLiteral("–") : QString::number(value, 'f', 3);
}

// Shows line breaks as a symbol, so that the text stays in one row.
QString oneLine(const std::string& text) {
  return QString::fromStdString(text).replace(QLatin1Char('\n'), QStringLiteral("↵"));
}

// The generated text with the token of a step in brackets, starting shortly before it.
QString generatedAt(const trace::RunRecord& record, std::size_t step) {
  constexpr qsizetype kBefore = 6;  // the token itself must not be elided in a narrow column
  const std::string_view token = trace::generatedText(record, step);
  if (token.empty()) return oneLine(record.decode_text);
  const std::uint64_t begin = record.decode_offsets[step];
  const QString before = oneLine(record.decode_text.substr(0, begin));
  return QStringLiteral("%1%2[%3]%4")
      .arg(before.size() > kBefore ? QStringLiteral("…") : QString(), before.right(kBefore),
           oneLine(std::string(token)), oneLine(record.decode_text.substr(begin + token.size())));
}

}  // namespace

double meanAtStep(const std::vector<float>& values, std::size_t step, std::size_t row) {
  if (row == 0 || (step + 1) * row > values.size()) return std::nan("");
  return meanOfMeasured(std::span(values).subspan(step * row, row));
}

DecodePage::DecodePage(Document& document, Selection& selection, QWidget* parent)
    : RestingPage(parent),
      m_document(document),
      m_selection(selection),
      m_slider(new QSlider(Qt::Horizontal)),
      m_spin(new QSpinBox),
      m_note(new QLabel),
      m_table(new QTreeWidget),
      m_attended(document, selection),
      m_timeline(new DecodeTimeline(document, selection, m_attended)),
      m_keys(new DecodeKeys(document, selection, m_attended)) {
  setObjectName(QStringLiteral("decodePage"));
  m_slider->setObjectName(QStringLiteral("decodeSlider"));
  m_slider->setPageStep(8);
  m_table->setRootIsDecorated(false);
  m_table->setUniformRowHeights(true);
  m_table->setFrameShape(QFrame::NoFrame);
  m_table->setHeaderLabels({tr("Run"), tr("Generated"), tr("KL"), tr("Retained"), tr("Oracle"), tr("Evicted")});
  m_table->headerItem()->setToolTip(DecodeKl, tr("KL divergence from the full cache at this token, in nats"));
  m_table->headerItem()->setToolTip(
      DecodeMass, tr("Retained mass: share of the full cache's attention at this token that falls on kept tokens"));
  m_table->headerItem()->setToolTip(DecodeBest, tr("Retained mass of the best possible set of the same size"));
  m_table->headerItem()->setToolTip(DecodeEvicted,
                                    tr("Cache entries evicted at this token, over all layers and heads"));
  m_table->header()->setStretchLastSection(false);
  m_table->header()->setSectionResizeMode(QHeaderView::ResizeToContents);
  // As wide as its text: stretched to the rest of a narrow table, it elided the token itself.
  m_table->header()->setMaximumSectionSize(kWidestText);
  auto* row = new QHBoxLayout;
  row->setContentsMargins(8, 4, 8, 2);
  row->addWidget(new QLabel(tr("generated token")));
  row->addWidget(m_spin);
  row->addWidget(m_slider, 1);
  row->addWidget(m_note);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(2);
  column->addLayout(row);
  auto* halves = new QSplitter(Qt::Horizontal);
  halves->addWidget(m_table);
  halves->addWidget(m_timeline);
  halves->addWidget(m_keys);
  halves->setSizes({340, 220, 290});
  halves->setChildrenCollapsible(false);
  m_table->setAccessibleName(tr("Generated text of the runs"));
  m_slider->setAccessibleName(tr("Generated token"));
  m_spin->setAccessibleName(tr("Index of the generated token"));
  column->addWidget(halves, 1);
  for (const auto signal : {&Document::opened, &Document::refreshed, &Document::closed, &Document::runListChanged})
    connect(&document, signal, this, &DecodePage::refill);
  connect(&document, &Document::runReady, this, &DecodePage::refill);
  for (const auto signal : {&Selection::layerChanged, &Selection::headChanged, &Selection::reset,
                            &Selection::focusRunChanged, &Selection::hiddenRunsChanged, &Selection::stepChanged})
    connect(&selection, signal, this, &DecodePage::refill);
  connect(&m_attended, &DecodeAttended::changed, this, &DecodePage::refill);
  const auto choose = [this](int step) { m_selection.setStep(static_cast<std::uint32_t>(std::max(0, step))); };
  connect(m_slider, &QSlider::valueChanged, this, choose);
  connect(m_spin, &QSpinBox::valueChanged, this, choose);
  connect(m_table, &QTreeWidget::itemClicked, this, [this](const QTreeWidgetItem* item) {
    m_selection.setFocusRun(item->data(DecodeRun, Qt::UserRole).toInt());
  });
  new TableKeys(*m_table, [this](const QModelIndex& index) {
    m_selection.setFocusRun(index.siblingAtColumn(DecodeRun).data(Qt::UserRole).toInt());
  });
}

int DecodePage::steps() const {
  std::size_t most = 0;
  for (const RunId run : m_document.runIds())
    if (const RunPointer view = m_document.run(run)) most = std::max(most, view->run.record.decode_ids.size());
  return static_cast<int>(most);
}

// Names the run, layer and heads of the timeline and the key list.
QString DecodePage::focusText() const {
  const RunId focus = m_selection.focusRun();
  if (!m_document.hasRun(focus)) return {};
  return tr("  ·  %1, layer %2 %3")
      .arg(runText(m_document, focus))
      .arg(m_selection.layer().value)
      .arg(QString::fromStdString(textOf(m_selection.head())));
}

void DecodePage::fill() {
  m_table->clear();
  m_timeline->updateNow();
  m_keys->updateNow();
  const int count = m_document.isOpen() ? steps() : 0;
  const QSignalBlocker quiet_slider(m_slider), quiet_spin(m_spin);
  for (QWidget* field : std::initializer_list<QWidget*>{m_slider, m_spin}) field->setEnabled(count > 0);
  m_slider->setRange(0, std::max(0, count - 1));
  m_spin->setRange(0, std::max(0, count - 1));
  m_note->setText(count > 0 ? tr("of %1%2").arg(count).arg(focusText()) : tr("no generated tokens"));
  if (!m_document.isOpen()) return;
  m_slider->setValue(static_cast<int>(m_selection.step()));
  m_spin->setValue(static_cast<int>(m_selection.step()));
  for (const RunId run : m_selection.visibleRuns())
    if (const RunPointer view = m_document.run(run); view && !view->run.record.decode_ids.empty())
      fillRow(*new QTreeWidgetItem(m_table), *view);
}

void DecodePage::fillRow(QTreeWidgetItem& item, const RunView& view) const {
  const trace::RunRecord& record = view.run.record;
  const std::size_t step = m_selection.step();
  const std::size_t row = std::size_t{view.model.layers} * view.model.query_heads;
  item.setData(DecodeRun, Qt::UserRole, view.id);
  item.setText(DecodeRun, runText(m_document, view.id));
  item.setIcon(DecodeRun, colourIcon(runColour(m_document, view.id, themeOf(palette()))));
  item.setText(DecodeText, generatedAt(record, step));
  item.setToolTip(DecodeText, QString::fromStdString(record.decode_text));
  item.setText(DecodeKl, threeDecimals(step < record.kl.size() ? static_cast<double>(record.kl[step]) : std::nan("")));
  item.setText(DecodeMass, threeDecimals(meanAtStep(record.retained, step, row)));
  item.setText(DecodeBest, threeDecimals(meanAtStep(record.oracle, step, row)));
  item.setText(DecodeEvicted, QString::number(std::ranges::count(
                                  record.evicted, step, [](const trace::Eviction& e) { return std::size_t{e.step}; })));
  item.setToolTip(DecodeEvicted, evictedText(view, m_selection.step()));
  for (int column = DecodeKl; column < DecodeColumns; ++column)
    item.setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
  QFont font = this->font();
  font.setBold(view.id == m_selection.focusRun());
  for (int column = 0; column < DecodeColumns; ++column) item.setFont(column, font);
}

// The tokens that most lists gave up at a step, and why.
QString DecodePage::evictedText(const RunView& view, std::uint32_t step) const {
  constexpr std::size_t kNamed = 8;
  const std::vector<EvictedPosition> evicted = evictedAt(view, step);
  if (evicted.empty()) return {};
  QString text = tr("evicted after this token (%1):").arg(QString::fromStdString(evictionReason(view)));
  for (std::size_t i = 0; i < std::min(kNamed, evicted.size()); ++i)
    text += tr("\nposition %1 “%2” in %3 lists")
                .arg(evicted[i].position)
                .arg(QString::fromStdString(m_attended.tokenOf(view, evicted[i].position)))
                .arg(evicted[i].lists);
  if (evicted.size() > kNamed) text += tr("\nand %1 more positions").arg(evicted.size() - kNamed);
  return text;
}

// Layer and heads if the run has keys; then "position,mass" pairs, most attended first.
QString DecodePage::attendedCells(RunId run, std::size_t step) {
  const bool here = run == m_selection.focusRun();
  const std::vector<AttendedKey> keys = here ? m_attended.keys(step) : std::vector<AttendedKey>();
  QString cells = keys.empty() ? QStringLiteral(",,")
                               : QStringLiteral(",%1,%2")
                                     .arg(m_selection.layer().value)
                                     .arg(QString::fromStdString(textOf(m_selection.head())));
  for (std::size_t k = 0; k < kCsvKeys; ++k)
    cells += k < keys.size() ? QStringLiteral(",%1,%2").arg(keys[k].position).arg(keys[k].mass, 0, 'g', 9)
                             : QStringLiteral(",,");
  return cells;
}

QString DecodePage::csv() {
  QString text = QStringLiteral("run,step,kl,retained,oracle,layer,heads");
  for (std::size_t k = 1; k <= kCsvKeys; ++k) text += QStringLiteral(",attended_%1,attended_mass_%1").arg(k);
  text += QLatin1Char('\n');
  if (!m_document.isOpen()) return text;
  for (const RunId run : m_selection.visibleRuns()) {
    const RunPointer view = m_document.run(run);
    if (!view) continue;
    const trace::RunRecord& record = view->run.record;
    const std::size_t row = std::size_t{view->model.layers} * view->model.query_heads;
    for (std::size_t step = 0; step < record.decode_ids.size(); ++step)
      text += QStringLiteral("%1,%2,%3,%4,%5%6\n")
                  .arg(csvQuoted(runText(m_document, run)))
                  .arg(step)
                  .arg(step < record.kl.size() ? static_cast<double>(record.kl[step]) : std::nan(""), 0, 'g', 9)
                  .arg(meanAtStep(record.retained, step, row), 0, 'g', 9)
                  .arg(meanAtStep(record.oracle, step, row), 0, 'g', 9)
                  .arg(attendedCells(run, step));
  }
  return text;
}

}  // namespace kvatlas::views
