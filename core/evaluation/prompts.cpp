#include "core/evaluation/prompts.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/evaluation/paper_prompt.h"
#include "core/evaluation/task.h"

namespace kvatlas::evaluation {
namespace {

using Ids = std::vector<TokenId>;

constexpr std::string_view kContext = "{context}", kQuestion = "{question}";

std::uint32_t longest(const PromptPlan& plan) {
  return plan.lengths.empty() ? 0 : std::ranges::max(plan.lengths);
}

// The tokens that the tokenizer puts before a text (BOS).
Ids idsBefore(const text::Tokenizer& tokenizer) {
  const Ids with = tokenizer.encode("x", true).ids, without = tokenizer.encode("x", false).ids;
  const auto at = std::ranges::search(with, without).begin();
  return {with.begin(), at};
}

std::string onItsOwnLine(const std::string& sentence) {
  std::string line = sentence.starts_with('\n') ? "" : "\n";
  line.append(sentence).append(sentence.ends_with('\n') ? "" : "\n");
  return line;
}

// Concatenates tokens piece by piece; a named piece becomes a span.
class Assembly {
 public:
  void add(std::span<const TokenId> piece, const std::string& span = {}) {
    const auto begin = static_cast<TokenIndex>(m_prompt.ids.size());
    m_prompt.ids.insert(m_prompt.ids.end(), piece.begin(), piece.end());
    if (!span.empty()) m_prompt.spans.push_back({begin, static_cast<TokenIndex>(m_prompt.ids.size()), span});
  }
  // Text and offsets of all but the first `silent` tokens, which have no text.
  [[nodiscard]] text::PreparedPrompt finish(const text::Tokenizer& tokenizer, std::size_t silent) {
    text::Decoded decoded = tokenizer.decodeWithOffsets(std::span(m_prompt.ids).subspan(silent));
    m_prompt.text = std::move(decoded.text);
    m_prompt.offsets.assign(silent, 0);
    m_prompt.offsets.insert(m_prompt.offsets.end(), decoded.offsets.begin(), decoded.offsets.end());
    return std::move(m_prompt);
  }

 private:
  text::PreparedPrompt m_prompt;
};

}  // namespace

struct PromptMaker::Pieces {
  Ids before, head, question;
  std::vector<Ids> planted;
  [[nodiscard]] std::size_t tokens() const {
    std::size_t sum = before.size() + head.size() + question.size();
    for (const Ids& ids : planted) sum += ids.size();
    return sum;
  }
};

PromptMaker::PromptMaker(const PromptPlan& plan, const HaystackText& haystack, const text::Tokenizer& tokenizer)
    : m_plan(plan),
      m_haystack_name(haystack.name),
      m_tokenizer(tokenizer),
      m_haystack(haystack, tokenizer, plan.repeat ? longest(plan) : 0) {}

PromptMaker::Pieces PromptMaker::piecesOf(const Story& story) const {
  const auto encoded = [&](const std::string& text) { return m_tokenizer.encode(text, false).ids; };
  const std::string& shape = m_plan.prompt_template;
  const auto context = shape.find(kContext);
  std::string question = shape.substr(context + kContext.size());
  question.replace(question.find(kQuestion), kQuestion.size(), story.question);
  Pieces pieces{
      .before = idsBefore(m_tokenizer), .head = encoded(shape.substr(0, context)), .question = encoded(question)};
  for (const Planted& planted : story.planted) pieces.planted.push_back(encoded(onItsOwnLine(planted.text)));
  return pieces;
}

std::size_t PromptMaker::contextTokens(const NeedleCase& wanted, const Pieces& pieces) const {
  const std::size_t taken = pieces.tokens();
  if (taken >= wanted.length)
    failUsage("--lengths {}: the facts and the question of {} take {} tokens", wanted.length, wanted.id, taken);
  const std::size_t needed = wanted.length - taken, available = m_haystack.ids().size();
  if (needed > available)
    failUsage("--lengths {}: the haystack {} has {} tokens and needs {}; add text or use --repeat", wanted.length,
              m_haystack_name, available, needed);
  return needed;
}

void PromptMaker::check(const NeedleCase& wanted) const {
  const Story story = storyOf(m_plan, wanted);
  if (m_plan.protocol == Protocol::Exact)
    (void)contextTokens(wanted, piecesOf(story));
  else
    (void)makePaperPrompt(m_plan, wanted, story, m_haystack, m_tokenizer);
}

// A sentence start with enough text after it for the whole length: the same for every depth and kind.
TokenIndex PromptMaker::passageStart(const NeedleCase& wanted) const {
  const auto starts = m_haystack.sentenceEnds();
  const std::size_t available = m_haystack.ids().size();
  if (available <= wanted.length) return 0;
  const auto last = std::ranges::upper_bound(starts, static_cast<TokenIndex>(available - wanted.length));
  Random random(m_plan.seed, {wanted.length, wanted.trial});
  return starts[random.below(static_cast<std::size_t>(last - starts.begin()))];
}

std::size_t PromptMaker::placeAt(double depth, TokenIndex start, std::size_t context) const {
  if (depth == 100) return context;
  const auto at = static_cast<std::size_t>(static_cast<double>(context) * (depth / 100));
  return m_haystack.placeBefore(static_cast<TokenIndex>(start + at), start, context) - start;
}

std::size_t PromptMaker::place(const NeedleCase& wanted) const {
  const Story story = storyOf(m_plan, wanted);
  return placeAt(story.planted.front().depth, passageStart(wanted), contextTokens(wanted, piecesOf(story)));
}

NeedlePrompt PromptMaker::makeExact(const NeedleCase& wanted, const Story& story) const {
  const Pieces pieces = piecesOf(story);
  const std::size_t context = contextTokens(wanted, pieces);
  const TokenIndex start = passageStart(wanted);
  // Facts by position; ties in story order.
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (std::size_t i = 0; i < story.planted.size(); ++i)
    places.emplace_back(placeAt(story.planted[i].depth, start, context), i);
  const double first = static_cast<double>(places.front().first);
  std::ranges::sort(places);

  Assembly assembly;
  assembly.add(pieces.before);
  assembly.add(pieces.head);
  std::size_t done = 0;
  for (const auto& [place, fact] : places) {
    assembly.add(m_haystack.ids().subspan(start + done, place - done));
    assembly.add(pieces.planted[fact], story.planted[fact].span);
    done = place;
  }
  assembly.add(m_haystack.ids().subspan(start + done, context - done));
  assembly.add(pieces.question, "question");
  return {.prepared = assembly.finish(m_tokenizer, pieces.before.size()),
          .depth = 100 * first / static_cast<double>(context)};
}

NeedlePrompt PromptMaker::make(const NeedleCase& wanted) const {
  const Story story = storyOf(m_plan, wanted);
  NeedlePrompt prompt;
  if (m_plan.protocol == Protocol::Paper)
    prompt.prepared = makePaperPrompt(m_plan, wanted, story, m_haystack, m_tokenizer);
  else
    prompt = makeExact(wanted, story);
  prompt.question = story.question;
  prompt.right = story.right;
  prompt.sha256 = hashOfIds(prompt.prepared.ids);
  return prompt;
}

}  // namespace kvatlas::evaluation
