#include "views/pages/runs_page.h"

#include <QContextMenuEvent>
#include <QHeaderView>
#include <QKeyEvent>
#include <QMenu>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "views/models/document/run_colour.h"
#include "views/models/items/run_summary.h"
#include "views/models/qt_text.h"
#include "views/pages/charts/run_chart.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

enum RunsColumn { Name, Budget, Retained, Here, Kl, Right, Columns };
// Of the rows of further traces; the trace's own row has no run.
constexpr int kTraceRole = Qt::UserRole + 1, kOtherRunRole = Qt::UserRole + 2;
constexpr int kIndentation = 10;

QString number(double value, int decimals) {
  return std::isnan(value) ? QStringLiteral("–") : QString::number(value, 'f', decimals);
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
  setTextElideMode(Qt::ElideMiddle);  // the budget at the end tells runs of one method apart
  setAllColumnsShowFocus(true);
  setColumnCount(Columns);
  setHeaderLabels({tr("Run"), tr("Kept"), tr("Mass"), tr("Here"), tr("KL"), QStringLiteral("✓")});
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
    if (!m_ticked) choose(item);
  });
  rebuild();
}

void RunsPage::setShelf(TraceShelf& shelf) {
  m_shelf = &shelf;
  connect(&shelf, &TraceShelf::changed, &m_timer, qOverload<>(&QTimer::start));
  connect(&shelf, &TraceShelf::runsRead, this, &RunsPage::fillRows);
  m_timer.start();
}

// Focuses a run of the open trace; a run of another one asks for that trace.
void RunsPage::choose(const QTreeWidgetItem* item) {
  if (runAt(item) != kNoRun) return m_selection.setFocusRun(runAt(item));
  if (item != nullptr && item->data(Name, kOtherRunRole).isValid())
    emit otherRunChosen(item->data(Name, kTraceRole).toString(), item->data(Name, kOtherRunRole).toInt());
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
    addOthers();
    fillRows();
  }
  m_filling = false;
  showSelection();
}

// One row per further trace, its runs below.
void RunsPage::addOthers() {
  const bool any = m_shelf != nullptr && !m_shelf->traces().empty();
  setRootIsDecorated(any);
  setIndentation(any ? kIndentation : 0);
  if (!any) return;
  for (const auto& document : m_shelf->traces()) {
    auto* top = new QTreeWidgetItem(this);
    const QString path = QString::fromStdString(document->path().string());
    top->setData(Name, Qt::UserRole, kNoRun);
    top->setData(Name, kTraceRole, path);
    top->setText(Name, traceName(*document));
    top->setToolTip(Name, tr("%1\nA click on one of its runs opens this trace").arg(path));
    for (const RunId run : document->runIds()) {
      auto* item = new QTreeWidgetItem(top);
      item->setData(Name, Qt::UserRole, kNoRun);
      item->setData(Name, kTraceRole, path);
      item->setData(Name, kOtherRunRole, run);
    }
    top->setFirstColumnSpanned(true);
    top->setExpanded(true);
  }
}

// The name of a run says its budget, so the column of kept tokens only matters where a run keeps something else.
bool RunsPage::budgetsAsNamed() const {
  bool as_named = true;
  const auto check = [&as_named](Document& document) {
    for (const RunId id : document.runIds()) {
      const RunPointer run = document.runHeader(id).is_full ? nullptr : document.run(id);
      if (run && QString::number(run->run.record.budget_realised, 'f', 0).toStdString() != run->run.header.budget)
        as_named = false;
    }
  };
  check(m_document);
  if (m_shelf != nullptr)
    for (const auto& document : m_shelf->traces()) check(*document);
  return as_named;
}

// All rows: the steps that all runs share may have changed.
void RunsPage::fillRows() {
  if (!m_document.isOpen()) return;
  const bool filling = std::exchange(m_filling, true);
  const std::size_t shared = sharedKlSteps(m_document);
  for (int i = 0; i < topLevelItemCount(); ++i) {
    QTreeWidgetItem& top = *topLevelItem(i);
    if (m_document.hasRun(runAt(&top))) fillRow(top, m_document, runAt(&top), shared);
    Document* other = m_shelf != nullptr && top.childCount() > 0
                          ? m_shelf->find(top.data(Name, kTraceRole).toString().toStdString())
                          : nullptr;
    if (other == nullptr) continue;
    const std::size_t of_other = sharedKlSteps(*other);
    for (int child = 0; child < top.childCount(); ++child) {
      const RunId run = top.child(child)->data(Name, kOtherRunRole).toInt();
      if (other->hasRun(run)) fillRow(*top.child(child), *other, run, of_other);
    }
  }
  setColumnHidden(Budget, budgetsAsNamed());
  setColumnHidden(Right, m_answer.isEmpty());
  m_filling = filling;
}

