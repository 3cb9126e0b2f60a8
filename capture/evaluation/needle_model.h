// What a needle run and its replay ask of a loaded model: its identity, and when an answer has ended. Knows sessions.
#pragma once

#include <memory>

#include "capture/evaluation/needle_settings.h"
#include "capture/session/decode_loop.h"
#include "capture/session/loaded_model.h"
#include "core/evaluation/prompts.h"

namespace kvatlas::evaluation {

// The model without its weights. Error when it has no tokenizer.
[[nodiscard]] std::shared_ptr<capture::LoadedModel> openForPrompts(const capture::SessionOptions& options);

[[nodiscard]] RunIdentity identityOf(const capture::LoadedModel& model);

// Exact: at the end of the answer. Paper: at the published stop tokens. `prompt` and `tokenizer` must outlive it.
[[nodiscard]] capture::FinishedTest finishedTest(const PromptPlan& plan, const NeedlePrompt& prompt,
                                                 const text::Tokenizer& tokenizer);

}  // namespace kvatlas::evaluation
