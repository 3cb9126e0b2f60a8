#include "views/pages/results/results_page.h"

#include <QComboBox>
#include <QEvent>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QSplitter>
#include <QTabWidget>
#include <QTableView>
#include <QVBoxLayout>
#include <utility>

#include "views/models/figures/results_facts.h"
#include "views/models/qt_text.h"
#include "views/pages/results/case_details.h"
#include "views/pages/results/score_delegate.h"
#include "views/pages/table_keys.h"

namespace kvatlas::views {
namespace {

constexpr int kNone = -1;  // data of a combo box's first entry: no branch

QTableView* scoreView(QAbstractItemModel& model, const char* name, QObject* parent) {
  auto* view = new QTableView;
  view->setObjectName(QString::fromLatin1(name));
  view->setModel(&model);
  view->setItemDelegate(new ScoreDelegate(true, parent));
  view->setShowGrid(false);
  view->setFrameShape(QFrame::NoFrame);
  view->setSelectionMode(QAbstractItemView::SingleSelection);
  view->horizontalHeader()->setDefaultSectionSize(92);
  view->horizontalHeader()->setHighlightSections(false);
  view->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  view->verticalHeader()->setDefaultSectionSize(view->fontMetrics().height() + 6);
  view->verticalHeader()->setHighlightSections(false);
  return view;
}

QComboBox* branchBox(const char* name, const QString& tip) {
  auto* box = new QComboBox;
  box->setObjectName(QString::fromLatin1(name));
  box->setToolTip(tip);
  box->setAccessibleName(tip);
  box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);  // long labels must not widen the window
  box->setMinimumContentsLength(10);
  return box;
}

// Keeps the choice if it is still there.
void refill(QComboBox& box, const std::vector<std::pair<QString, QVariant>>& entries) {
  const QVariant before = box.currentData();
  const QSignalBlocker quiet(box);
  box.clear();
  for (const auto& [text, data] : entries) box.addItem(text, data);
  box.setCurrentIndex(std::max(0, box.findData(before)));
}

std::optional<std::size_t> branchIn(const QComboBox& box) {
  const int branch = box.currentData().toInt();
  return box.count() == 0 || branch == kNone ? std::nullopt : std::optional(static_cast<std::size_t>(branch));
}

}  // namespace

ResultsPage::ResultsPage(QWidget* parent)
    : QWidget(parent),
      m_filter(m_cases),
      m_title(new QLabel),
      m_state(new QLabel),
      m_count(new QLabel),
      m_axes(new QLabel),
      m_score(branchBox("scoreBox", tr("The score that tables, list and filters use"))),
      m_branch(branchBox("gridBranch", tr("The method that the grid shows"))),
      m_wrong(branchBox("wrongWith", tr("Only cases that this method answers wrongly"))),
      m_right(branchBox("rightWith", tr("Only cases that this method answers rightly"))),
      m_right_from(new QSpinBox),
      m_text(new QLineEdit),
      m_cells(new QPushButton),
      m_overview(new QTabWidget),
      m_table_view(scoreView(m_table, "scoreTable", this)),
      m_grid_view(scoreView(m_grid, "scoreGrid", this)),
      m_list(scoreView(m_filter, "caseList", this)),
      m_details(new CaseDetails) {
  setObjectName(QStringLiteral("resultsPage"));
  setMinimumWidth(560);  // its parts' own minimum would hold the window wide while panels stand beside a map
  auto* left = new QSplitter(Qt::Vertical);
  left->addWidget(makeOverview());
  left->addWidget(makeCases());
  left->setStretchFactor(0, 1);
  left->setStretchFactor(1, 2);
  left->setSizes({1000, 2000});
  auto* sides = new QSplitter;
  sides->setObjectName(QStringLiteral("resultsSides"));
  sides->addWidget(left);
  sides->addWidget(m_details);
  sides->setStretchFactor(0, 3);
  sides->setStretchFactor(1, 2);
  sides->setSizes({3000, 2000});
  sides->setChildrenCollapsible(false);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(10, 8, 10, 8);
  column->addWidget(makeHead());
  column->addWidget(sides, 1);
  connect(&m_source, &ResultsSource::changed, this, &ResultsPage::showView);
  showView();
}

