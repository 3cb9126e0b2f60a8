#include "capture/session/prompt.h"

#include <algorithm>
#include <charconv>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/utf8.h"
#include "core/text/chat_template.h"

namespace kvatlas::capture {
namespace {

std::string sourceName(const PromptOptions& options) {
  return options.text ? "--text" : options.file.string();
}

// Ids separated by whitespace or commas, or a JSON array.
std::vector<TokenId> readIds(const std::filesystem::path& path) {
  const std::string text = readFile(path);
  std::vector<TokenId> ids;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    if (std::isspace(static_cast<unsigned char>(*at)) != 0 || *at == ',' || *at == '[' || *at == ']') {
      ++at;
      continue;
    }
    TokenId id = 0;
    const auto [next, error] = std::from_chars(at, end, id);
    if (error != std::errc{})
      fail("{}: byte {} is not a token id (whole numbers expected)", path.string(), at - text.data());
    ids.push_back(id);
    at = next;
  }
  return ids;
}

// The template's name in the trace, or whether the model has an unused one. Ignores an unreadable template when the
// prompt does not use it.
std::string chatUse(const PromptOptions& options, const std::filesystem::path& model_folder) {
  if (!options.chat.empty()) return options.chat;
  try {
    return text::findChatTemplate(model_folder) ? "unused" : "none";
  } catch (const Error&) {
    return "unused";
  }
}

// The tokens that overlap bytes [begin, end) of the text.
PromptSpan spanOfBytes(const PreparedPrompt& prompt, const std::string& name, std::uint64_t begin, std::uint64_t end) {
  PromptSpan span{.name = name};
  const auto& offsets = prompt.offsets;
  const auto tokens = prompt.ids.size();
  span.begin = static_cast<TokenIndex>(
      std::upper_bound(offsets.begin() + 1, offsets.begin() + static_cast<std::ptrdiff_t>(tokens), begin) -
      offsets.begin() - 1);
  span.end = static_cast<TokenIndex>(
      std::lower_bound(offsets.begin(), offsets.begin() + static_cast<std::ptrdiff_t>(tokens), end) - offsets.begin());
  return span;
}

void findSpans(const PromptOptions& options, PreparedPrompt& prompt) {
  for (const SpanRequest& wanted : options.spans) {
    bool found = false;
    for (auto at = prompt.text.find(wanted.text); at != std::string::npos && !wanted.text.empty();
         at = prompt.text.find(wanted.text, at + wanted.text.size())) {
      prompt.spans.push_back(spanOfBytes(prompt, wanted.name, at, at + wanted.text.size()));
      found = true;
    }
    if (!found) failUsage("--span {}: its text does not occur in the prompt", wanted.name);
  }
  std::ranges::stable_sort(prompt.spans, {}, &PromptSpan::begin);
}

void checkIds(const PreparedPrompt& prompt, const ModelConfig& config, const std::string& source) {
  if (prompt.ids.empty()) fail("{}: the prompt is empty: at least one token is needed", source);
  for (std::size_t i = 0; i < prompt.ids.size(); ++i)
    if (prompt.ids[i] >= config.vocab_size)
      fail("{}: token {} at position {} is outside the vocabulary of {} tokens", source, prompt.ids[i], i,
           config.vocab_size);
}

}  // namespace

std::optional<text::Tokenizer> loadTokenizer(const std::filesystem::path& model) {
  if (!text::Tokenizer::isIn(model)) return std::nullopt;
  return text::Tokenizer::load(model);
}

PreparedPrompt preparePrompt(const PromptOptions& options, const std::filesystem::path& model_folder,
                             const ModelConfig& config, const std::optional<text::Tokenizer>& tokenizer) {
  PreparedPrompt prompt;
  if (!options.ids_file.empty()) {
    prompt.ids = readIds(options.ids_file);
    checkIds(prompt, config, options.ids_file.string());
    prompt.offsets.assign(prompt.ids.size() + 1, 0);
    if (!options.spans.empty()) failUsage("--span needs a text; with --ids there is none");
    return prompt;
  }
  if (!options.text && options.file.empty()) failUsage("no prompt: give --prompt FILE, --text STRING or --ids FILE");
  if (!tokenizer)
    fail("{}: has no tokenizer; give token ids with --ids{}", model_folder.string(),
         text::Tokenizer::otherTokenizer(model_folder));
  prompt.text = options.text ? *options.text : readFile(options.file);
  if (prompt.text.empty()) fail("{}: the prompt is empty: at least one token is needed", sourceName(options));
  if (std::string notice = utf8Notice(prompt.text, sourceName(options)); !notice.empty())
    prompt.notices.push_back(std::move(notice));
  const bool chat = !options.chat.empty();
  prompt.chat = chatUse(options, model_folder);
  if (chat)
    prompt.text = text::wrapInChat({.name = options.chat, .date = options.chat_date, .system = options.system},
                                   model_folder, prompt.text);
  text::Encoding encoding = tokenizer->encode(prompt.text, !chat);
  prompt.ids = std::move(encoding.ids);
  prompt.offsets = std::move(encoding.offsets);
  checkIds(prompt, config, sourceName(options));
  findSpans(options, prompt);
  return prompt;
}

}  // namespace kvatlas::capture
