#include "app/explorer/capture/capture_form.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QSpinBox>
#include <QTabWidget>
#include <QTreeWidget>
#include <QVBoxLayout>
#include <algorithm>
#include <array>

#include "app/explorer/capture/chat_fields.h"
#include "app/explorer/capture/path_edit.h"
#include "core/policy/policy.h"
#include "views/models/qt_text.h"
#include "views/pages/window_palette.h"

namespace kvatlas::app {
namespace {

QSpinBox* spin(int lowest, int highest, int value) {
  auto* box = new QSpinBox;
  box->setRange(lowest, highest);
  box->setValue(value);
  return box;
}

// A capture of every method is slow, and some need a table of heads.
constexpr std::array<std::string_view, 6> kCheckedMethods{"streamingllm", "h2o",    "snapkv",
                                                          "pyramidkv",    "random", "tova"};

QString parameterHelp(const policy::Method& method) {
  QStringList lines;
  for (const policy::ParameterSpec& parameter : method.parameters)
    lines << QStringLiteral("%1=%2   %3 (%4)")
                 .arg(views::toQString(parameter.name), views::toQString(parameter.default_value),
                      views::toQString(parameter.meaning), views::toQString(parameter.values));
  return lines.join(QLatin1Char('\n'));
}

}  // namespace

CaptureForm::CaptureForm(QWidget* parent)
    : QWidget(parent),
      m_model(new PathEdit(PathEdit::Kind::FolderOrFile, tr("Model"), tr("GGUF models (*.gguf);;All files (*)"))),
      m_source(new QTabWidget),
      m_text(new QPlainTextEdit),
      m_file(new PathEdit(PathEdit::Kind::OpenFile, tr("Prompt file"), tr("Text (*.txt *.md);;All files (*)"))),
      m_chat(new ChatFields),
      m_methods(new QTreeWidget),
      m_budgets(new QLineEdit(QStringLiteral("64, 10%"))),
      m_span(new QPlainTextEdit),
      m_granularity(new QComboBox),
      m_device(new QComboBox),
      m_window(spin(1, 4096, 8)),
      m_new_tokens(spin(0, 1 << 20, 32)),
      m_map_size(spin(0, 1 << 16, 512)),
      m_paper(new QCheckBox(tr("Use the paper's budget formula"))),
      m_keep_qk(new QCheckBox(tr("Store Q/K for exact zoom"))),
      m_output(new PathEdit(PathEdit::Kind::SaveFile, tr("Trace file"), tr("KVAtlas traces (*.kva.h5)"))) {
  auto* form = new QFormLayout(this);
  form->setContentsMargins(0, 0, 0, 0);
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  m_model->setObjectName(QStringLiteral("captureModel"));
  m_output->setObjectName(QStringLiteral("captureOutput"));
  form->addRow(tr("&Model"), m_model);
  makePrompt(*form);
  makeMethods(*form);
  makeNumbers(*form);
  makeFlags(*form);
  form->addRow(tr("O&utput file"), m_output);
  const std::pair<QWidget*, QString> names[] = {
      {m_text, tr("Prompt text")},       {m_chat, tr("Chat template")}, {m_methods, tr("Methods")},
      {m_budgets, tr("Budgets")},        {m_span, tr("Named spans")},   {m_granularity, tr("Select tokens per")},
      {m_device, tr("Device")},          {m_window, tr("Window")},      {m_new_tokens, tr("New tokens")},
      {m_map_size, tr("Map resolution")}};
  for (const auto& [field, name] : names) field->setAccessibleName(name);
  connect(m_model, &PathEdit::changed, this, &CaptureForm::changed);
  connect(m_output, &PathEdit::changed, this, &CaptureForm::changed);
}

void CaptureForm::makePrompt(QFormLayout& form) {
  m_text->setObjectName(QStringLiteral("captureText"));
  m_text->setPlaceholderText(tr("Type or paste the prompt"));
  m_text->setTabChangesFocus(true);
  m_text->setMinimumHeight(70);
  m_file->setObjectName(QStringLiteral("captureFile"));
  auto* file_page = new QWidget;
  auto* column = new QVBoxLayout(file_page);
  column->addWidget(m_file);
  column->addStretch(1);
  m_source->addTab(m_text, tr("Text"));
  m_source->addTab(file_page, tr("File"));
  form.addRow(tr("&Prompt"), m_source);
  form.addRow(tr("C&hat template"), m_chat);
  m_span->setObjectName(QStringLiteral("captureSpans"));
  m_span->setPlaceholderText(tr("name=text from the prompt, one per line, for example needle=The secret number is 7"));
  m_span->setToolTip(tr("Tokens to mark in the map. Write a line break inside a text as \\n"));
  m_span->setTabChangesFocus(true);
  m_span->setFixedHeight(3 * m_span->fontMetrics().lineSpacing());
  form.addRow(tr("&Named spans"), m_span);
  connect(m_model, &PathEdit::changed, this, [this] { m_chat->setModel(m_model->path()); });
  connect(m_chat, &ChatFields::changed, this, &CaptureForm::changed);
  connect(m_text, &QPlainTextEdit::textChanged, this, &CaptureForm::changed);
  connect(m_file, &PathEdit::changed, this, &CaptureForm::changed);
  connect(m_source, &QTabWidget::currentChanged, this, &CaptureForm::changed);
}

void CaptureForm::makeMethods(QFormLayout& form) {
  m_methods->setObjectName(QStringLiteral("captureMethods"));
  m_methods->setRootIsDecorated(false);
  m_methods->setHeaderLabels({tr("Method"), tr("Parameters (empty: defaults)")});
  m_methods->setEditTriggers(QAbstractItemView::AllEditTriggers);
  for (const policy::Method& method : policy::methods()) {
    if (method.name == "full") continue;
    auto* item = new QTreeWidgetItem(m_methods, {views::toQString(method.title)});
    item->setData(0, Qt::UserRole, views::toQString(method.name));
    item->setIcon(0, views::methodIcon(method.name, views::themeOf(palette())));
    item->setToolTip(1, parameterHelp(method));
    item->setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable | Qt::ItemIsEditable);
    const bool common = std::ranges::find(kCheckedMethods, method.name) != kCheckedMethods.end();
    item->setCheckState(0, common ? Qt::Checked : Qt::Unchecked);
  }
  m_methods->resizeColumnToContents(0);
  m_methods->setMinimumHeight(110);
  form.addRow(tr("M&ethods"), m_methods);
  m_budgets->setObjectName(QStringLiteral("captureBudgets"));
  m_budgets->setToolTip(tr("Tokens per head, or a percentage of the prompt; separate several with commas"));
  form.addRow(tr("&Budgets"), m_budgets);
  connect(m_methods, &QTreeWidget::itemChanged, this, &CaptureForm::changed);
  connect(m_budgets, &QLineEdit::textChanged, this, &CaptureForm::changed);
}

