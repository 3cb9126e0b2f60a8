// What a person asks `kvatlas capture` for, as the words of its command line; knows no process and no widget.
#pragma once

#include <QString>
#include <QStringList>

namespace kvatlas::app {

struct CaptureRequest {
  QString model;              // checkpoint folder
  QString prompt_file, text;  // exactly one is given
  QString chat;               // "", "auto", "llama2", "llama3", "mistral"
  QStringList methods;        // "snapkv:kernel=5"
  QStringList budgets;        // "128", "20%"
  QStringList spans;          // "needle=…"
  QString granularity = QStringLiteral("kv-head"), device = QStringLiteral("auto"), dtype = QStringLiteral("auto");
  bool paper = false, keep_qk = false;
  int window = 8, new_tokens = 64, map_size = 512;
  QString output;  // *.kva.h5

  // One sentence about the first thing that is missing or wrong; empty: ready.
  [[nodiscard]] QString problem() const;
  // The same for a text under one method: what a what-if run would be, made for real.
  [[nodiscard]] CaptureRequest with(const QString& prompt, const QString& method, const QString& budget,
                                    int window_tokens) const;
  // The words after `kvatlas`; a typed text is given as `text_file`, for a command line holds only so much.
  [[nodiscard]] QStringList arguments(const QString& text_file) const;
};

// "64, 128; 10%" → its parts.
[[nodiscard]] QStringList splitWords(const QString& text);

}  // namespace kvatlas::app
