// The settings of a run's folder of results: what its task says of itself, joined by model, methods and budgets; and
// the session back from them. Knows no tensors.
#pragma once

#include "capture/evaluation/evaluation_options.h"
#include "capture/session/branches.h"
#include "core/evaluation/task.h"

namespace kvatlas::evaluation {

// What the options do not say themselves.
struct RunIdentity {
  std::string model, weights_fingerprint, tokenizer_sha256, device, dtype;
};

[[nodiscard]] results::Settings settingsOf(const EvaluationOptions& options, const Task& task,
                                           const RunIdentity& identity, const std::vector<capture::Branch>& branches);

// The method with its parameters: "snapkv:kernel=5" of the branch "snapkv:kernel=5 64".
[[nodiscard]] std::string methodLabel(const capture::Branch& branch);

// The session of a folder's run, but for model and prompt. Error naming `where` and what is missing.
[[nodiscard]] capture::SessionOptions recordedSession(const results::Settings& settings, const std::string& where);

}  // namespace kvatlas::evaluation
