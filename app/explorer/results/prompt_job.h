// Reads the prompt of a case through `kvatlas evaluate prompt`: the Explorer knows no tokenizer of a model.
#pragma once

#include <QObject>
#include <QProcess>

#include "views/pages/results/case_details.h"

namespace kvatlas::app {

class PromptJob : public QObject {
  Q_OBJECT

 public:
  explicit PromptJob(QObject* parent = nullptr);
  ~PromptJob() override;

  // Gives up an earlier request.
  void start(const QString& programme, const QString& folder, const QString& case_id);
  void cancel();

 signals:
  void ready(const QString& case_id, const kvatlas::views::CasePrompt& prompt);
  void failed(const QString& case_id, const QString& problem);

 private:
  void finish(int exit_code, QProcess::ExitStatus status);

  QProcess m_process;
  QString m_case;
};

}  // namespace kvatlas::app
