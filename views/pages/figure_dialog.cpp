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
#include "views/models/colour_table.h"
#include "views/plots/figures/figure.h"
#include "views/plots/figures/figure_export.h"

namespace kvatlas::views {
namespace {

constexpr int kDebounceMs = 120;
constexpr double kSharper = 2;  // the preview is drawn finer than the screen and shown at printed size

QComboBox* choice(const QList<std::pair<QString, QString>>& items) {
  auto* box = new QComboBox;
  for (const auto& [title, data] : items) box->addItem(title, data);
  return box;
}

// The figure of a kind that needs no trace.
Figure figureOfFile(const FigureSpec& spec, const std::string& path) {
  const bool log = sourceOf(spec.kind) == FigureSource::TrainingLog;
  if (path.empty()) fail("choose {}", log ? "the CSV log of a training" : "the results folder of an evaluation");
  return log ? trainingFigure(readTrainingLog(path), spec) : buildFigure(results::ResultsReader(path), spec);
}

// What `job` makes of the figure, or one sentence.
template <class Job>
auto withFigure(Document& document, const FigureSpec& spec, const std::string& path, Job job) {
  using Value = std::invoke_result_t<Job, Figure&>;
  if (sourceOf(spec.kind) == FigureSource::Trace) {
    // Figures are widgets: they are drawn here, while the thread that reads pauses.
    if (document.isOpen())
      return document.thread().runHere(document.source(), [&](const trace::Reader& reader) {
        Figure figure = buildFigure(reader, spec);
        return job(figure);
      });
    return Answer<Value>{0, std::nullopt, "no trace is open"};
  }
  Answer<Value> answer{};
  const Outcome outcome = guarded([&] {
    Figure figure = figureOfFile(spec, path);
    answer.value = job(figure);
  });
  answer.error = outcome.message;
  return answer;
}

bool isMap(FigureKind kind) {
  return kind == FigureKind::Pattern || kind == FigureKind::Heatmap;
}

}  // namespace

FigureDialog::FigureDialog(Document& document, Selection& selection, FigureKind kind, QWidget* parent)
    : QDialog(parent),
      m_document(document),
      m_selection(selection),
      m_kind(new QComboBox),
      m_width(choice({{tr("one column, 3.3 in"), QStringLiteral("single")},
                      {tr("two columns, 6.9 in"), QStringLiteral("double")}})),
      m_theme(choice({{tr("light"), QStringLiteral("light")}, {tr("dark"), QStringLiteral("dark")}})),
      m_budget(new QComboBox),
      m_runs(choice({{tr("all"), QStringLiteral("all")},
                     {tr("those shown"), QStringLiteral("shown")},
                     {tr("the one in focus"), QStringLiteral("focus")}})),
      m_scale(choice({{tr("as usual for the kind"), {}},
                      {tr("linear"), QStringLiteral("linear")},
                      {tr("logarithmic"), QStringLiteral("log")}})),
      m_reduction(choice({{tr("as usual for the kind"), {}},
                          {tr("max of a cell"), QStringLiteral("max")},
                          {tr("mean of a cell"), QStringLiteral("mean")}})),
      m_colours(new QComboBox),
      m_by(choice({{tr("all in one"), QStringLiteral("all")},
                   {tr("by kind of case"), QStringLiteral("kind")},
                   {tr("by context length"), QStringLiteral("length")}})),
      m_title(new QLineEdit),
      m_source(new QLineEdit),
      m_browse(new QPushButton(tr("Bro&wse…"))),
      m_dpi(new QDoubleSpinBox),
      m_spans(new QCheckBox(tr("mark the named ranges"))),
      m_entropy(new QCheckBox(tr("track of the entropy"))),
      m_picture(new QLabel),
      m_note(new QLabel),
      m_problem(new QLabel),
      m_save(new QPushButton(tr("&Save as…"))) {
  setWindowTitle(tr("Figure"));
  setObjectName(QStringLiteral("figureDialog"));
  for (const std::string& name : figureKindNames()) m_kind->addItem(QString::fromStdString(name));
  for (const std::string& name : colourTableNames()) m_colours->addItem(QString::fromStdString(name));
  m_kind->setCurrentText(QString::fromStdString(std::string(figureKindName(kind))));
  m_kind->setObjectName(QStringLiteral("figureKind"));
  m_width->setObjectName(QStringLiteral("figureWidth"));
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
    if (sourceOf(spec().kind) == FigureSource::Trace) this->close();
  });
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
  form.addRow(tr("&Width"), m_width);
  form.addRow(tr("Colours of the &page"), m_theme);
  form.addRow(tr("&Title"), m_title);
  form.addRow(tr("&Runs"), m_runs);
  form.addRow(tr("&Budget"), m_budget);
  form.addRow(tr("&Scale"), m_scale);
  form.addRow(tr("Re&duction"), m_reduction);
  form.addRow(tr("&Colour map"), m_colours);
  form.addRow(tr("Pa&nels"), m_by);
  form.addRow(tr("PNG, dots per &inch"), m_dpi);
  form.addRow(QString(), m_spans);
  form.addRow(QString(), m_entropy);
  for (QComboBox* box : {m_width, m_theme, m_budget, m_runs, m_scale, m_reduction, m_colours, m_by})
    connect(box, &QComboBox::currentIndexChanged, this, [this] { m_timer.start(); });
  for (QCheckBox* box : {m_spans, m_entropy}) connect(box, &QCheckBox::toggled, this, [this] { m_timer.start(); });
  connect(m_kind, &QComboBox::currentIndexChanged, this, &FigureDialog::showKind);
  connect(m_title, &QLineEdit::textChanged, this, [this] { m_timer.start(); });
}

