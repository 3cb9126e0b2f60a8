#include "views/pages/what_if_page.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSlider>
#include <QSpinBox>
#include <QVBoxLayout>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/analysis/agreement.h"
#include "core/base/error.h"
#include "core/base/mean.h"
#include "views/models/qt_text.h"
#include "views/pages/charts/run_chart.h"
#include "views/pages/window_palette.h"

namespace kvatlas::views {
namespace {

constexpr int kSliderSteps = 400, kSettleMs = 600;
constexpr std::size_t kMostUndo = 100;

// Mean over the layers; NaN if a run keeps everything.
double meanAgreement(const RunView& a, const RunView& b) {
  if (a.everything() || b.everything()) return std::nan("");
  const std::vector<double> layers = analysis::agreementPerLayer(a.data(), b.data());
  return std::accumulate(layers.begin(), layers.end(), 0.0) / static_cast<double>(layers.size());
}

}  // namespace

WhatIfPage::WhatIfPage(Document& document, Selection& selection, QWidget* parent)
    : QWidget(parent),
      m_document(document),
      m_selection(selection),
      m_what_if(document),
      m_method(new QComboBox),
      m_slider(new QSlider(Qt::Horizontal)),
      m_budget(new QSpinBox),
      m_window(new QSpinBox),
      m_form(new QFormLayout),
      m_parameter_form(nullptr),
      m_note(new QLabel),
      m_undo(new QPushButton(tr("U&ndo"))),
      m_remove(new QPushButton(tr("Re&move"))),
      m_capture(new QPushButton(tr("Capture &this…"))) {
  setObjectName(QStringLiteral("whatIfPage"));
  makeForm();
  for (const auto signal : {&Document::opened, &Document::closed})
    connect(&document, signal, this, &WhatIfPage::restart);
  connect(&m_what_if, &WhatIf::decided, this, &WhatIfPage::showDecision);
  connect(&m_what_if, &WhatIf::failed, this, [this](const QString& message) { m_note->setText(message); });
  connect(&m_what_if, &WhatIf::progress, this,
          [this](int layers, int of) { m_note->setText(tr("ranking scores, layer %1 of %2").arg(layers).arg(of)); });
  connect(&m_what_if, &WhatIf::estimated, this, &WhatIfPage::showDecision);
  connect(&selection, &Selection::focusRunChanged, this, &WhatIfPage::startFromFocus);
  m_settle.setSingleShot(true);
  m_settle.setInterval(kSettleMs);
  connect(&m_settle, &QTimer::timeout, this, &WhatIfPage::remember);
  connect(m_undo, &QPushButton::clicked, this, &WhatIfPage::undo);
  restart();
}

void WhatIfPage::makeForm() {
  m_method->setObjectName(QStringLiteral("whatIfMethod"));
  m_slider->setObjectName(QStringLiteral("whatIfBudget"));
  m_budget->setObjectName(QStringLiteral("whatIfTokens"));
  m_window->setObjectName(QStringLiteral("whatIfWindow"));
  m_remove->setObjectName(QStringLiteral("whatIfRemove"));
  m_capture->setObjectName(QStringLiteral("whatIfCapture"));
  m_budget->setToolTip(tr("Tokens per head, averaged over all heads of all layers, window included"));
  m_window->setToolTip(tr("The last prompt tokens: always kept, and their attention scores the other tokens"));
  for (const policy::Method& method : policy::methods())
    if (!method.keeps_everything)
      m_method->addItem(methodIcon(method.name, themeOf(palette())), toQString(method.title), toQString(method.name));
  m_slider->setRange(0, kSliderSteps);
  m_note->setWordWrap(true);
  m_note->setObjectName(QStringLiteral("whatIfNote"));
  auto* budget = new QHBoxLayout;
  budget->addWidget(m_slider, 1);
  budget->addWidget(m_budget);
  m_undo->setObjectName(QStringLiteral("whatIfUndo"));
  m_undo->setToolTip(tr("Back to the settings before the last change"));
  m_form->addRow(tr("method"), m_method);
  m_form->addRow(tr("budget"), budget);
  m_form->addRow(tr("window"), m_window);
  const std::pair<QWidget*, QString> names[] = {{m_method, tr("Method")},
                                                {m_slider, tr("Budget")},
                                                {m_budget, tr("Budget in tokens per head")},
                                                {m_window, tr("Window")}};
  for (const auto& [field, name] : names) field->setAccessibleName(name);
  auto* buttons = new QHBoxLayout;
  buttons->addWidget(m_undo);
  buttons->addWidget(m_remove);
  buttons->addWidget(m_capture);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(8, 6, 8, 6);
  column->addLayout(m_form);
  column->addWidget(m_note);
  column->addLayout(buttons);
  column->addStretch(1);
  QWidget* before = m_method;
  for (QWidget* next : std::initializer_list<QWidget*>{m_slider, m_budget, m_window, m_undo, m_remove, m_capture}) {
    setTabOrder(before, next);
    before = next;
  }
  connect(m_method, &QComboBox::currentIndexChanged, this, &WhatIfPage::showMethod);
  connect(m_slider, &QSlider::valueChanged, this, [this](int step) {
    if (!m_filling) m_budget->setValue(budgetAt(step));
  });
  connect(m_budget, &QSpinBox::valueChanged, this, [this](int value) {
    const bool filling = std::exchange(m_filling, true);
    m_slider->setValue(stepOf(value));
    m_filling = filling;
    recompute();
  });
  connect(m_window, &QSpinBox::valueChanged, this, [this](int window) {
    m_budget->setMinimum(window + 1);
    recompute();
  });
  connect(m_remove, &QPushButton::clicked, this, [this] {
    m_active = false;
    m_settled.reset();
    m_what_if.remove();
    showDecision();
  });
  connect(m_capture, &QPushButton::clicked, this, [this] {
    QString method = m_method->currentData().toString();
    QStringList given;
    for (const auto& [name, value] : request().parameters)
      given << QString::fromStdString(name) + QLatin1Char('=') + QString::fromStdString(value);
    if (!given.isEmpty()) method += QLatin1Char(':') + given.join(QLatin1Char(','));
    emit captureRequested(method, QString::number(m_budget->value()), m_window->value());
  });
}

void WhatIfPage::restart() {
  m_active = false;
  m_past.clear();
  m_settled.reset();
  setEnabled(m_document.isOpen());
  if (m_document.isOpen()) {
    const int tokens = static_cast<int>(m_document.tokens());
    const int window = static_cast<int>(m_document.header().attention.window);
    m_filling = true;
    m_window->setRange(1, std::max(1, window));
    m_window->setValue(window);
    m_budget->setRange(std::min(window + 1, tokens), tokens);
    m_budget->setValue(std::max(window + 1, tokens / 8));
    m_slider->setValue(stepOf(m_budget->value()));
    m_filling = false;
  }
  showMethod();
}

void WhatIfPage::showMethod() {
  if (m_parameters != nullptr) m_form->removeRow(m_parameters);
  m_fields.clear();
  m_parameters = new QWidget;
  auto* form = new QFormLayout(m_parameters);
  form->setContentsMargins(0, 0, 0, 0);
  const policy::Method& method = policy::findMethod(m_method->currentData().toString().toStdString());
  const auto changed = [this] { recompute(); };
  for (const policy::ParameterSpec& spec : method.parameters) {
    const std::string name(spec.name);
    if (spec.kind == policy::ParameterKind::Choice) {
      auto* box = new QComboBox;
      box->addItems(toQString(spec.values).split(QLatin1Char('|')));
      box->setCurrentText(toQString(spec.default_value));
      connect(box, &QComboBox::currentIndexChanged, this, changed);
      m_fields.push_back({name, [box] { return box->currentText().toStdString(); },
                          [box](const QString& text) { box->setCurrentText(text); }});
      box->setAccessibleName(toQString(spec.name));
      form->addRow(toQString(spec.name), box);
    } else if (spec.kind == policy::ParameterKind::Text) {
      auto* line = new QLineEdit(toQString(spec.default_value));
      connect(line, &QLineEdit::editingFinished, this, changed);
      m_fields.push_back({name, [line] { return line->text().toStdString(); }});
      form->addRow(toQString(spec.name), line);
    } else {
      auto* box = new QDoubleSpinBox;
      const bool whole = spec.kind != policy::ParameterKind::Number;
      box->setRange(spec.lowest, spec.highest);
      box->setDecimals(whole ? 0 : 3);
      box->setSingleStep(spec.kind == policy::ParameterKind::OddInteger ? 2 : 1);
      box->setValue(toQString(spec.default_value).toDouble());
      connect(box, &QDoubleSpinBox::valueChanged, this, changed);
      m_fields.push_back(
          {name, [box, whole] { return QString::number(box->value(), whole ? 'f' : 'g', whole ? 0 : 6).toStdString(); },
           [box](const QString& text) { box->setValue(text.toDouble()); }});
      box->setAccessibleName(toQString(spec.name));
      form->addRow(toQString(spec.name), box);
    }
    form->labelForField(form->itemAt(form->rowCount() - 1, QFormLayout::FieldRole)->widget())
        ->setToolTip(toQString(spec.meaning));
  }
  m_form->addRow(m_parameters);
  QWidget* before = m_window;
  for (int row = 0; row < form->rowCount(); ++row) {
    QWidget* field = form->itemAt(row, QFormLayout::FieldRole)->widget();
    setTabOrder(before, field);
    before = field;
  }
  setTabOrder(before, m_undo);
  m_capture->setEnabled(m_document.isOpen());
  if (m_active)
    recompute();
  else
    showDecision();
}

WhatIfRequest WhatIfPage::request() const {
  WhatIfRequest request;
  request.method = m_method->currentData().toString().toStdString();
  for (const Field& field : m_fields) request.parameters[field.name] = field.value();
  request.budget = std::to_string(m_budget->value());
  request.window = static_cast<std::uint32_t>(m_window->value());
  return request;
}

// Sets the fields without recomputing.
void WhatIfPage::fillFields(const WhatIfRequest& request) {
  const int method = m_method->findData(QString::fromStdString(request.method));
  if (method < 0) return;
  const bool filling = std::exchange(m_filling, true);
  m_method->setCurrentIndex(method);
  m_window->setValue(static_cast<int>(request.window));
  m_budget->setMinimum(m_window->value() + 1);
  for (const Field& field : m_fields)
    if (const auto given = request.parameters.find(field.name); given != request.parameters.end())
      field.set(QString::fromStdString(given->second));
  const auto tokens = static_cast<std::uint32_t>(m_document.tokens());
  m_budget->setValue(static_cast<int>(policy::parseBudget(request.budget).tokensFor(tokens)));
  m_slider->setValue(stepOf(m_budget->value()));
  m_filling = filling;
}

// Until the first change, the fields show the run in focus.
void WhatIfPage::startFromFocus() {
  const RunId focus = m_selection.focusRun();
  if (!m_active && m_document.hasRun(focus) && !isWhatIf(focus) && !m_document.runHeader(focus).is_full) {
    try {
      fillFields(requestOf(m_document.runHeader(focus), m_document.header().attention.window));
    } catch (const Error&) {  // a method or budget that this build does not know: keep the fields
    }
  }
  if (!m_active && m_document.isOpen()) m_settled = request();  // what the first undo goes back to
  showDecision();
}

void WhatIfPage::setRequest(const WhatIfRequest& request) {
  fillFields(request);
  recompute();
}

nlohmann::json WhatIfPage::state() const {
  if (!m_active) return nullptr;
  const WhatIfRequest now = request();
  return {{"method", now.method}, {"budget", now.budget}, {"window", now.window}, {"parameters", now.parameters}};
}

void WhatIfPage::restore(const nlohmann::json& state) {
  if (!state.is_object() || !m_document.isOpen()) return;
  try {
    WhatIfRequest request;
    request.method = state.value("method", request.method);
    request.budget = state.value("budget", request.budget);
    request.window = state.value("window", request.window);
    const nlohmann::json parameters = state.value("parameters", nlohmann::json::object());
    for (const auto& [name, value] : parameters.items())
      if (value.is_string()) request.parameters[name] = value.get<std::string>();
    setRequest(request);
  } catch (const std::exception&) {  // of another build: no what-if run
  }
}

void WhatIfPage::remember() {
  if (m_settled) m_past.push_back(*m_settled);
  if (m_past.size() > kMostUndo) m_past.erase(m_past.begin());
  m_settled = request();
  m_undo->setEnabled(!m_past.empty());
}

void WhatIfPage::undo() {
  if (m_settle.isActive()) {
    m_settle.stop();
    remember();
  }
  if (m_past.empty()) return;
  const WhatIfRequest before = m_past.back();
  m_past.pop_back();
  m_settled.reset();
  setRequest(before);
  m_settle.stop();
  m_settled = before;
  m_undo->setEnabled(!m_past.empty());
}

void WhatIfPage::recompute() {
  if (m_filling || !m_document.isOpen()) return;
  m_active = true;
  m_settle.start();
  m_what_if.ask(request());
}

void WhatIfPage::showDecision() {
  const RunPointer mine = m_active && m_document.hasRun(m_what_if.run()) ? m_document.run(m_what_if.run()) : nullptr;
  m_remove->setEnabled(mine != nullptr);
  m_undo->setEnabled(!m_past.empty());
  if (!mine) return m_note->setText(tr("Adjust the budget to recompute eviction from recorded scores."));
  const double milliseconds = m_what_if.milliseconds();
  QString text = milliseconds < 0.1 ? tr("recomputed in less than 0.1 ms")
                                    : tr("recomputed in %1 ms").arg(milliseconds, 0, 'f', 1);
  if (mine->retained_estimated)
    text += tr("\nretained mass ≈ %1, from the last %2 prompt queries")
                .arg(meanOfMeasured(mine->run.record.retained), 0, 'f', 3)
                .arg(m_document.header().attention.window);
  const RunId focus = m_selection.focusRun();
  const RunPointer other = focus != m_what_if.run() && m_document.hasRun(focus) ? m_document.run(focus) : nullptr;
  if (other)
    if (const double overlap = meanAgreement(*mine, *other); !std::isnan(overlap))
      text += tr("\nagreement with %1: %2").arg(runText(m_document, focus)).arg(overlap, 0, 'f', 2);
  m_note->setText(text);
}

QString WhatIfPage::note() const {
  return m_note->text();
}

int WhatIfPage::budgetAt(int step) const {
  const double low = std::log(m_budget->minimum()), high = std::log(m_budget->maximum());
  return static_cast<int>(std::lround(std::exp(low + (high - low) * step / kSliderSteps)));
}

int WhatIfPage::stepOf(int budget) const {
  const double low = std::log(m_budget->minimum()), high = std::log(m_budget->maximum());
  return high > low ? static_cast<int>(std::lround((std::log(budget) - low) / (high - low) * kSliderSteps)) : 0;
}

}  // namespace kvatlas::views