QWidget* ResultsPage::makeHead() {
  QFont bold = font();
  bold.setBold(true);
  m_title->setFont(bold);
  m_title->setObjectName(QStringLiteral("resultsTitle"));
  m_title->setTextFormat(Qt::PlainText);
  m_state->setObjectName(QStringLiteral("resultsState"));
  auto* reload = new QPushButton(tr("Reload"));
  reload->setObjectName(QStringLiteral("reloadResults"));
  connect(reload, &QPushButton::clicked, &m_source, &ResultsSource::reload);
  connect(m_score, &QComboBox::currentIndexChanged, this,
          [this] { m_source.setScore(m_score->currentData().toString().toStdString()); });
  auto* head = new QWidget;
  auto* row = new QHBoxLayout(head);
  row->setContentsMargins(0, 0, 0, 0);
  row->addWidget(m_title);
  row->addWidget(m_state, 1);
  row->addWidget(new QLabel(tr("Score")));
  row->addWidget(m_score);
  row->addWidget(reload);
  return head;
}

QWidget* ResultsPage::makeOverview() {
  m_overview->setObjectName(QStringLiteral("overview"));
  m_overview->setDocumentMode(true);
  m_overview->addTab(m_table_view, tr("Table"));
  auto* grid = new QWidget;
  auto* column = new QVBoxLayout(grid);
  column->setContentsMargins(0, 4, 0, 0);
  auto* row = new QHBoxLayout;
  row->addWidget(new QLabel(tr("Method")));
  row->addWidget(m_branch);
  row->addWidget(m_axes);
  row->addStretch(1);
  column->addLayout(row);
  column->addWidget(m_grid_view, 1);
  m_overview->addTab(grid, tr("Grid"));
  connect(m_branch, &QComboBox::currentIndexChanged, this, &ResultsPage::fillGrid);
  const auto choose = [this](ScoreCellModel& model) {
    return [this, &model](const QModelIndex& index) {
      const bool several = model.cells().columns.size() > 1 && &model == &m_grid;
      const QString row_name = model.headerData(index.row(), Qt::Vertical, Qt::DisplayRole).toString();
      const QString column_name = model.headerData(index.column(), Qt::Horizontal, Qt::DisplayRole).toString();
      chooseCells(model.cellAt(index), several ? row_name + QStringLiteral(" · ") + column_name : row_name);
    };
  };
  for (const auto& [view, model] : {std::pair{m_table_view, &m_table}, std::pair{m_grid_view, &m_grid}}) {
    connect(view, &QTableView::clicked, this, choose(*model));
    new TableKeys(*view, choose(*model));
  }
  m_table_view->setAccessibleName(tr("Scores of the sets and methods"));
  m_grid_view->setAccessibleName(tr("Scores of one method by facet"));
  return m_overview;
}

