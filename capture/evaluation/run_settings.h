// Settings of a results folder: the task's own, plus model, methods and budgets; and the session restored from them.
#pragma once

#include "capture/evaluation/evaluation_options.h"
#include "capture/session/branches.h"
#include "core/evaluation/task.h"

namespace kvatlas::evaluation {

// The part of the settings that the options do not contain.
struct RunIdentity {
  std::string model, weights_fingerprint, tokenizer_sha256, device, dtype;
};

[[nodiscard]] results::Settings settingsOf(const EvaluationOptions& options, const Task& task,
                                           const RunIdentity& identity, const std::vector<capture::Branch>& branches);

// The method with its parameters: "snapkv:kernel=5" for the branch "snapkv:kernel=5 64".
[[nodiscard]] std::string methodLabel(const capture::Branch& branch);

// The session options of a recorded run, without model and prompt. Error naming `where` and the missing setting.
[[nodiscard]] capture::SessionOptions recordedSession(const results::Settings& settings, const std::string& where);

}  // namespace kvatlas::evaluation