void RunsPage::setAnswer(const QString& answer) {
  m_answer = answer.trimmed();
  fillRows();
}

void RunsPage::fillRow(QTreeWidgetItem& item, Document& document, RunId run, std::size_t shared_steps) {
  const bool own = &document == &m_document;
  const trace::RunHeader& header = document.runHeader(run);
  const RunPointer view = document.run(run);
  const QString title = runText(document, run);
  item.setText(Name, title);
  item.setIcon(Name, colourIcon(runColour(document, run, themeOf(palette())), isWhatIf(run)));
  item.setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable | (own ? Qt::ItemIsUserCheckable : Qt::NoItemFlags));
  if (own) item.setCheckState(Name, m_selection.isHidden(run) ? Qt::Unchecked : Qt::Checked);
  for (int column = Budget; column < Columns; ++column)
    item.setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
  const QString parameters = parameterWords(header.parameters);
  item.setToolTip(Name, parameters.isEmpty() ? title : title + QStringLiteral("\n") + parameters);
  if (view && view->rule && !header.is_full)
    item.setToolTip(Name, item.toolTip(Name) + QLatin1Char('\n') + toQString(ruleText(*view->rule)));
  if (!document.runFinished(run)) return item.setText(Retained, tr("not finished"));
  const bool full = header.is_full;
  item.setText(Budget, number(view && !full ? view->run.record.budget_realised : header.budget_nominal, 0));
  if (!view) return;
  const std::optional<bool> right = answersRight(*view, m_answer);
  item.setText(Right, !right ? QString() : *right ? QStringLiteral("✓") : QStringLiteral("✗"));
  item.setToolTip(Right, QString::fromStdString(view->run.record.decode_text));
  if (full) return;
  const QString about = view->retained_estimated ? QStringLiteral("≈") : QString();
  const QString how = view->retained_estimated
                          ? tr("Estimate: attention of the last %1 prompt queries on the kept tokens")
                                .arg(document.header().attention.window)
                          : tr("Mean over %1 generated tokens").arg(view->run.record.decode_ids.size());
  item.setText(Retained, about + number(retainedMass(*view), 3));
  item.setText(Here, about + number(retainedMass(*view, m_selection.layer(), m_selection.head()), 3));
  item.setToolTip(Retained, how);
  item.setToolTip(Here, how);
  const std::size_t steps = klSteps(*view), shared = std::min(shared_steps, steps);
  item.setText(Kl, number(meanKl(*view, shared), 3));
  item.setToolTip(Kl,
                  tr("Mean over the first %1 generated tokens, which all runs share. Over the %2 of this run: %3 nats")
                      .arg(shared)
                      .arg(steps)
                      .arg(number(meanKl(*view, steps), 3)));
}

void RunsPage::showSelection() {
  m_filling = true;
  for (int i = 0; i < topLevelItemCount(); ++i) {
    QTreeWidgetItem* item = topLevelItem(i);
    const RunId run = runAt(item);
    if (run == kNoRun) continue;
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
  const bool moved = event->key() == Qt::Key_Up || event->key() == Qt::Key_Down;
  if (moved && runAt(currentItem()) != kNoRun) choose(currentItem());
  if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) choose(currentItem());
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
  const QTreeWidgetItem* item = itemAt(at);
  if (item != nullptr && item->data(Name, kTraceRole).isValid()) return showTraceMenu(*item, event->globalPos());
  const RunId run = runAt(item);
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

void RunsPage::showTraceMenu(const QTreeWidgetItem& item, const QPoint& global) {
  const QString trace = item.data(Name, kTraceRole).toString();
  const QVariant run = item.data(Name, kOtherRunRole);
  QMenu menu;
  menu.setObjectName(QStringLiteral("traceMenu"));
  menu.addAction(tr("&Open this trace"), this,
                 [this, trace, run] { emit otherRunChosen(trace, run.isValid() ? run.toInt() : kNoRun); });
  menu.addAction(tr("&Remove from the list"), this, [this, trace] { m_shelf->remove(trace.toStdString()); });
  menu.exec(global);
}

void RunsPage::changeEvent(QEvent* event) {
  QTreeWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) m_timer.start();
}

}  // namespace kvatlas::views