QWidget* ResultsPage::makeCases() {
  m_text->setObjectName(QStringLiteral("caseText"));
  m_text->setAccessibleName(tr("Words of questions and answers"));
  m_text->setPlaceholderText(tr("Find in questions and answers"));
  m_text->setClearButtonEnabled(true);
  m_right_from->setObjectName(QStringLiteral("rightFrom"));
  m_right_from->setAccessibleName(tr("Score from which an answer counts as right, in percent"));
  m_right_from->setRange(1, 100);
  m_right_from->setValue(50);
  m_right_from->setSuffix(tr(" %"));
  m_right_from->setToolTip(tr("An answer with this score or more counts as right"));
  m_cells->setObjectName(QStringLiteral("chosenCells"));
  m_cells->setAccessibleName(tr("Show the cases of all cells"));
  m_cells->setToolTip(tr("Shows the cases of all cells again"));
  m_count->setObjectName(QStringLiteral("caseCount"));
  m_list->setItemDelegate(new ScoreDelegate(false, this));
  m_list->setSelectionBehavior(QAbstractItemView::SelectRows);
  m_list->setSortingEnabled(true);
  m_list->sortByColumn(CaseModel::CaseId, Qt::AscendingOrder);
  m_list->verticalHeader()->hide();
  m_list->viewport()->installEventFilter(this);
  m_list->setWordWrap(false);
  auto* filters = new QHBoxLayout;
  filters->addWidget(new QLabel(tr("Wrong with")));
  filters->addWidget(m_wrong);
  filters->addWidget(new QLabel(tr("right with")));
  filters->addWidget(m_right);
  filters->addWidget(new QLabel(tr("right from")));
  filters->addWidget(m_right_from);
  filters->addWidget(m_text, 1);
  auto* chosen = new QHBoxLayout;
  chosen->addWidget(m_count, 1);
  chosen->addWidget(m_cells);
  auto* box = new QWidget;
  auto* column = new QVBoxLayout(box);
  column->setContentsMargins(0, 6, 0, 0);
  column->addLayout(filters);
  column->addLayout(chosen);
  column->addWidget(m_list, 1);
  for (QComboBox* choice : {m_wrong, m_right})
    connect(choice, &QComboBox::currentIndexChanged, this, &ResultsPage::applyConditions);
  connect(m_right_from, &QSpinBox::valueChanged, this, &ResultsPage::applyConditions);
  connect(m_text, &QLineEdit::textChanged, this, &ResultsPage::applyConditions);
  connect(m_cells, &QPushButton::clicked, this, &ResultsPage::clearCells);
  connect(m_list->selectionModel(), &QItemSelectionModel::currentRowChanged, this, &ResultsPage::showCase);
  m_list->setAccessibleName(tr("Cases"));
  const auto show_attention = [this] { emit m_details->attentionWanted(m_details->caseId()); };
  connect(m_list, &QTableView::doubleClicked, this, show_attention);
  new TableKeys(*m_list, [show_attention](const QModelIndex&) { show_attention(); });
  return box;
}

void ResultsPage::showView() {
  const ResultsPointer& view = m_source.view();
  const std::string run = view ? view->reader.settings().sha256() + view->reader.folder().string() : "";
  const bool other = run != m_shown;
  m_shown = run;
  if (other) m_details->forgetPrompts();
  if (other) m_chosen = {};
  m_cases.show(view);
  if (!view) {
    m_table.show({});
    m_grid.show({});
    for (QLabel* label : {m_title, m_state, m_count}) label->clear();
    return showCase();
  }
  const ResultsFacts facts = resultsFacts(view->reader, view->score);
  m_title->setText(toQString(facts.folder));
  QString state = tr("%1 · %2 · %3 of %4 cases")
                      .arg(toQString(view->plan().task), toQString(facts.model))
                      .arg(facts.cases_done)
                      .arg(facts.cases_planned);
  m_state->setText(state);
  m_state->setToolTip(toQString(view->reader.warnings().empty() ? "" : view->reader.warnings().front()));
  fillChoices();
  m_table.show(setTable(*view));
  m_overview->setTabVisible(1, gridAxes(view->plan()).has_value());
  fillGrid();
  if (other) {
    m_list->setColumnWidth(CaseModel::CaseId, 160);
    m_list->setColumnWidth(CaseModel::Tokens, 55);
    m_list->setColumnWidth(CaseModel::Question, 120);
    m_list->setColumnWidth(CaseModel::Expected, 90);
    fitQuestions();
    m_overview->setCurrentIndex(gridAxes(view->plan()) && view->plan().has("depth") ? 1 : 0);
  }
  applyConditions();
  if (!m_list->currentIndex().isValid() && m_filter.rowCount() > 0) m_list->selectRow(0);
  showCase();
}

