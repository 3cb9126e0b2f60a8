#include "core/synthetic/document.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "core/base/random.h"

namespace kvatlas::synthetic {
namespace {

constexpr std::array kWords = {
    "the",    "river",   "of",     "a",      "and",    "harbour", "in",      "old",     "stone",  "to",     "bridge",
    "was",    "ferry",   "with",   "letter", "from",   "market",  "that",    "grain",   "on",     "winter", "road",
    "under",  "lamp",    "where",  "sister", "by",     "mill",    "carried", "for",     "garden", "as",     "clock",
    "before", "ledger",  "over",   "coast",  "wheel",  "every",   "morning", "ship",    "paper",  "beside", "village",
    "number", "teacher", "window", "north",  "copper", "between", "bread",   "singing", "field",  "storm",  "quiet"};
constexpr std::array kNeedle = {" The", " secret", " number", " of", " Emma", " is", " 48213", "."};
constexpr std::array kQuestion = {"\n\n",    "Question", ":",     " What", " is", " the",   " secret",
                                  " number", " of",      " Emma", "?",     "\n",  "Answer", ":"};
constexpr std::array kAnswer = {" 48213", ".", " It", " is", " written", " in", " the", " ledger", ".", "\n"};
constexpr std::array kWrong = {" The", " river", " ran", " slow", " under", " the", " old", " bridge", ".", "\n"};
constexpr TokenId kDelimiter = 1, kPeriod = 2, kFirstWord = 16, kFirstSpecial = 96;
constexpr std::uint32_t kShortest = 64;  // prompts below have neither fact nor question

class Writer {
 public:
  explicit Writer(const DocumentOptions& options) : m_options(options) { m_out.prompt.offsets = {0}; }

  void add(const std::string& text, TokenId id) {
    trace::Prompt& prompt = m_out.prompt;
    prompt.ids.push_back(id % m_options.vocab);
    prompt.text += text;
    prompt.offsets.push_back(prompt.text.size());
    m_out.document_begin.push_back(m_document);
  }
  void beginDocument() { m_document = static_cast<TokenIndex>(m_out.prompt.ids.size()); }
  [[nodiscard]] TokenIndex at() const { return static_cast<TokenIndex>(m_out.prompt.ids.size()); }

  // Sentences of 6 to 25 words; the choice follows Zipf's law, so that words repeat as they do in a text.
  void addWord() {
    const std::uint64_t hash = hashOf(m_options.seed ^ 0x7465787421ULL, at());
    if (m_left == 0) {
      m_left = 6 + static_cast<std::uint32_t>(hash >> 32U) % 20;
      return add(".", kPeriod);
    }
    --m_left;
    const auto word = static_cast<std::size_t>(std::pow(double(kWords.size() + 1), uniformOf(hash))) - 1;
    add(std::string(at() == m_document ? "" : " ") + kWords[std::min(word, kWords.size() - 1)],
        kFirstWord + static_cast<TokenId>(word));
  }
  template <std::size_t Count>
  trace::Span addFixed(const std::array<const char*, Count>& words, TokenId first, const char* name) {
    const TokenIndex begin = at();
    for (std::size_t i = 0; i < Count; ++i) add(words[i], first + static_cast<TokenId>(i));
    return {begin, at(), name};
  }
  SyntheticPrompt take() { return std::move(m_out); }
  SyntheticPrompt& out() { return m_out; }

 private:
  DocumentOptions m_options;
  SyntheticPrompt m_out;
  TokenIndex m_document = 0;
  std::uint32_t m_left = 12;
};

// Ends of the documents: unequal lengths, between half and one and a half of the mean.
std::vector<TokenIndex> documentEnds(const DocumentOptions& options, std::uint32_t tokens) {
  const auto grown = static_cast<std::uint32_t>(std::sqrt(double(tokens)) / 8);
  const std::uint32_t count = std::clamp(options.documents > 0 ? options.documents : grown, 1U, std::max(tokens, 1U));
  std::vector<double> weights;
  double sum = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    weights.push_back(0.5 + uniformOf(hashOf(options.seed ^ 0x646f6373ULL, i)));
    sum += weights.back();
  }
  std::vector<TokenIndex> ends;
  double at = 0;
  for (const double weight : weights) {
    at += weight;
    ends.push_back(static_cast<TokenIndex>(std::llround(at / sum * tokens)));
  }
  return ends;
}

}  // namespace

SyntheticPrompt makePrompt(const DocumentOptions& options) {
  Writer writer(options);
  const bool with_fact = options.tokens >= kShortest;
  const std::uint32_t body = with_fact ? options.tokens - static_cast<std::uint32_t>(kQuestion.size()) : options.tokens;
  const std::uint32_t fact_at = with_fact ? body * 2 / 5 : options.tokens;
  std::vector<trace::Span> spans;
  std::size_t index = 0;
  trace::Span needle;
  for (const TokenIndex end : documentEnds(options, body)) {
    if (writer.at() >= end) continue;  // the fact was longer than what was left
    writer.beginDocument();
    const TokenIndex begin = writer.at();
    if (begin > 0) writer.add("\n\n", kDelimiter);
    while (writer.at() < end) {
      if (writer.at() == fact_at && needle.name.empty() && writer.at() + kNeedle.size() <= body)
        needle = writer.addFixed(kNeedle, kFirstSpecial, "needle");
      else
        writer.addWord();
    }
    spans.push_back({begin, writer.at(), "document " + std::to_string(++index)});
  }
  trace::Span question{body, body, ""};
  if (with_fact) {
    writer.beginDocument();
    question = writer.addFixed(kQuestion, kFirstSpecial + 16, "question");
  }
  SyntheticPrompt out = writer.take();
  if (!needle.name.empty()) spans.push_back(needle);
  if (with_fact) spans.push_back(question);
  out.prompt.spans = std::move(spans);
  out.needle = needle;
  out.question = question;
  return out;
}

AnswerWord answerWord(std::size_t step, std::uint32_t vocab) {
  const std::size_t word = step % kAnswer.size();
  return {(kFirstSpecial + 40 + static_cast<TokenId>(word)) % vocab, kAnswer[word]};
}

AnswerWord wrongWord(std::size_t step, std::uint32_t vocab) {
  const std::size_t word = step % kWrong.size();
  return {(kFirstSpecial + 60 + static_cast<TokenId>(word)) % vocab, kWrong[word]};
}

}  // namespace kvatlas::synthetic
