#include "app/explorer/capture/capture_request.h"

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>
#include <QRegularExpression>

#include "core/base/error.h"
#include "core/policy/policy.h"

namespace kvatlas::app {
namespace {

QString sentence(const char* text) {
  return QCoreApplication::translate("CaptureRequest", text);
}

// The message of the check itself: what the command line would say.
template <class Check>
QString refusal(const QStringList& words, Check check) {
  for (const QString& word : words) {
    try {
      check(word.toStdString());
    } catch (const Error& error) {
      return QString::fromStdString(error.what());
    }
  }
  return {};
}

QString problemOfFiles(const CaptureRequest& request) {
  if (request.model.isEmpty()) return sentence("Choose the model folder.");
  if (!QFileInfo::exists(QDir(request.model).filePath(QStringLiteral("config.json"))))
    return sentence("%1 holds no config.json: it is not a checkpoint folder.").arg(request.model);
  if (request.prompt_file.isEmpty() && request.text.isEmpty())
    return sentence("Type or paste a prompt, or choose a file.");
  if (!request.prompt_file.isEmpty() && !QFileInfo(request.prompt_file).isFile())
    return sentence("%1: there is no such prompt file.").arg(request.prompt_file);
  if (request.output.isEmpty()) return sentence("Choose where the trace is to be written.");
  if (!QFileInfo(request.output).absoluteDir().exists())
    return sentence("%1: there is no such folder.").arg(QFileInfo(request.output).absolutePath());
  return {};
}

}  // namespace

QString CaptureRequest::problem() const {
  if (QString problem = problemOfFiles(*this); !problem.isEmpty()) return problem;
  if (methods.isEmpty()) return sentence("Choose at least one method.");
  if (QString problem = refusal(methods, [](const std::string& word) { (void)policy::parseMethod(word); });
      !problem.isEmpty())
    return problem;
  if (budgets.isEmpty()) return sentence("Give at least one budget: 128, or 20%.");
  return refusal(budgets, [](const std::string& word) { (void)policy::parseBudget(word); });
}

CaptureRequest CaptureRequest::with(const QString& prompt, const QString& method, const QString& budget,
                                    int window_tokens) const {
  CaptureRequest changed = *this;
  changed.prompt_file.clear();
  changed.text = prompt;
  changed.chat.clear();  // its words are in the text already
  changed.methods = QStringList{method};
  changed.budgets = QStringList{budget};
  changed.window = window_tokens;
  return changed;
}

QStringList CaptureRequest::arguments(const QString& text_file) const {
  QStringList words{QStringLiteral("capture"), QStringLiteral("--model"), model, QStringLiteral("--prompt"),
                    prompt_file.isEmpty() ? text_file : prompt_file};
  const auto add = [&words](const char* option, const QString& value) {
    words << QString::fromLatin1(option) << value;
  };
  if (!chat.isEmpty()) add("--chat", chat);
  for (const QString& method : methods) add("--method", method);
  for (const QString& budget : budgets) add("--budget", budget);
  for (const QString& span : spans) add("--span", span);
  add("--window", QString::number(window));
  add("--granularity", granularity);
  if (paper) add("--preset", QStringLiteral("paper"));
  add("--max-new-tokens", QString::number(new_tokens));
  add("--map-size", QString::number(map_size));
  if (keep_qk) words << QStringLiteral("--keep-qk");
  add("--device", device);
  add("--dtype", dtype);
  add("-o", output);
  return words;
}

QStringList splitWords(const QString& text) {
  static const QRegularExpression separator(QStringLiteral("[\\s,;]+"));
  return text.split(separator, Qt::SkipEmptyParts);
}

}  // namespace kvatlas::app
