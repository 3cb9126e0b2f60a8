// What an evaluation and its replay ask of a loaded model: its identity and what a task may know of it.
#pragma once

#include <memory>

#include "capture/evaluation/run_settings.h"
#include "capture/session/loaded_model.h"

namespace kvatlas::evaluation {

// The model without its weights. Error when it has no tokenizer.
[[nodiscard]] std::shared_ptr<capture::LoadedModel> openForPrompts(const capture::SessionOptions& options);

[[nodiscard]] RunIdentity identityOf(const capture::LoadedModel& model);

// `model` must outlive what is made from it.
[[nodiscard]] TaskModel taskModelOf(const capture::LoadedModel& model, std::uint32_t most_new_tokens);

}  // namespace kvatlas::evaluation
