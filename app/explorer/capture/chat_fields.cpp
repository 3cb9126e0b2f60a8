#include "app/explorer/capture/chat_fields.h"

#include <QComboBox>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <exception>

#include "core/text/chat_template.h"

namespace kvatlas::app {
namespace {

constexpr int kOwn = 1;  // row of the model's own template

// A template that cannot be read is the capture's business, which says why.
bool hasOwnTemplate(const QString& model) {
  if (model.isEmpty()) return false;
  try {
    return text::findChatTemplate(model.toStdString()).has_value();
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

ChatFields::ChatFields(QWidget* parent)
    : QWidget(parent), m_template(new QComboBox), m_system(new QLineEdit), m_date(new QLineEdit) {
  const std::pair<QString, const char*> templates[] = {{tr("none"), ""},
                                                       {tr("the model's own"), "auto"},
                                                       {tr("Llama 2 Chat"), "llama2"},
                                                       {tr("Llama 3 Instruct"), "llama3"},
                                                       {tr("Mistral Instruct"), "mistral"}};
  for (const auto& [title, name] : templates) m_template->addItem(title, QString::fromLatin1(name));
  m_template->setObjectName(QStringLiteral("captureChat"));
  m_template->setAccessibleName(tr("Chat template"));
  m_system->setObjectName(QStringLiteral("captureSystem"));
  m_system->setAccessibleName(tr("System message"));
  m_system->setPlaceholderText(tr("System message (optional)"));
  m_date->setObjectName(QStringLiteral("captureChatDate"));
  m_date->setAccessibleName(tr("Date in the chat template"));
  m_date->setPlaceholderText(tr("today"));
  m_date->setToolTip(
      tr("The date that a template prints, for example 2026-03-31. Set it to repeat a capture exactly."));
  m_date->setMaximumWidth(m_date->fontMetrics().horizontalAdvance(QStringLiteral("0000-00-000000")));
  auto* grid = new QGridLayout(this);
  grid->setContentsMargins(0, 0, 0, 0);
  grid->addWidget(m_template, 0, 0);
  auto* date = new QLabel(tr("date"));
  date->setBuddy(m_date);
  grid->addWidget(date, 0, 1);
  grid->addWidget(m_date, 0, 2);
  grid->addWidget(m_system, 1, 0, 1, 3);
  grid->setColumnStretch(0, 1);
  setFocusProxy(m_template);
  enableFields();
  connect(m_template, &QComboBox::currentIndexChanged, this, [this] {
    enableFields();
    emit changed();
  });
  connect(m_system, &QLineEdit::textChanged, this, &ChatFields::changed);
  connect(m_date, &QLineEdit::textChanged, this, &ChatFields::changed);
}

void ChatFields::enableFields() {
  const bool wrapped = !chat().isEmpty();
  m_system->setEnabled(wrapped);
  m_date->setEnabled(wrapped);
}

void ChatFields::setModel(const QString& path) {
  if (path == m_model) return;
  m_model = path;
  const bool own = hasOwnTemplate(path);
  m_template->setItemText(kOwn, own ? tr("the model's own") : tr("the model's own (it has none)"));
  m_template->setCurrentIndex(own ? kOwn : 0);
}

void ChatFields::set(const QString& chat, const QString& system, const QString& date) {
  m_template->setCurrentIndex(qMax(0, m_template->findData(chat)));
  m_system->setText(system);
  m_date->setText(date);
}

QString ChatFields::chat() const {
  return m_template->currentData().toString();
}

QString ChatFields::system() const {
  return chat().isEmpty() ? QString() : m_system->text().trimmed();
}

QString ChatFields::date() const {
  return chat().isEmpty() ? QString() : m_date->text().trimmed();
}

}  // namespace kvatlas::app