void FigureDialog::makeSource(QFormLayout& form) {
  m_source->setObjectName(QStringLiteral("figureSource"));
  auto* row = new QHBoxLayout;
  row->addWidget(m_source, 1);
  row->addWidget(m_browse);
  form.addRow(tr("Drawn from"), row);
  connect(m_source, &QLineEdit::textChanged, this, [this] { m_timer.start(); });
  connect(m_browse, &QPushButton::clicked, this, &FigureDialog::browse);
}

void FigureDialog::browse() {
  const bool log = sourceOf(spec().kind) == FigureSource::TrainingLog;
  const QString chosen = log ? QFileDialog::getOpenFileName(this, tr("Log of a training"), m_source->text(),
                                                            tr("CSV (*.csv);;All files (*)"))
                             : QFileDialog::getExistingDirectory(this, tr("Results folder"), m_source->text());
  if (!chosen.isEmpty()) m_source->setText(chosen);
}

void FigureDialog::setSourcePath(const QString& path) {
  m_source->setText(path);
}

void FigureDialog::fillBudgets() {
  m_budget->addItem(tr("as usual for the kind"), QString());
  if (!m_document.isOpen()) return;
  std::set<std::string> seen;
  for (const RunId run : m_document.runIds()) {
    const trace::RunHeader& header = m_document.runHeader(run);
    if (isWhatIf(run) || header.is_full || !seen.insert(header.budget).second) continue;
    m_budget->addItem(QString::fromStdString(header.budget), QString::fromStdString(header.budget));
  }
}

void FigureDialog::showKind() {
  const FigureKind kind = parseFigureKind(m_kind->currentText().toStdString());
  const FigureSpec usual = defaultSpec(kind);
  m_width->setCurrentIndex(usual.width_inches > kSingleColumnInches ? 1 : 0);
  for (QWidget* field : {m_scale, m_reduction, m_colours}) field->setEnabled(isMap(kind));
  const bool of_trace = sourceOf(kind) == FigureSource::Trace;
  for (QWidget* field : {m_runs, m_budget}) field->setEnabled(of_trace && kind != FigureKind::Pattern);
  m_entropy->setEnabled(kind == FigureKind::Heatmap);
  m_spans->setEnabled(of_trace);
  m_by->setEnabled(kind == FigureKind::Accuracy);
  for (QWidget* field : std::initializer_list<QWidget*>{m_source, m_browse}) field->setEnabled(!of_trace);
  m_source->setPlaceholderText(of_trace                       ? tr("the open trace")
                               : kind == FigureKind::Training ? tr("CSV log of a training")
                                                              : tr("results folder of an evaluation"));
  m_timer.start();
}

