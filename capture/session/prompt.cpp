#include "capture/session/prompt.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/utf8.h"
#include "core/text/chat_template.h"

namespace kvatlas::capture {
namespace {

// Stands for a question in a rendered chat; templates may trim white space around it, no more.
constexpr const char* kMark = "<question of kvatlas>";

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

// A text and the question behind it, as the model reads them.
struct Parts {
  std::string context, question;
};

// In a chat, the question stands at the end of the user's turn; the context ends where the question begins.
Parts partsOf(const PromptOptions& options, const std::filesystem::path& model_folder, const std::string& text,
              const std::string& question) {
  const bool line_ends = text.ends_with('\n') || question.empty() || question.starts_with('\n');
  const std::string context = line_ends ? text : text + '\n';
  if (options.chat.empty()) return {context, question};
  const auto wrapped = [&](const std::string& user) {
    return text::wrapInChat({.name = options.chat, .date = options.chat_date, .system = options.system}, model_folder,
                            user);
  };
  const std::string whole = wrapped(context + question);
  if (question.empty()) return {whole, {}};
  // Whatever follows the context in the user's turn, the text before it is the same.
  const std::string with_mark = wrapped(context + kMark);
  const auto end = with_mark.rfind(kMark);
  if (end == std::string::npos || whole.compare(0, end, with_mark, 0, end) != 0)
    fail("{}: its chat template changes the text of the user's turn, so that the context has no end there",
         model_folder.string());
  return {whole.substr(0, end), whole.substr(end)};
}

// Tokens of a text by itself, and of what follows it. The first ones do not depend on what follows.
struct Encoded {
  text::Encoding context, question;
};

Encoded encodeParts(const text::Tokenizer& tokenizer, const Parts& parts, bool add_special) {
  Encoded encoded{.context = tokenizer.encode(parts.context, add_special), .question = {}};
  if (parts.question.empty()) return encoded;
  const text::Encoding whole = tokenizer.encode(parts.context + parts.question, add_special);
  const std::size_t tokens = encoded.context.ids.size();
  const bool same = whole.ids.size() > tokens &&
                    std::equal(encoded.context.ids.begin(), encoded.context.ids.end(), whole.ids.begin()) &&
                    whole.offsets[tokens] == parts.context.size();
  if (!same) {
    encoded.question = tokenizer.encode(parts.question, false);
    return encoded;
  }
  encoded.question.ids.assign(whole.ids.begin() + static_cast<std::ptrdiff_t>(tokens), whole.ids.end());
  for (std::size_t i = tokens; i < whole.offsets.size(); ++i)
    encoded.question.offsets.push_back(whole.offsets[i] - parts.context.size());
  return encoded;
}

// The question as the end of the prompt, marked by a span.
void join(PreparedPrompt& prompt, const text::PreparedQuestion& question) {
  const auto begin = static_cast<TokenIndex>(prompt.ids.size());
  prompt.ids.insert(prompt.ids.end(), question.ids.begin(), question.ids.end());
  for (std::size_t i = 1; i < question.offsets.size(); ++i)
    prompt.offsets.push_back(prompt.text.size() + question.offsets[i]);
  prompt.text += question.text;
  prompt.spans.push_back({begin, static_cast<TokenIndex>(prompt.ids.size()), "question"});
}

void checkQuestion(const text::PreparedQuestion& question, const ModelConfig& config, const std::string& text) {
  if (question.ids.empty()) failUsage("--question '{}': gives no token", text);
  for (const TokenId id : question.ids)
    if (id >= config.vocab_size)
      fail("--question {}: token {} is outside the vocabulary of {} tokens", text, id, config.vocab_size);
}

// Joins contexts and questions, or leaves the context to be compressed alone.
std::vector<PreparedPrompt> arrange(const PromptOptions& options, const PreparedPrompt& context,
                                    std::vector<text::PreparedQuestion> questions) {
  if (questions.empty()) return {context};
  if (options.compress == Compress::Context) {
    std::vector<PreparedPrompt> prompts{context};
    prompts.front().questions = std::move(questions);
    return prompts;
  }
  std::vector<PreparedPrompt> prompts(questions.size(), context);
  for (std::size_t i = 0; i < prompts.size(); ++i) join(prompts[i], questions[i]);
  return prompts;
}

std::vector<PreparedPrompt> promptsOfIds(const PromptOptions& options, const ModelConfig& config) {
  PreparedPrompt prompt{.ids = readIds(options.ids_file)};
  checkIds(prompt, config, options.ids_file.string());
  prompt.offsets.assign(prompt.ids.size() + 1, 0);
  if (!options.spans.empty()) failUsage("--span needs a text; with --ids there is none");
  std::vector<text::PreparedQuestion> questions;
  for (const std::string& file : options.questions) {
    text::PreparedQuestion& question = questions.emplace_back();
    question.ids = readIds(file);
    question.offsets.assign(question.ids.size() + 1, 0);
    checkQuestion(question, config, file);
  }
  return arrange(options, prompt, std::move(questions));
}

}  // namespace

std::optional<text::Tokenizer> loadTokenizer(const std::filesystem::path& model) {
  if (!text::Tokenizer::isIn(model)) return std::nullopt;
  return text::Tokenizer::load(model);
}

PreparedPrompt preparePrompt(const PromptOptions& options, const std::filesystem::path& model_folder,
                             const ModelConfig& config, const std::optional<text::Tokenizer>& tokenizer) {
  if (options.compress == Compress::Prompt && options.questions.size() > 1)
    throw std::logic_error("several prompts where one is expected");
  return std::move(preparePrompts(options, model_folder, config, tokenizer).front());
}

std::vector<PreparedPrompt> preparePrompts(const PromptOptions& options, const std::filesystem::path& model_folder,
                                           const ModelConfig& config, const std::optional<text::Tokenizer>& tokenizer) {
  if (!options.ids_file.empty()) return promptsOfIds(options, config);
  if (!options.text && options.file.empty()) failUsage("no prompt: give --prompt FILE, --text STRING or --ids FILE");
  if (!tokenizer)
    fail("{}: has no tokenizer; give token ids with --ids{}", model_folder.string(),
         text::Tokenizer::otherTokenizer(model_folder));
  const std::string text = options.text ? *options.text : readFile(options.file);
  if (text.empty()) fail("{}: the prompt is empty: at least one token is needed", sourceName(options));
  PreparedPrompt prompt;
  if (std::string notice = utf8Notice(text, sourceName(options)); !notice.empty())
    prompt.notices.push_back(std::move(notice));
  prompt.chat = chatUse(options, model_folder);
  const bool add_special = options.chat.empty();
  std::vector<text::PreparedQuestion> questions;
  for (const std::string& asked : options.questions.empty() ? std::vector<std::string>{""} : options.questions) {
    const Parts parts = partsOf(options, model_folder, text, asked);
    Encoded encoded = encodeParts(*tokenizer, parts, add_special);
    prompt.text = parts.context;
    prompt.ids = std::move(encoded.context.ids);
    prompt.offsets = std::move(encoded.context.offsets);
    if (options.questions.empty()) break;
    questions.push_back({std::move(encoded.question.ids), parts.question, std::move(encoded.question.offsets)});
    checkQuestion(questions.back(), config, asked);
  }
  checkIds(prompt, config, sourceName(options));
  std::vector<PreparedPrompt> prompts = arrange(options, prompt, std::move(questions));
  for (PreparedPrompt& one : prompts) findSpans(options, one);
  return prompts;
}

}  // namespace kvatlas::capture
