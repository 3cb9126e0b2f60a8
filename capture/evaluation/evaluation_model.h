// What an evaluation and its replay need from a loaded model: its identity and the model facts that a task uses.
#pragma once

#include <memory>

#include "capture/evaluation/run_settings.h"
#include "capture/session/loaded_model.h"

namespace kvatlas::evaluation {

// The model without its weights. Error when it has no tokenizer.
[[nodiscard]] std::shared_ptr<capture::LoadedModel> openForPrompts(const capture::SessionOptions& options);

[[nodiscard]] RunIdentity identityOf(const capture::LoadedModel& model);

// `model` must outlive the result.
[[nodiscard]] TaskModel taskModelOf(const capture::LoadedModel& model, std::uint32_t most_new_tokens);

}  // namespace kvatlas::evaluation
