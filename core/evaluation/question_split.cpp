#include "core/evaluation/question_split.h"

#include <algorithm>

#include "core/base/error.h"

namespace kvatlas::evaluation {

text::PreparedPrompt splitAtQuestion(text::PreparedPrompt prompt, const std::string& case_id) {
  const auto span = std::ranges::find(prompt.spans, "question", &text::PromptSpan::name);
  if (span == prompt.spans.end() || span->begin == 0)
    fail("{}: its prompt does not say where its question begins, --compress context needs that", case_id);
  const auto begin = static_cast<std::ptrdiff_t>(span->begin);
  const std::uint64_t bytes = prompt.offsets[span->begin];
  text::PreparedQuestion question{.ids = {prompt.ids.begin() + begin, prompt.ids.end()},
                                  .text = prompt.text.substr(bytes)};
  for (auto offset = prompt.offsets.begin() + begin; offset != prompt.offsets.end(); ++offset)
    question.offsets.push_back(*offset - bytes);
  prompt.ids.resize(span->begin);
  prompt.offsets.resize(std::size_t{span->begin} + 1);
  prompt.text.resize(bytes);
  std::erase_if(prompt.spans, [&](const text::PromptSpan& one) { return one.end > prompt.ids.size(); });
  prompt.questions = {std::move(question)};
  return prompt;
}

}  // namespace kvatlas::evaluation
