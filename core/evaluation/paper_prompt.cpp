#include "core/evaluation/paper_prompt.h"

#include <algorithm>

#include "core/base/error.h"

namespace kvatlas::evaluation {
namespace {

using Ids = std::vector<TokenId>;

// 13 of Llama 3, 842 and 28723 of Mistral: a full stop alone, with or without SentencePiece's mark.
Ids fullStops(const text::Tokenizer& tokenizer) {
  Ids ids;
  for (const char* piece : {".", "▁."})
    if (const auto id = tokenizer.idOf(piece)) ids.push_back(*id);
  return ids;
}

std::size_t insertionPoint(const Ids& context, double depth, const text::Tokenizer& tokenizer) {
  if (depth == 100) return context.size();
  const Ids stops = fullStops(tokenizer);
  auto point = static_cast<std::size_t>(static_cast<double>(context.size()) * (depth / 100));
  while (point > 0 && std::ranges::find(stops, context[point - 1]) == stops.end()) --point;
  return point;
}

std::string filled(std::string text, std::string_view placeholder, std::string_view value) {
  return text.replace(text.find(placeholder), placeholder.size(), value);
}

void addSpan(text::PreparedPrompt& prompt, const std::string& name, std::string_view text) {
  const auto begin = prompt.text.find(text);
  if (begin == std::string::npos || text.empty()) return;
  text::PromptSpan span{.name = name};
  const auto tokens = static_cast<TokenIndex>(prompt.ids.size());
  while (span.begin < tokens && prompt.offsets[span.begin + 1] <= begin) ++span.begin;
  span.end = span.begin;
  while (span.end < tokens && prompt.offsets[span.end] < begin + text.size()) ++span.end;
  prompt.spans.push_back(span);
}

std::string_view withoutBreaks(std::string_view text) {
  const auto begin = text.find_first_not_of(" \n");
  return begin == std::string_view::npos ? text : text.substr(begin, text.find_last_not_of(" \n") - begin + 1);
}

}  // namespace

text::PreparedPrompt makePaperPrompt(const PromptPlan& plan, const NeedleCase& wanted, const Story& story,
                                     const Haystack& haystack, const text::Tokenizer& tokenizer) {
  const std::string& needle_text = story.planted.front().text;
  const Ids needle = tokenizer.encode(needle_text, false).ids;
  if (wanted.length <= kPaperBuffer + needle.size())
    failUsage("--lengths {}: the published protocol leaves {} tokens of it free and the needle takes {}", wanted.length,
              kPaperBuffer, needle.size());
  Ids context(haystack.ids().begin(), haystack.ids().end());
  if (context.size() > wanted.length) context.resize(wanted.length);
  context = tokenizer.encode(tokenizer.decode(context, true), false).ids;
  context.resize(std::min(context.size(), wanted.length - kPaperBuffer - needle.size()));
  const auto point = static_cast<std::ptrdiff_t>(insertionPoint(context, wanted.depth, tokenizer));
  context.insert(context.begin() + point, needle.begin(), needle.end());

  text::PreparedPrompt prompt;
  prompt.text = filled(plan.prompt_template, "{context}", tokenizer.decode(context, true));
  prompt.text.replace(prompt.text.rfind("{question}"), std::string_view("{question}").size(), story.question);
  text::Encoding encoding = tokenizer.encode(prompt.text, true);
  prompt.ids = std::move(encoding.ids);
  prompt.offsets = std::move(encoding.offsets);
  addSpan(prompt, "needle", withoutBreaks(needle_text));
  const auto question = prompt.text.rfind(story.question);
  if (question != std::string::npos) addSpan(prompt, "question", std::string_view(prompt.text).substr(question));
  return prompt;
}

}  // namespace kvatlas::evaluation
