#include "app/explorer/capture/capture_request.h"

#include <QCoreApplication>
#include <QDate>
#include <QDir>
#include <QFileInfo>
#include <QRegularExpression>

#include "core/base/error.h"
#include "core/policy/policy.h"

namespace kvatlas::app {
namespace {

QString translated(const char* text) {
  return QCoreApplication::translate("CaptureRequest", text);
}

// The first error of `check` over the words: the same sentence as on the command line.
template <class Check>
QString firstError(const QStringList& words, Check check) {
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
  if (request.model.isEmpty()) return translated("Choose the model: a checkpoint folder or a GGUF file.");
  if (!QFileInfo(request.model).isFile() &&
      !QFileInfo::exists(QDir(request.model).filePath(QStringLiteral("config.json"))))
    return translated("%1 is neither a GGUF file nor a folder with a config.json.").arg(request.model);
  if (request.prompt_file.isEmpty() && request.text.isEmpty())
    return translated("Enter a prompt, or choose a prompt file.");
  if (!request.prompt_file.isEmpty() && !QFileInfo(request.prompt_file).isFile())
    return translated("%1: prompt file not found.").arg(request.prompt_file);
  if (request.output.isEmpty()) return translated("Choose the output file.");
  if (!QFileInfo(request.output).absoluteDir().exists())
    return translated("%1: folder not found.").arg(QFileInfo(request.output).absolutePath());
  return {};
}

}  // namespace

QString CaptureRequest::problem() const {
  if (QString problem = problemOfFiles(*this); !problem.isEmpty()) return problem;
  if (!chat_date.isEmpty() && !QDate::fromString(chat_date, Qt::ISODate).isValid())
    return translated("%1: expected a date such as 2026-03-31.").arg(chat_date);
  if (methods.isEmpty()) return translated("Choose at least one method.");
  if (QString problem = firstError(methods, [](const std::string& word) { (void)policy::parseMethod(word); });
      !problem.isEmpty())
    return problem;
  if (budgets.isEmpty()) return translated("Enter at least one budget, for example 128 or 20%.");
  return firstError(budgets, [](const std::string& word) { (void)policy::parseBudget(word); });
}

CaptureRequest CaptureRequest::with(const QString& prompt, const QString& method, const QString& budget,
                                    int window_tokens) const {
  CaptureRequest changed = *this;
  changed.prompt_file.clear();
  changed.text = prompt;
  changed.chat.clear();  // the trace's prompt text already includes it
  changed.system.clear();
  changed.chat_date.clear();
  changed.methods = QStringList{method};
  changed.budgets = QStringList{budget};
  changed.output = freeTraceName(changed.output);
  changed.window = window_tokens;
  return changed;
}

QStringList CaptureRequest::arguments(const QString& text_file) const {
  if (!results.isEmpty())
    return {QStringLiteral("capture"),
            QStringLiteral("--from"),
            results,
            QStringLiteral("--case"),
            case_id,
            QStringLiteral("--map-size"),
            QString::number(map_size),
            QStringLiteral("-o"),
            output};
  QStringList words{QStringLiteral("capture"), QStringLiteral("--model"), model, QStringLiteral("--prompt"),
                    prompt_file.isEmpty() ? text_file : prompt_file};
  const auto add = [&words](const char* option, const QString& value) {
    words << QString::fromLatin1(option) << value;
  };
  if (!chat.isEmpty()) add("--chat", chat);
  if (!system.isEmpty()) add("--system", system);
  if (!chat_date.isEmpty()) add("--chat-date", chat_date);
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

bool CaptureRequest::outputExists() const {
  return freeTraceName(output) != output;
}

QString freeTraceName(const QString& path) {
  const auto taken = [](const QString& name) {
    return QFileInfo::exists(name) || QFileInfo::exists(name + QStringLiteral(".part"));
  };
  if (path.isEmpty() || !taken(path)) return path;
  static const QRegularExpression ending(QStringLiteral("(-\\d+)?(\\.kva\\.h5|\\.h5)?$"));
  const auto match = ending.match(path);
  const QString stem = path.left(match.capturedStart()), suffix = match.captured(2);
  for (int number = 2;; ++number)
    if (const QString name = QStringLiteral("%1-%2%3").arg(stem).arg(number).arg(suffix); !taken(name)) return name;
}

QStringList splitWords(const QString& text) {
  static const QRegularExpression separator(QStringLiteral("[\\s,;]+"));
  return text.split(separator, Qt::SkipEmptyParts);
}

}  // namespace kvatlas::app
