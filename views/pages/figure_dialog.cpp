#include "views/pages/figure_dialog.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>
#include <set>

#include "core/base/error.h"
#include "core/base/outcome.h"
#include "core/figures/figure_kinds.h"
#include "views/models/colour_table.h"
#include "views/models/document/pool_task.h"
#include "views/plots/figures/figure.h"
#include "views/plots/figures/figure_export.h"

namespace kvatlas::views {
namespace {

constexpr int kDebounceMs = 120;
constexpr double kSharper = 2;  // preview pixels per screen pixel; it is shown at printed size

std::string dataOf(const QComboBox* box) {
  return box->currentData().toString().toStdString();
}

QString textOf(std::string_view text) {
  return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

QComboBox* choice(const QList<std::pair<QString, QString>>& items) {
  auto* box = new QComboBox;
  for (const auto& [title, data] : items) box->addItem(title, data);
  return box;
}

// Collects the values of a figure kind that does not read a trace.
GatheredFigure gatherFile(const FigureSpec& spec, const std::string& path) {
  switch (kindOf(spec).source) {
    case FigureSource::TrainingLog: {
      if (path.empty()) fail("choose the CSV log of a training run");
      const TrainingCurves curves = readTrainingCurves(path);
      return gatherFigure(&curves, spec);
    }
    case FigureSource::HeadTable: {
      if (path.empty()) fail("choose a table of heads, as kvatlas heads makes it");
      const policy::HeadTable table = policy::readHeadTable(path);
      return gatherFigure(&table, spec);
    }
    default: {
      if (path.empty()) fail("choose the results folder of an evaluation");
      const results::ResultsReader reader(path);
      return gatherFigure(&reader, spec);
    }
  }
}

// Runs job; returns the error sentence if it throws, else empty.
template <class Job>
QString problemOf(const Job& job) {
  return QString::fromStdString(guarded(job).message);
}

}  // namespace

FigureDialog::FigureDialog(Document& document, Selection& selection, const std::string& kind, QWidget* parent)
    : QDialog(parent),
      m_document(document),
      m_selection(selection),
      m_kind(new QComboBox),
      m_width(choice({{tr("one column, 3.3 in"), QStringLiteral("single")},
                      {tr("two columns, 6.9 in"), QStringLiteral("double")}})),
      m_theme(choice({{tr("light"), QStringLiteral("light")}, {tr("dark"), QStringLiteral("dark")}})),
      m_budget(new QComboBox),
      m_runs(choice({{tr("all"), QStringLiteral("all")},
                     {tr("visible"), QStringLiteral("shown")},
                     {tr("in focus"), QStringLiteral("focus")}})),
      m_scale(choice(
          {{tr("default"), {}}, {tr("linear"), QStringLiteral("linear")}, {tr("logarithmic"), QStringLiteral("log")}})),
      m_reduction(
          choice({{tr("default"), {}}, {tr("max"), QStringLiteral("max")}, {tr("mean"), QStringLiteral("mean")}})),
      m_colours(new QComboBox),
      m_by(choice({{tr("one for all"), QStringLiteral("all")},
                   {tr("by case type"), QStringLiteral("kind")},
                   {tr("by context length"), QStringLiteral("length")}})),
      m_title(new QLineEdit),
      m_source(new QLineEdit),
      m_browse(new QPushButton(tr("Bro&wse…"))),
      m_dpi(new QDoubleSpinBox),
      m_spans(new QCheckBox(tr("Show named spans"))),
      m_entropy(new QCheckBox(tr("Show entropy track"))),
      m_picture(new QLabel),
      m_note(new QLabel),
      m_problem(new QLabel),
      m_save(new QPushButton(tr("&Save as…"))),
      m_group(document.thread().newGroup()) {
  setWindowTitle(tr("Figure"));
  setObjectName(QStringLiteral("figureDialog"));
  for (const FigureKind& row : figures::figureKinds()) m_kind->addItem(textOf(row.name));
  for (const std::string& name : colourTableNames()) m_colours->addItem(QString::fromStdString(name));
  m_kind->setCurrentText(textOf(figures::findFigureKind(kind).name));
  m_kind->setObjectName(QStringLiteral("figureKind"));
  m_width->setObjectName(QStringLiteral("figureWidth"));
  m_runs->setObjectName(QStringLiteral("figureRuns"));
  m_scale->setObjectName(QStringLiteral("figureScale"));
  m_by->setObjectName(QStringLiteral("figureBy"));
  m_entropy->setObjectName(QStringLiteral("figureEntropy"));
  m_problem->setObjectName(QStringLiteral("figureProblem"));
  auto* form = new QFormLayout;
  makeFields(*form);
  m_picture->setAlignment(Qt::AlignCenter);
  auto* scroll = new QScrollArea;
  scroll->setWidget(m_picture);
  scroll->setWidgetResizable(true);
  scroll->setBackgroundRole(QPalette::Mid);
  auto* right = new QVBoxLayout;
  right->addWidget(scroll, 1);
  right->addWidget(m_note);
  auto* columns = new QHBoxLayout;
  columns->addLayout(form);
  columns->addLayout(right, 1);
  m_problem->setWordWrap(true);
  auto* close = new QPushButton(tr("&Close"));
  auto* buttons = new QHBoxLayout;
  buttons->addWidget(m_problem, 1);
  buttons->addWidget(m_save);
  buttons->addWidget(close);
  auto* column = new QVBoxLayout(this);
  column->addLayout(columns, 1);
  column->addLayout(buttons);
  resize(1080, 640);
  m_timer.setSingleShot(true);
  m_timer.setInterval(kDebounceMs);
  connect(&m_timer, &QTimer::timeout, this, &FigureDialog::draw);
  connect(m_save, &QPushButton::clicked, this, &FigureDialog::save);
  connect(close, &QPushButton::clicked, this, &QDialog::close);
  connect(&m_document, &Document::closed, this, [this] {
    if (kindOf(spec()).source == FigureSource::Trace) this->close();
  });
  connect(&m_document, &Document::opened, this, &FigureDialog::changeTrace);
  connect(&m_document, &Document::refreshed, this, &FigureDialog::changeTrace);
  fillBudgets();
  showKind();
}

void FigureDialog::makeFields(QFormLayout& form) {
  m_dpi->setRange(50, 1200);
  m_dpi->setDecimals(0);
  m_dpi->setValue(300);
  m_spans->setChecked(true);
  form.addRow(tr("&Figure"), m_kind);
  makeSource(form);
  form.addRow(tr("Widt&h"), m_width);
  form.addRow(tr("The&me"), m_theme);
  form.addRow(tr("&Title"), m_title);
  form.addRow(tr("&Runs"), m_runs);
  form.addRow(tr("&Budget"), m_budget);
  form.addRow(tr("Scal&e"), m_scale);
  form.addRow(tr("Cell re&duction"), m_reduction);
  form.addRow(tr("Co&lour map"), m_colours);
  form.addRow(tr("Pa&nels"), m_by);
  form.addRow(tr("PNG resolution, dp&i"), m_dpi);
  form.addRow(QString(), m_spans);
  form.addRow(QString(), m_entropy);
  for (QComboBox* box : {m_width, m_theme, m_budget, m_runs, m_scale, m_reduction, m_colours, m_by})
    connect(box, &QComboBox::currentIndexChanged, this, &FigureDialog::change);
  for (QCheckBox* box : {m_spans, m_entropy}) connect(box, &QCheckBox::toggled, this, &FigureDialog::change);
  connect(m_dpi, &QDoubleSpinBox::valueChanged, this, &FigureDialog::change);
  connect(m_kind, &QComboBox::currentIndexChanged, this, &FigureDialog::showKind);
  connect(m_title, &QLineEdit::textChanged, this, &FigureDialog::change);
}

void FigureDialog::makeSource(QFormLayout& form) {
  m_source->setObjectName(QStringLiteral("figureSource"));
  auto* row = new QHBoxLayout;
  row->addWidget(m_source, 1);
  row->addWidget(m_browse);
  form.addRow(tr("Source"), row);
  connect(m_source, &QLineEdit::textChanged, this, &FigureDialog::change);
  connect(m_browse, &QPushButton::clicked, this, &FigureDialog::browse);
}

void FigureDialog::browse() {
  const FigureSource source = kindOf(spec()).source;
  const auto file = [&](const QString& title, const QString& names) {
    return QFileDialog::getOpenFileName(this, title, m_source->text(), names + tr(";;All files (*)"));
  };
  const QString chosen = source == FigureSource::TrainingLog ? file(tr("Training log"), tr("CSV (*.csv)"))
                         : source == FigureSource::HeadTable
                             ? file(tr("Table of heads"), tr("Tables (*.json *.tsv)"))
                             : QFileDialog::getExistingDirectory(this, tr("Results folder"), m_source->text());
  if (!chosen.isEmpty()) m_source->setText(chosen);
}

void FigureDialog::setSourcePath(const QString& path) {
  m_source->setText(path);
}

void FigureDialog::fillBudgets() {
  m_budget->addItem(tr("default"), QString());
  if (!m_document.isOpen()) return;
  std::set<std::string> seen;
  for (const RunId run : m_document.runIds()) {
    const trace::RunHeader& header = m_document.runHeader(run);
    if (isWhatIf(run) || header.is_full || !seen.insert(header.budget).second) continue;
    m_budget->addItem(QString::fromStdString(header.budget), QString::fromStdString(header.budget));
  }
}

bool FigureDialog::offersColours(const FigureKind& kind) const {
  return kind.reads(SpecField::ColourMap) && m_colours->findText(textOf(kind.defaults.colour_map)) >= 0;
}

void FigureDialog::showKind() {
  const FigureKind& kind = figures::findFigureKind(m_kind->currentText().toStdString());
  const bool of_trace = kind.source == FigureSource::Trace;
  m_width->setCurrentIndex(kind.defaults.two_columns ? 1 : 0);
  m_scale->setEnabled(kind.reads(SpecField::Scale));
  m_reduction->setEnabled(kind.reads(SpecField::Reduction));
  m_colours->setEnabled(offersColours(kind));
  m_runs->setEnabled(of_trace && kind.reads(SpecField::Runs));
  m_budget->setEnabled(of_trace && kind.reads(SpecField::Budget));
  m_entropy->setEnabled(kind.reads(SpecField::Entropy));
  m_spans->setEnabled(kind.reads(SpecField::Spans));
  m_by->setEnabled(kind.reads(SpecField::By));
  for (QWidget* field : std::initializer_list<QWidget*>{m_source, m_browse}) field->setEnabled(!of_trace);
  m_source->setPlaceholderText(of_trace                                   ? tr("open trace")
                               : kind.source == FigureSource::TrainingLog ? tr("training log (CSV)")
                               : kind.source == FigureSource::HeadTable   ? tr("table of heads (JSON)")
                                                                          : tr("evaluation results folder"));
  change();
}

void FigureDialog::change() {
  m_save->setEnabled(false);
  m_timer.start();
}

void FigureDialog::changeTrace() {
  if (kindOf(spec()).source == FigureSource::Trace) change();
}

FigureSpec FigureDialog::spec() const {
  FigureSpec spec = defaultSpec(m_kind->currentText().toStdString());
  const FigureKind& kind = kindOf(spec);
  spec.width_inches = parseWidth(dataOf(m_width));
  spec.theme = parseTheme(dataOf(m_theme));
  spec.title = m_title->text().toStdString();
  spec.dpi = m_dpi->value();
  spec.spans = m_spans->isChecked();
  if (kind.reads(SpecField::Scale) && !dataOf(m_scale).empty()) spec.scale = parseScale(dataOf(m_scale));
  if (kind.reads(SpecField::Scale) && spec.scale == ScaleKind::Log) spec.clip = 1;  // no clipping on a log scale
  if (kind.reads(SpecField::Reduction) && !dataOf(m_reduction).empty())
    spec.reduction = parseReduction(dataOf(m_reduction));
  if (offersColours(kind)) spec.colour_map = m_colours->currentText().toStdString();
  if (kind.reads(SpecField::By)) spec.by = static_cast<AccuracyBy>(m_by->currentIndex());
  if (kind.source == FigureSource::Trace && m_document.isOpen()) addSelection(spec, kind);
  return spec;
}

void FigureDialog::addSelection(FigureSpec& spec, const FigureKind& kind) const {
  if (kind.reads(SpecField::Entropy)) spec.entropy = m_entropy->isChecked();
  if (kind.reads(SpecField::Layer)) spec.layer = m_selection.layer().value;
  const HeadChoice head = m_selection.head();
  if (kind.reads(SpecField::Head) && head.kind == HeadChoice::QueryHead) spec.head = head.index;
  if (kind.reads(SpecField::Budget) && !dataOf(m_budget).empty()) spec.budgets = {dataOf(m_budget)};
  if (!kind.reads(SpecField::Runs)) return;
  const std::string runs = dataOf(m_runs);
  for (const RunId run : m_selection.visibleRuns())
    if (runs == "shown" && !isWhatIf(run) && !m_document.runHeader(run).is_full)
      spec.runs.push_back(std::to_string(run));
  if (runs == "focus" && !isWhatIf(m_selection.focusRun())) spec.runs = {std::to_string(m_selection.focusRun())};
}

QString FigureDialog::problem() const {
  return m_problem->text();
}

FigureDialog::Request FigureDialog::request() const {
  return {spec(), m_source->text().toStdString()};
}

void FigureDialog::draw() {
  m_timer.stop();
  m_document.thread().cancelGroup(m_group);
  m_requested = request();
  m_gathered = nullptr;
  m_waiting = true;
  m_save->setEnabled(false);
  m_note->setText(tr("drawing…"));
  gather();
}

void FigureDialog::gather() {
  const std::uint64_t turn = ++m_turn;
  if (kindOf(m_requested.spec).source != FigureSource::Trace) {
    runInPool(
        this, [request = m_requested] { return gatherFile(request.spec, request.path); },
        [this, turn](const PoolResult<GatheredFigure>& result) { finishDraw(turn, result.value, result.error); });
    return;
  }
  if (!m_document.isOpen()) return finishDraw(turn, nullptr, "no trace is open");
  (void)m_document.post(
      {Priority::Soon, m_group},
      [spec = m_requested.spec](const trace::Reader& reader) { return gatherFigure(Traces{&reader}, spec); }, this,
      [this, turn](Answer<GatheredFigure> answer) {
        std::shared_ptr<const GatheredFigure> gathered;
        if (answer) gathered = std::make_shared<const GatheredFigure>(std::move(*answer.value));
        finishDraw(turn, std::move(gathered), answer.error);
      });
}

void FigureDialog::finishDraw(std::uint64_t turn, std::shared_ptr<const GatheredFigure> gathered,
                              const std::string& error) {
  if (turn != m_turn) return;
  m_waiting = false;
  m_gathered = std::move(gathered);
  QString problem = QString::fromStdString(error);
  if (m_gathered)
    problem = problemOf([this] {
      Figure figure = drawFigure(*m_gathered);
      showFigure(figure);
    });
  if (!problem.isEmpty()) showProblem(problem);
  m_save->setEnabled(problem.isEmpty() && !busy());
  emit drawn();
}

void FigureDialog::showFigure(Figure& figure) {
  const double dots = logicalDpiX() * kSharper;
  m_image = QImage::fromData(renderFigure(*figure.canvas, FigureFormat::Png, {dots, figure.title, figure.created}));
  m_image.setDevicePixelRatio(kSharper);
  m_picture->setPixmap(QPixmap::fromImage(m_image));
  const double width = figure.canvas->width() / double{kUnitsPerInch},
               height = figure.canvas->height() / double{kUnitsPerInch};
  m_note->setText(tr("printed size: %1 × %2 in").arg(width, 0, 'f', 1).arg(height, 0, 'f', 1));
  QStringList warnings;
  for (const std::string& warning : figure.warnings) warnings << QString::fromStdString(warning);
  m_problem->setText(warnings.join(QLatin1Char(' ')));
}

void FigureDialog::showProblem(const QString& problem) {
  m_gathered = nullptr;
  m_image = {};
  m_picture->setPixmap({});
  m_note->setText({});
  m_problem->setText(problem);
}

QString FigureDialog::writeTo(const QString& path) {
  if (busy() || m_requested != request()) return tr("the figure is still being drawn");
  if (!m_gathered) return m_problem->text();
  return problemOf([&] {
    (void)formatOf(path.toStdString());
    Figure figure = drawFigure(*m_gathered);
    writeFigure(figure, path.toStdString(), m_requested.spec.dpi);
  });
}

void FigureDialog::save() {
  const QString path =
      QFileDialog::getSaveFileName(this, tr("Save figure"), m_kind->currentText() + QStringLiteral(".pdf"),
                                   tr("PDF (*.pdf);;SVG (*.svg);;PNG (*.png)"));
  if (path.isEmpty()) return;
  const QString problem = writeTo(path);
  m_problem->setText(problem.isEmpty() ? tr("Saved %1, with its settings in %1.json").arg(path) : problem);
}

void FigureDialog::showEvent(QShowEvent* event) {
  QDialog::showEvent(event);
  if (m_image.isNull()) draw();
}

}  // namespace kvatlas::views