FigureSpec FigureDialog::spec() const {
  const FigureKind kind = parseFigureKind(m_kind->currentText().toStdString());
  FigureSpec spec = defaultSpec(kind);
  const auto dataOf = [](const QComboBox* box) { return box->currentData().toString().toStdString(); };
  spec.width_inches = parseWidth(dataOf(m_width));
  spec.theme = parseTheme(dataOf(m_theme));
  spec.title = m_title->text().toStdString();
  spec.dpi = m_dpi->value();
  spec.spans = m_spans->isChecked();
  if (isMap(kind)) {
    if (!dataOf(m_scale).empty()) spec.scale = parseScale(dataOf(m_scale));
    if (spec.scale == ScaleKind::Log) spec.clip = 1;  // a log scale shows everything
    if (!dataOf(m_reduction).empty()) spec.reduction = parseReduction(dataOf(m_reduction));
    spec.colour_map = m_colours->currentText().toStdString();
  }
  if (kind == FigureKind::Heatmap && m_document.isOpen()) {
    spec.entropy = m_entropy->isChecked();
    spec.layer = m_selection.layer().value;
    if (m_selection.head().kind == HeadChoice::QueryHead) spec.head = m_selection.head().index;
  }
  if (kind == FigureKind::Accuracy) spec.by = static_cast<AccuracyBy>(m_by->currentIndex());
  if (kind == FigureKind::Pattern || sourceOf(kind) != FigureSource::Trace || !m_document.isOpen()) return spec;
  if (!dataOf(m_budget).empty()) spec.budgets = {dataOf(m_budget)};
  const std::string runs = dataOf(m_runs);
  for (const RunId run : m_selection.visibleRuns())
    if (runs == "shown" && !isWhatIf(run) && !m_document.runHeader(run).is_full)
      spec.runs.push_back(std::to_string(run));
  if (runs == "focus" && !isWhatIf(m_selection.focusRun())) spec.runs = {std::to_string(m_selection.focusRun())};
  return spec;
}

QString FigureDialog::problem() const {
  return m_problem->text();
}

void FigureDialog::draw() {
  const FigureSpec wanted = spec();
  const double dots = logicalDpiX() * kSharper;
  struct Drawn {
    QByteArray png;
    std::vector<std::string> warnings;
    double width = 0, height = 0;
  };
  const auto answer = withFigure(m_document, wanted, m_source->text().toStdString(), [&](Figure& figure) {
    const QByteArray png = renderFigure(*figure.canvas, FigureFormat::Png, {dots, figure.title, figure.created});
    return Drawn{png, figure.warnings, figure.canvas->width() / double{kUnitsPerInch},
                 figure.canvas->height() / double{kUnitsPerInch}};
  });
  m_save->setEnabled(static_cast<bool>(answer));
  m_problem->setText(QString::fromStdString(answer.error));
  if (!answer) return showPicture({}, {});
  QStringList warnings;
  for (const std::string& warning : answer.value->warnings) warnings << QString::fromStdString(warning);
  if (!warnings.isEmpty()) m_problem->setText(warnings.join(QLatin1Char(' ')));
  QImage image = QImage::fromData(answer.value->png);
  image.setDevicePixelRatio(kSharper);
  showPicture(image,
              tr("printed size: %1 × %2 in").arg(answer.value->width, 0, 'f', 1).arg(answer.value->height, 0, 'f', 1));
}

void FigureDialog::showPicture(const QImage& image, const QString& note) {
  m_image = image;
  m_picture->setPixmap(QPixmap::fromImage(image));
  m_note->setText(note);
}

QString FigureDialog::writeTo(const QString& path) {
  const FigureSpec wanted = spec();
  const auto answer = withFigure(m_document, wanted, m_source->text().toStdString(), [&](Figure& figure) {
    (void)formatOf(path.toStdString());
    writeFigure(figure, path.toStdString(), wanted.dpi);
    return true;
  });
  return QString::fromStdString(answer.error);
}

void FigureDialog::save() {
  const QString path =
      QFileDialog::getSaveFileName(this, tr("Save the figure"), m_kind->currentText() + QStringLiteral(".pdf"),
                                   tr("PDF (*.pdf);;SVG (*.svg);;PNG (*.png)"));
  if (path.isEmpty()) return;
  const QString problem = writeTo(path);
  m_problem->setText(problem.isEmpty() ? tr("Written: %1, and what made it in %1.json").arg(path) : problem);
}

void FigureDialog::showEvent(QShowEvent* event) {
  QDialog::showEvent(event);
  if (m_image.isNull()) draw();
}

}  // namespace kvatlas::views
