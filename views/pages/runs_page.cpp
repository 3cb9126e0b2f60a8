#include "views/pages/runs_page.h"

#include <QContextMenuEvent>
#include <QHeaderView>
#include <QKeyEvent>
#include <QMenu>
#include <cmath>

#include "core/base/mean.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

enum RunsColumn { Name, Budget, Retained, Kl, Columns };

QString number(double value, int decimals) {
  return std::isnan(value) ? QStringLiteral("–") : QString::number(value, 'f', decimals);
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
  setHeaderLabels({tr("Run"), tr("Kept"), tr("Mass"), tr("KL")});
  header()->setStretchLastSection(false);
  header()->setSectionResizeMode(Name, QHeaderView::Stretch);
  for (int column = Budget; column < Columns; ++column) {
    header()->setSectionResizeMode(column, QHeaderView::ResizeToContents);
    headerItem()->setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
  }
  headerItem()->setToolTip(Budget, tr("Tokens per head that are kept at the end of the prompt"));
  headerItem()->setToolTip(Retained, tr("Share of the full cache's attention that falls on what is kept"));
  headerItem()->setToolTip(Kl, tr("Divergence from the full cache while generating, mean, in nats"));
  m_timer.setSingleShot(true);
  m_timer.setInterval(0);
  connect(&m_timer, &QTimer::timeout, this, &RunsPage::rebuild);
  const auto soon = [this] { m_timer.start(); };
  for (const auto signal : {&Document::opened, &Document::refreshed, &Document::closed, &Document::runListChanged})
    connect(&document, signal, this, soon);
  connect(&document, &Document::runReady, this, [this](int run) {
    m_filling = true;
    if (QTreeWidgetItem* item = itemOf(run)) fillRow(*item, run);
    m_filling = false;
  });
  for (const auto signal : {&Selection::focusRunChanged, &Selection::compareRunChanged, &Selection::hiddenRunsChanged})
    connect(&selection, signal, this, &RunsPage::showSelection);
  connect(this, &QTreeWidget::itemChanged, this, &RunsPage::takeChange);
  connect(this, &QTreeWidget::itemClicked, this,
          [this](QTreeWidgetItem* item) { m_selection.setFocusRun(runAt(item)); });
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
      fillRow(*item, run);
    }
  }
  m_filling = false;
  showSelection();
}

void RunsPage::fillRow(QTreeWidgetItem& item, RunId run) {
  const trace::RunHeader& header = m_document.runHeader(run);
  const RunPointer view = m_document.run(run);
  const QString title = QString::fromStdString(m_document.runTitle(run));
  item.setText(Name, title);
  item.setIcon(Name, methodIcon(header.method, themeOf(palette()), isWhatIf(run)));
  item.setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable);
  item.setCheckState(Name, m_selection.isHidden(run) ? Qt::Unchecked : Qt::Checked);
  for (int column = Budget; column < Columns; ++column)
    item.setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
  const QString budget = header.is_full ? QString() : tr(", budget %1").arg(QString::fromStdString(header.budget));
  item.setToolTip(Name, title + budget + QStringLiteral("\n") + QString::fromStdString(header.parameters));
  if (!m_document.runFinished(run)) return item.setText(Budget, tr("not finished"));
  const bool full = header.is_full;
  item.setText(Budget, number(view && !full ? view->run.record.budget_realised : header.budget_nominal, 0));
  item.setText(Retained, full   ? QStringLiteral("–")
                         : view ? number(meanOfMeasured(view->run.record.retained), 3)
                                : QString());
  item.setText(Kl, full ? QStringLiteral("–") : view ? number(meanOfMeasured(view->run.record.kl), 3) : QString());
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

void RunsPage::takeChange(QTreeWidgetItem* item) {
  if (!m_filling) m_selection.setHidden(runAt(item), item->checkState(Name) == Qt::Unchecked);
}

void RunsPage::keyPressEvent(QKeyEvent* event) {
  QTreeWidget::keyPressEvent(event);
  if (event->key() == Qt::Key_Up || event->key() == Qt::Key_Down) m_selection.setFocusRun(runAt(currentItem()));
}

void RunsPage::contextMenuEvent(QContextMenuEvent* event) {
  const RunId run = runAt(itemAt(event->pos()));
  if (run == kNoRun) return;
  QMenu menu;
  menu.addAction(tr("&Focus"), this, [this, run] { m_selection.setFocusRun(run); });
  menu.addAction(tr("&Compare the focus with this"), this, [this, run] { m_selection.setCompareRun(run); });
  menu.addAction(tr("&Stop comparing"), this, [this] { m_selection.setCompareRun(kNoRun); });
  if (isWhatIf(run)) menu.addAction(tr("&Remove"), this, [this, run] { m_document.removeWhatIf(run); });
  menu.exec(event->globalPos());
}

void RunsPage::changeEvent(QEvent* event) {
  QTreeWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) m_timer.start();
}

}  // namespace kvatlas::views
