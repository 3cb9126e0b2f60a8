#include "views/pages/runs_page.h"

#include <QContextMenuEvent>
#include <QHeaderView>
#include <QKeyEvent>
#include <QMenu>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/mean.h"
#include "views/models/document/run_colour.h"
#include "views/pages/charts/run_chart.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

enum RunsColumn { Name, Budget, Retained, Here, Kl, Right, Columns };

QString number(double value, int decimals) {
  return std::isnan(value) ? QStringLiteral("–") : QString::number(value, 'f', decimals);
}

// Steps whose KL was measured: up to where the run's text and the full cache's part.
std::size_t klSteps(const RunView& view) {
  return static_cast<std::size_t>(
      std::ranges::count_if(view.run.record.kl, [](float value) { return !std::isnan(value); }));
}

double meanKl(const RunView& view, std::size_t steps) {
  MeanOfMeasured mean;
  for (const float value : view.run.record.kl) {
    if (mean.count() == steps) break;
    mean.add(static_cast<double>(value));
  }
  return mean.value();
}

// Mean over the steps for the query heads of a choice in one layer.
double retainedHere(const RunView& view, LayerIndex layer, const HeadChoice& head) {
  MeanOfMeasured mean;
  const trace::ModelInfo& model = view.model;
  const std::size_t row = std::size_t{model.layers} * model.query_heads;
  for (std::size_t step = 0; (step + 1) * row <= view.run.record.retained.size(); ++step)
    for (const HeadIndex each : headsOf(head, model))
      mean.add(static_cast<double>(
          view.run.record.retained[step * row + std::size_t{layer.value} * model.query_heads + each.value]));
  return mean.value();
}

// "window 8, kernel 7" from the recorded JSON.
QString parameterWords(const std::string& json) {
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  QStringList words;
  if (parsed.is_object())
    for (const auto& [name, value] : parsed.items())
      words << QStringLiteral("%1 %2").arg(
          QString::fromStdString(name).replace(QLatin1Char('_'), QLatin1Char(' ')),
          value.is_number_float()
              ? QString::number(value.get<double>(), 'g', 6)
              : QString::fromStdString(value.is_string() ? value.get<std::string>() : value.dump()));
  return words.join(QStringLiteral(", "));
}

}  // namespace

RunsPage::RunsPage(Document& document, Selection& selection, QWidget* parent)
    : QTreeWidget(parent), m_document(document), m_selection(selection) {
  setObjectName(QStringLiteral("runsPage"));
  setFrameShape(QFrame::NoFrame);
  setRootIsDecorated(false);
  setUniformRowHeights(true);
  setAllColumnsShowFocus(true);
  setColumnCount(Columns);
  setHeaderLabels({tr("Run"), tr("Kept"), tr("Mass"), tr("Here"), tr("KL"), tr("Right")});
  setAccessibleName(tr("Runs"));
  header()->setStretchLastSection(false);
  header()->setSectionResizeMode(Name, QHeaderView::Stretch);
  for (int column = Budget; column < Columns; ++column) {
    header()->setSectionResizeMode(column, QHeaderView::ResizeToContents);
    headerItem()->setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
  }
  headerItem()->setToolTip(Budget, tr("Tokens kept per head at the end of the prompt"));
  headerItem()->setToolTip(Retained,
                           tr("Retained mass: share of the full cache's attention that falls on kept tokens"));
  headerItem()->setToolTip(Here, tr("Retained mass of the layer and head in view"));
  headerItem()->setToolTip(Kl, tr("KL divergence from the full cache in nats, mean over the generated tokens that all "
                                  "runs share: up to where the first text parts from the full cache's"));
  headerItem()->setToolTip(Right,
                           tr("Whether the generated text contains the expected answer. Set it in the menu of the "
                              "list"));
  m_timer.setSingleShot(true);
  m_timer.setInterval(0);
  connect(&m_timer, &QTimer::timeout, this, &RunsPage::rebuild);
  const auto soon = [this] { m_timer.start(); };
  for (const auto signal : {&Document::opened, &Document::refreshed, &Document::closed, &Document::runListChanged})
    connect(&document, signal, this, soon);
  connect(&document, &Document::runReady, this, &RunsPage::fillRows);
  for (const auto signal : {&Selection::layerChanged, &Selection::headChanged})
    connect(&selection, signal, this, &RunsPage::fillRows);
  for (const auto signal : {&Selection::focusRunChanged, &Selection::compareRunChanged, &Selection::hiddenRunsChanged})
    connect(&selection, signal, this, &RunsPage::showSelection);
  connect(this, &QTreeWidget::itemChanged, this, &RunsPage::applyCheckState);
  connect(this, &QTreeWidget::itemClicked, this, [this](QTreeWidgetItem* item) {
    if (!m_ticked) m_selection.setFocusRun(runAt(item));
  });
  rebuild();
}

