#include "core/trace/generated_tokens.h"

namespace kvatlas::trace {

std::string_view generatedText(const RunRecord& run, std::size_t index) {
  const auto& offsets = run.decode_offsets;
  if (index + 1 >= offsets.size() || offsets[index] > offsets[index + 1] || offsets[index + 1] > run.decode_text.size())
    return {};
  return std::string_view(run.decode_text).substr(offsets[index], offsets[index + 1] - offsets[index]);
}

LaterToken laterToken(const Prompt& prompt, std::uint64_t position) {
  const std::uint64_t generated = prompt.firstGenerated();
  if (position < generated) return {true, static_cast<std::size_t>(position - prompt.ids.size())};
  return {false, static_cast<std::size_t>(position - generated)};
}

std::string_view questionText(const Prompt& prompt, std::size_t index) {
  const Question& question = prompt.question;
  if (index >= question.ids.size()) return {};
  return std::string_view(question.text)
      .substr(question.offsets[index], question.offsets[index + 1] - question.offsets[index]);
}

}  // namespace kvatlas::trace
