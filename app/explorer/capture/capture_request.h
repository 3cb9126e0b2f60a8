// The settings of a capture, and the `kvatlas capture` command line they make.
#pragma once

#include <QString>
#include <QStringList>

namespace kvatlas::app {

struct CaptureRequest {
  QString model;              // checkpoint folder
  QString prompt_file, text;  // exactly one is set
  QString chat;               // "", "auto", "llama2", "llama3", "mistral"
  QString system, chat_date;  // with a chat template; "": none, today
  QStringList methods;        // "snapkv:kernel=5"
  QStringList budgets;        // "128", "20%"
  QStringList spans;          // "needle=…"
  QString granularity = QStringLiteral("kv-head"), device = QStringLiteral("auto"), dtype = QStringLiteral("auto");
  bool paper = false, keep_qk = false;
  int window = 8, new_tokens = 64, map_size = 512;
  QString output;            // *.kva.h5
  QString results, case_id;  // a case of a run instead, which decides everything but output and maps

  // One sentence about the first missing or wrong setting; empty: ready.
  [[nodiscard]] QString problem() const;
  // The same settings for one prompt text, method and budget: captures a what-if run for real.
  [[nodiscard]] CaptureRequest with(const QString& prompt, const QString& method, const QString& budget,
                                    int window_tokens) const;
  // Whether the output file exists: a capture never replaces one without a question.
  [[nodiscard]] bool outputExists() const;
  // The arguments after `kvatlas`. `text_file` holds a typed prompt, which may be too long for a command line.
  [[nodiscard]] QStringList arguments(const QString& text_file) const;
};

// The path itself if nothing has it, else the first free of "capture-2.kva.h5", "capture-3.kva.h5", …; a running
// capture's part file also takes a name.
[[nodiscard]] QString freeTraceName(const QString& path);

// "64, 128; 10%" → "64", "128", "10%".
[[nodiscard]] QStringList splitWords(const QString& text);

}  // namespace kvatlas::app