void CaptureForm::makeNumbers(QFormLayout& form) {
  m_granularity->addItem(tr("KV head"), QStringLiteral("kv-head"));
  m_granularity->addItem(tr("query head"), QStringLiteral("query-head"));
  m_device->setEditable(true);
  m_device->addItems({QStringLiteral("auto"), QStringLiteral("cpu"), QStringLiteral("cuda")});
  m_device->setObjectName(QStringLiteral("captureDevice"));
  m_new_tokens->setObjectName(QStringLiteral("captureNewTokens"));
  auto* first = new QHBoxLayout;
  const auto add = [](QHBoxLayout* row, const QString& label, QWidget* field) {
    row->addWidget(new QLabel(label));
    row->addWidget(field);
    row->addSpacing(12);
  };
  add(first, tr("window"), m_window);
  add(first, tr("new tokens"), m_new_tokens);
  add(first, tr("map resolution"), m_map_size);
  first->addStretch(1);
  form.addRow(tr("Sizes"), first);
  auto* second = new QHBoxLayout;
  add(second, tr("select tokens per"), m_granularity);
  add(second, tr("device"), m_device);
  second->addStretch(1);
  form.addRow(tr("Run options"), second);
}

void CaptureForm::makeFlags(QFormLayout& form) {
  auto* row = new QHBoxLayout;
  row->addWidget(m_keep_qk);
  row->addWidget(m_paper);
  row->addStretch(1);
  form.addRow(QString(), row);
}

QStringList CaptureForm::chosenMethods() const {
  QStringList methods;
  for (int i = 0; i < m_methods->topLevelItemCount(); ++i) {
    const QTreeWidgetItem* item = m_methods->topLevelItem(i);
    if (item->checkState(0) != Qt::Checked) continue;
    const QString parameters = item->text(1).simplified().remove(QLatin1Char(' '));
    methods << item->data(0, Qt::UserRole).toString() +
                   (parameters.isEmpty() ? QString() : QLatin1Char(':') + parameters);
  }
  return methods;
}

