#include "capture/evaluation/needle_model.h"

#include <algorithm>

#include "capture/model/weight_source.h"
#include "core/base/error.h"

namespace kvatlas::evaluation {
namespace {

// Besides the model's own end tokens: the tokenizer's, Llama 3's by name, the last token of a line break.
std::vector<TokenId> publishedStops(const text::Tokenizer& tokenizer) {
  std::vector<TokenId> stops;
  if (const auto eos = tokenizer.eos()) stops.push_back(*eos);
  for (const char* piece : {"<|eot_id|>", "<|end_of_text|>"})
    if (const auto id = tokenizer.idOf(piece)) stops.push_back(*id);
  if (const auto line_break = tokenizer.encode("\n", false).ids; !line_break.empty())
    stops.push_back(line_break.back());
  return stops;
}

}  // namespace

std::shared_ptr<capture::LoadedModel> openForPrompts(const capture::SessionOptions& options) {
  auto model = capture::openModel(options);
  if (!model->tokenizer) fail("{}: has no tokenizer; facts are planted in text", options.model.string());
  return model;
}

RunIdentity identityOf(const capture::LoadedModel& model) {
  return {.model = model.config.name,
          .weights_fingerprint = capture::openWeights(model.folder, model.config)->fingerprint(),
          .tokenizer_sha256 = text::Tokenizer::sha256(model.folder),
          .device = model.load.device.is_cpu() ? "cpu" : "cuda",
          .dtype = model.dtype_name};
}

capture::FinishedTest finishedTest(const PromptPlan& plan, const NeedlePrompt& prompt,
                                   const text::Tokenizer& tokenizer) {
  if (plan.protocol == Protocol::Paper)
    return [stops = publishedStops(tokenizer)](std::span<const TokenId> ids) {
      return std::ranges::find(stops, ids.back()) != stops.end();
    };
  // Twice as long as the right answer is wrong; without a limit one branch that babbles would make all others wait.
  const std::size_t most = 2 * tokenizer.encode(prompt.right.text, false).ids.size() + 4;
  return [&prompt, &tokenizer, most](std::span<const TokenId> ids) {
    return ids.size() >= most || answerIsComplete(tokenizer.decode(ids, true), prompt.right);
  };
}

}  // namespace kvatlas::evaluation