RunId RunsPage::runAt(const QTreeWidgetItem* item) const {
  return item == nullptr ? kNoRun : item->data(Name, Qt::UserRole).toInt();
}

QTreeWidgetItem* RunsPage::itemOf(RunId run) const {
  for (int i = 0; i < topLevelItemCount(); ++i)
    if (runAt(topLevelItem(i)) == run) return topLevelItem(i);
  return nullptr;
}

void RunsPage::rebuild() {
  m_filling = true;
  clear();
  if (m_document.isOpen()) {
    for (const RunId run : m_document.runIds()) {
      auto* item = new QTreeWidgetItem(this);
      item->setData(Name, Qt::UserRole, run);
    }
    fillRows();
  }
  m_filling = false;
  showSelection();
}

// All rows: the steps that all runs share may have changed.
void RunsPage::fillRows() {
  if (!m_document.isOpen()) return;
  const bool filling = std::exchange(m_filling, true);
  m_shared_steps = SIZE_MAX;
  for (const RunId run : m_document.runIds())
    if (const RunPointer view = m_document.run(run); view && !view->run.record.kl.empty())
      m_shared_steps = std::min(m_shared_steps, klSteps(*view));
  for (int i = 0; i < topLevelItemCount(); ++i)
    if (m_document.hasRun(runAt(topLevelItem(i)))) fillRow(*topLevelItem(i), runAt(topLevelItem(i)));
  setColumnHidden(Right, m_answer.isEmpty());
  m_filling = filling;
}

void RunsPage::setAnswer(const QString& answer) {
  m_answer = answer.trimmed();
  fillRows();
}

QString RunsPage::verdict(const RunView& view) const {
  if (m_answer.isEmpty() || view.run.record.decode_text.empty()) return {};
  const QString text = QString::fromStdString(view.run.record.decode_text);
  return text.contains(m_answer, Qt::CaseInsensitive) ? QStringLiteral("✓") : QStringLiteral("✗");
}

void RunsPage::fillRow(QTreeWidgetItem& item, RunId run) {
  const trace::RunHeader& header = m_document.runHeader(run);
  const RunPointer view = m_document.run(run);
  const QString title = runText(m_document, run);
  item.setText(Name, title);
  item.setIcon(Name, colourIcon(runColour(m_document, run, themeOf(palette())), isWhatIf(run)));
  item.setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable);
  item.setCheckState(Name, m_selection.isHidden(run) ? Qt::Unchecked : Qt::Checked);
  for (int column = Budget; column < Columns; ++column)
    item.setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
  const QString parameters = parameterWords(header.parameters);
  item.setToolTip(Name, parameters.isEmpty() ? title : title + QStringLiteral("\n") + parameters);
  if (!m_document.runFinished(run)) return item.setText(Budget, tr("not finished"));
  const bool full = header.is_full;
  item.setText(Budget, number(view && !full ? view->run.record.budget_realised : header.budget_nominal, 0));
  if (!view) return;
  item.setText(Right, verdict(*view));
  item.setToolTip(Right, QString::fromStdString(view->run.record.decode_text));
  if (full) return;
  const QString about = view->retained_estimated ? QStringLiteral("≈") : QString();
  const QString how = view->retained_estimated
                          ? tr("Estimate: attention of the last %1 prompt queries on the kept tokens")
                                .arg(m_document.header().attention.window)
                          : tr("Mean over %1 generated tokens").arg(view->run.record.decode_ids.size());
  item.setText(Retained, about + number(meanOfMeasured(view->run.record.retained), 3));
  item.setText(Here, about + number(retainedHere(*view, m_selection.layer(), m_selection.head()), 3));
  item.setToolTip(Retained, how);
  item.setToolTip(Here, how);
  const std::size_t own = klSteps(*view), shared = std::min(m_shared_steps, own);
  item.setText(Kl, number(meanKl(*view, shared), 3));
  item.setToolTip(Kl,
                  tr("Mean over the first %1 generated tokens, which all runs share. Over the %2 of this run: %3 nats")
                      .arg(shared)
                      .arg(own)
                      .arg(number(meanKl(*view, own), 3)));
}