// The questions take what room the other columns leave.
void ResultsPage::fitQuestions() {
  constexpr int kLeast = 120;
  int others = 0;
  for (int column = 0; column < m_filter.columnCount(); ++column)
    if (column != CaseModel::Question) others += m_list->columnWidth(column);
  m_list->setColumnWidth(CaseModel::Question, std::max(kLeast, m_list->viewport()->width() - others));
}

bool ResultsPage::eventFilter(QObject* watched, QEvent* event) {
  if (watched == m_list->viewport() && event->type() == QEvent::Resize) fitQuestions();
  return QWidget::eventFilter(watched, event);
}

void ResultsPage::fillChoices() {
  const ResultsView& view = *m_source.view();
  std::vector<std::pair<QString, QVariant>> branches, scores{{tr("of the run"), QString()}};
  for (const results::Branch& branch : view.plan().branches)
    branches.emplace_back(branchText(branch), static_cast<int>(branches.size()));
  refill(*m_branch, branches);
  branches.insert(branches.begin(), {tr("any"), kNone});
  refill(*m_wrong, branches);
  refill(*m_right, branches);
  for (const std::string& score : view.scores) scores.emplace_back(toQString(scoreTitle(score)), toQString(score));
  refill(*m_score, scores);
}

void ResultsPage::fillGrid() {
  const ResultsPointer& view = m_source.view();
  if (!view) return;
  m_grid.show(facetGrid(*view, branchIn(*m_branch).value_or(0)));
  m_axes->setText(m_grid.cells().corner);
}

void ResultsPage::applyConditions() {
  CaseConditions conditions = m_chosen;
  conditions.wrong_with = branchIn(*m_wrong);
  conditions.right_with = branchIn(*m_right);
  conditions.right_from = m_right_from->value() / 100.0;
  conditions.text = m_text->text();
  m_filter.setConditions(conditions);
  m_count->setText(m_filter.rowCount() == m_cases.rowCount()
                       ? tr("%1 cases").arg(m_cases.rowCount())
                       : tr("%1 of %2 cases").arg(m_filter.rowCount()).arg(m_cases.rowCount()));
  m_cells->setVisible(!m_chosen.set.empty() || m_chosen.where.size() > 0);
  showCase();
}

void ResultsPage::chooseCells(const ScoreCell& cell, const QString& words) {
  m_chosen = cell.cases;
  m_cells->setText(words + QStringLiteral("  ✕"));
  applyConditions();
}

void ResultsPage::clearCells() {
  m_chosen = {};
  m_table_view->clearSelection();
  m_grid_view->clearSelection();
  applyConditions();
}

void ResultsPage::showCase() {
  const QModelIndex row = m_filter.mapToSource(m_list->currentIndex());
  m_details->show(row.isValid() ? m_source.view() : nullptr, static_cast<std::size_t>(std::max(row.row(), 0)),
                  m_right_from->value() / 100.0);
}

void ResultsPage::chooseCase(const QString& case_id) {
  const QModelIndex row = m_filter.mapFromSource(m_cases.index(m_cases.rowOf(case_id), 0));
  if (row.isValid()) m_list->setCurrentIndex(row);
}

QString ResultsPage::csv() const {
  const ScoreCells& cells = (m_overview->currentIndex() == 0 ? m_table : m_grid).cells();
  QStringList head{csvQuoted(cells.corner)};
  for (const QString& column : cells.columns) head << csvQuoted(column);
  QString text = head.join(QLatin1Char(',')) + QLatin1Char('\n');
  for (qsizetype row = 0; row < cells.rows.size(); ++row) {
    QStringList line{csvQuoted(cells.rows[row])};
    for (qsizetype column = 0; column < cells.columns.size(); ++column) {
      const auto& mean = cells.cells[static_cast<std::size_t>(row * cells.columns.size() + column)].mean;
      line << (mean ? QString::number(100 * *mean, 'g', 6) : QString());
    }
    text += line.join(QLatin1Char(',')) + QLatin1Char('\n');
  }
  return text;
}

}  // namespace kvatlas::views
