// The form of a capture: model, prompt, methods, budgets, device, output.
#pragma once

#include <QVariantMap>
#include <QWidget>

#include "app/explorer/capture/capture_request.h"

class QCheckBox;
class QComboBox;
class QFormLayout;
class QLineEdit;
class QPlainTextEdit;
class QSpinBox;
class QTabWidget;
class QTreeWidget;

namespace kvatlas::app {

class ChatFields;
class PathEdit;

class CaptureForm : public QWidget {
  Q_OBJECT

 public:
  explicit CaptureForm(QWidget* parent = nullptr);

  [[nodiscard]] CaptureRequest request() const;
  void setRequest(const CaptureRequest& request);
  [[nodiscard]] QVariantMap fields() const;
  void setFields(const QVariantMap& fields);

 signals:
  void changed();

 private:
  void makePrompt(QFormLayout& form);
  void makeMethods(QFormLayout& form);
  void makeNumbers(QFormLayout& form);
  void makeFlags(QFormLayout& form);
  [[nodiscard]] QStringList chosenMethods() const;
  void chooseMethods(const QStringList& methods);

  PathEdit* m_model;
  QTabWidget* m_source;
  QPlainTextEdit* m_text;
  PathEdit* m_file;
  ChatFields* m_chat;
  QTreeWidget* m_methods;
  QLineEdit* m_budgets;
  QPlainTextEdit* m_span;  // one per line
  QComboBox *m_granularity, *m_device;
  QSpinBox *m_window, *m_new_tokens, *m_map_size;
  QCheckBox *m_paper, *m_keep_qk;
  PathEdit* m_output;
};

}  // namespace kvatlas::app