void RunsPage::showSelection() {
  m_filling = true;
  for (int i = 0; i < topLevelItemCount(); ++i) {
    QTreeWidgetItem* item = topLevelItem(i);
    const RunId run = runAt(item);
    QFont font = this->font();
    font.setBold(run == m_selection.focusRun());
    font.setItalic(run == m_selection.compareRun());
    for (int column = 0; column < Columns; ++column) item->setFont(column, font);
    item->setCheckState(Name, m_selection.isHidden(run) ? Qt::Unchecked : Qt::Checked);
    if (run == m_selection.focusRun()) setCurrentItem(item);
  }
  m_filling = false;
}

void RunsPage::applyCheckState(QTreeWidgetItem* item) {
  if (!m_filling) m_selection.setHidden(runAt(item), item->checkState(Name) == Qt::Unchecked);
}

void RunsPage::keyPressEvent(QKeyEvent* event) {
  QTreeWidget::keyPressEvent(event);
  if (event->key() == Qt::Key_Up || event->key() == Qt::Key_Down) m_selection.setFocusRun(runAt(currentItem()));
}

// A click on the tick only ticks; the right button only opens the menu.
void RunsPage::mousePressEvent(QMouseEvent* event) {
  const QModelIndex index = indexAt(event->position().toPoint());
  m_ticked = index.isValid() && index.column() == Name &&
             event->position().x() < visualRect(index).left() + style()->pixelMetric(QStyle::PM_IndicatorWidth) + 6;
  if (event->button() == Qt::RightButton) return event->accept();
  QTreeWidget::mousePressEvent(event);
  if (m_ticked) showSelection();  // the base class has moved the current row
}

void RunsPage::contextMenuEvent(QContextMenuEvent* event) {
  const QPoint at = event->reason() == QContextMenuEvent::Mouse ? event->pos() : visualItemRect(currentItem()).center();
  const RunId run = runAt(itemAt(at));
  if (run == kNoRun) return;
  QMenu menu;
  menu.setObjectName(QStringLiteral("runsMenu"));
  menu.addAction(tr("&Focus this run"), this, [this, run] { m_selection.setFocusRun(run); });
  menu.addAction(tr("&Compare with the focused run"), this, [this, run] { m_selection.setCompareRun(run); });
  menu.addAction(tr("&Stop comparing"), this, [this] { m_selection.setCompareRun(kNoRun); });
  if (isWhatIf(run)) menu.addAction(tr("&Remove"), this, [this, run] { m_document.removeWhatIf(run); });
  menu.addSeparator();
  menu.addAction(tr("Tick only &this run"), this, [this, run] {
    for (const RunId each : m_document.runIds()) m_selection.setHidden(each, each != run);
  });
  menu.addAction(tr("Tick &all runs"), this, [this] {
    for (const RunId each : m_document.runIds()) m_selection.setHidden(each, false);
  });
  menu.addAction(tr("&Expected answer…"), this, &RunsPage::answerRequested);
  menu.exec(event->globalPos());
}

void RunsPage::changeEvent(QEvent* event) {
  QTreeWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) m_timer.start();
}

}  // namespace kvatlas::views