void CaptureForm::chooseMethods(const QStringList& methods) {
  for (int i = 0; i < m_methods->topLevelItemCount(); ++i) {
    QTreeWidgetItem* item = m_methods->topLevelItem(i);
    const QString name = item->data(0, Qt::UserRole).toString();
    item->setCheckState(0, Qt::Unchecked);
    item->setText(1, {});
    for (const QString& method : methods) {
      if (method.section(QLatin1Char(':'), 0, 0) != name) continue;
      item->setCheckState(0, Qt::Checked);
      item->setText(1, method.section(QLatin1Char(':'), 1));
    }
  }
}

CaptureRequest CaptureForm::request() const {
  CaptureRequest request;
  request.model = m_model->path();
  const bool typed = m_source->currentIndex() == 0;
  request.text = typed ? m_text->toPlainText() : QString();
  request.prompt_file = typed ? QString() : m_file->path();
  request.chat = m_chat->chat();
  request.system = m_chat->system();
  request.chat_date = m_chat->date();
  request.methods = chosenMethods();
  request.budgets = splitWords(m_budgets->text());
  for (const QString& line : m_span->toPlainText().split(QLatin1Char('\n')))
    if (!line.trimmed().isEmpty()) request.spans << QString(line).replace(QStringLiteral("\\n"), QStringLiteral("\n"));
  request.granularity = m_granularity->currentData().toString();
  request.device = m_device->currentText().trimmed();
  request.paper = m_paper->isChecked();
  request.keep_qk = m_keep_qk->isChecked();
  request.window = m_window->value();
  request.new_tokens = m_new_tokens->value();
  request.map_size = m_map_size->value();
  request.output = m_output->path();
  return request;
}

void CaptureForm::setRequest(const CaptureRequest& request) {
  m_model->setPath(request.model);
  m_source->setCurrentIndex(request.prompt_file.isEmpty() ? 0 : 1);
  m_text->setPlainText(request.text);
  m_file->setPath(request.prompt_file);
  m_chat->set(request.chat, request.system, request.chat_date);
  chooseMethods(request.methods);
  m_budgets->setText(request.budgets.join(QStringLiteral(", ")));
  QStringList lines;
  for (QString span : request.spans) lines << span.replace(QLatin1Char('\n'), QStringLiteral("\\n"));
  m_span->setPlainText(lines.join(QLatin1Char('\n')));
  m_granularity->setCurrentIndex(qMax(0, m_granularity->findData(request.granularity)));
  m_device->setCurrentText(request.device);
  m_paper->setChecked(request.paper);
  m_keep_qk->setChecked(request.keep_qk);
  m_window->setValue(request.window);
  m_new_tokens->setValue(request.new_tokens);
  m_map_size->setValue(request.map_size);
  m_output->setPath(request.output);
}

QVariantMap CaptureForm::fields() const {
  const CaptureRequest now = request();
  return {{QStringLiteral("model"), now.model},
          {QStringLiteral("prompt_file"), now.prompt_file},
          {QStringLiteral("text"), now.text},
          {QStringLiteral("chat"), now.chat},
          {QStringLiteral("system"), now.system},
          {QStringLiteral("chat_date"), now.chat_date},
          {QStringLiteral("methods"), now.methods},
          {QStringLiteral("budgets"), now.budgets},
          {QStringLiteral("spans"), now.spans},
          {QStringLiteral("granularity"), now.granularity},
          {QStringLiteral("device"), now.device},
          {QStringLiteral("paper"), now.paper},
          {QStringLiteral("keep_qk"), now.keep_qk},
          {QStringLiteral("window"), now.window},
          {QStringLiteral("new_tokens"), now.new_tokens},
          {QStringLiteral("map_size"), now.map_size},
          {QStringLiteral("output"), now.output}};
}

void CaptureForm::setFields(const QVariantMap& fields) {
  const auto text = [&](const char* name) { return fields.value(QString::fromLatin1(name)).toString(); };
  const auto list = [&](const char* name) { return fields.value(QString::fromLatin1(name)).toStringList(); };
  CaptureRequest then;
  then.model = text("model");
  then.prompt_file = text("prompt_file");
  then.text = text("text");
  then.chat = text("chat");
  then.system = text("system");
  then.chat_date = text("chat_date");
  then.methods = list("methods");
  then.budgets = list("budgets");
  then.spans = list("spans");
  then.granularity = text("granularity");
  then.device = text("device");
  then.paper = fields.value(QStringLiteral("paper")).toBool();
  then.keep_qk = fields.value(QStringLiteral("keep_qk")).toBool();
  then.window = fields.value(QStringLiteral("window"), then.window).toInt();
  then.new_tokens = fields.value(QStringLiteral("new_tokens"), then.new_tokens).toInt();
  then.map_size = fields.value(QStringLiteral("map_size"), then.map_size).toInt();
  then.output = text("output");
  setRequest(then);
}

}  // namespace kvatlas::app
