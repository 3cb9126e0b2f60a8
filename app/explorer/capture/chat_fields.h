// How a prompt is wrapped in a chat template: the template, a system message, the date a template prints.
#pragma once

#include <QWidget>

class QComboBox;
class QLineEdit;

namespace kvatlas::app {

class ChatFields : public QWidget {
  Q_OBJECT

 public:
  explicit ChatFields(QWidget* parent = nullptr);

  // Chooses the model's own template if it has one, else none. A choice by hand stays while the model stays.
  void setModel(const QString& path);
  // As if chosen by hand for the model set before.
  void set(const QString& chat, const QString& system, const QString& date);

  [[nodiscard]] QString chat() const;    // "", "auto", "llama2", …: as --chat
  [[nodiscard]] QString system() const;  // "" without a template
  [[nodiscard]] QString date() const;    // "2026-03-31", "" for today

 signals:
  void changed();

 private:
  void enableFields();

  QComboBox* m_template;
  QLineEdit *m_system, *m_date;
  QString m_model;
};

}  // namespace kvatlas::app
