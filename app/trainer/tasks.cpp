#include "app/trainer/tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/base/error.h"

namespace kvatlas::trainer {
namespace {

using evaluation::Asking;
using evaluation::Fact;
using evaluation::FactKind;
using evaluation::Split;
using evaluation::Telling;

constexpr std::size_t kSegmentLeast = 6, kSegmentMost = 96, kNoiseMost = 16, kPieceLeast = 4;
constexpr std::size_t kGivenPiece = 2;  // tokens of a repeated piece that must be seen before the rest is predictable
constexpr std::size_t kQuestionsMost = 4;

std::vector<TokenId> encode(const text::Tokenizer& tokenizer, const std::string& text) {
  return tokenizer.encode(text, false).ids;
}

void append(Row& row, std::span<const TokenId> ids, Role role) {
  row.ids.insert(row.ids.end(), ids.begin(), ids.end());
  row.roles.insert(row.roles.end(), ids.size(), role);
}

Row startRow(const text::Tokenizer& tokenizer) {
  Row row;
  const std::array<TokenId, 1> bos{tokenizer.bos().value()};
  append(row, bos, Role::None);
  return row;
}

// A text with sentences set in at sentence starts.
struct Insertion {
  std::size_t at = 0;  // sentence start of the passage
  std::vector<TokenId> ids;
};

void appendPassage(Row& row, std::span<const TokenId> passage, std::vector<Insertion> insertions) {
  std::ranges::stable_sort(insertions, {}, &Insertion::at);
  std::size_t done = 0;
  for (const Insertion& insertion : insertions) {
    append(row, passage.subspan(done, insertion.at - done), Role::Text);
    append(row, insertion.ids, Role::None);
    done = insertion.at;
  }
  append(row, passage.subspan(done), Role::Text);
}

// Sentence starts of a window of the passages, its own beginning included.
std::vector<std::size_t> startsIn(const Passages& passages, std::span<const TokenId> window) {
  const auto offset = static_cast<std::size_t>(window.data() - passages.ids.data());
  std::vector<std::size_t> starts{0};
  for (auto at = std::ranges::upper_bound(passages.starts, offset);
       at != passages.starts.end() && *at < offset + window.size(); ++at)
    starts.push_back(*at - offset);
  return starts;
}

std::vector<TokenId> planted(const text::Tokenizer& tokenizer, const Fact& fact, Telling telling, bool own_line) {
  const std::string sentence = tell(fact, telling);
  return encode(tokenizer, own_line ? fmt::format("\n{}\n", sentence) : fmt::format(" {}", sentence));
}

struct Question {
  std::vector<TokenId> question, answer;
};

Question about(const text::Tokenizer& tokenizer, const Fact& fact, Asking asking) {
  return {encode(tokenizer, ask(fact, asking)), encode(tokenizer, fmt::format(" {}.", fact.value))};
}

Question aboutAll(const text::Tokenizer& tokenizer, std::span<const Fact> facts) {
  return {encode(tokenizer, evaluation::askAll(facts)), encode(tokenizer, evaluation::answerAll(facts))};
}

std::vector<Fact> makeFacts(Random& random, std::size_t count) {
  std::vector<Fact> facts;
  while (facts.size() < count) {
    const FactKind kind = random.chance(0.7) ? FactKind::Number : FactKind::Words;
    if (!facts.empty() && random.chance(0.2))
      facts.push_back(
          makeDistractor(random, facts[random.below(facts.size())], Split::Training, random.chance(0.5), facts));
    else
      facts.push_back(makeFact(random, {kind, Split::Training}, facts));
  }
  return facts;
}

// Facts of one name cannot be told apart in a list of names and values.
std::vector<Fact> distinctNames(std::span<const Fact> facts, std::size_t most) {
  std::vector<Fact> chosen;
  for (const Fact& fact : facts)
    if (chosen.size() < most &&
        std::ranges::none_of(chosen, [&](const Fact& other) { return other.name == fact.name; }))
      chosen.push_back(fact);
  return chosen;
}

}  // namespace

TaskMaker::TaskMaker(const Passages& passages, const text::Tokenizer& tokenizer, std::uint64_t seed)
    : m_passages(passages), m_tokenizer(tokenizer), m_seed(seed) {}

std::vector<Row> TaskMaker::batch(const Stage& stage, std::uint64_t step) const {
  std::vector<Row> rows;
  for (std::uint64_t i = 0; i < stage.batch; ++i) {
    Random random(m_seed, {step, i});
    const double kind = random.unit();
    const std::size_t length = stage.sequence + 1;
    if (kind < stage.repeats)
      rows.push_back(repeatRow(random, length));
    else if (kind < stage.repeats + stage.text)
      rows.push_back(textRow(random, length));
    else
      rows.push_back(factRow(random, length, stage.most_facts));
  }
  return rows;
}

// A segment over a small alphabet (or real text), then pieces of it again and again with noise in between.
Row TaskMaker::repeatRow(Random& random, std::size_t length) const {
  std::vector<TokenId> alphabet(random.between(24, 256));
  for (TokenId& id : alphabet) id = static_cast<TokenId>(random.between(3, m_tokenizer.vocabularySize() - 1));
  const auto noise = [&] { return alphabet[random.below(alphabet.size())]; };
  std::vector<TokenId> segment(random.between(kSegmentLeast, std::min(kSegmentMost, length / 3)));
  if (random.chance(0.3))
    std::ranges::copy(m_passages.window(random.below(m_passages.ids.size()), segment.size()), segment.begin());
  else
    std::ranges::generate(segment, noise);
  Row row = startRow(m_tokenizer);
  append(row, segment, Role::None);
  while (row.ids.size() < length) {
    for (std::size_t i = random.between(1, kNoiseMost); i > 0; --i) append(row, std::array{noise()}, Role::None);
    const std::size_t size = random.between(kPieceLeast, segment.size());
    const auto piece = std::span(segment).subspan(random.below(segment.size() - size + 1), size);
    append(row, piece.first(kGivenPiece), Role::None);
    append(row, piece.subspan(kGivenPiece), Role::Repeat);
  }
  row.ids.resize(length);
  row.roles.resize(length);
  return row;
}

Row TaskMaker::textRow(Random& random, std::size_t length) const {
  Row row = startRow(m_tokenizer);
  append(row, m_passages.window(random.below(m_passages.ids.size()), length - 1), Role::Text);
  return row;
}

Row TaskMaker::factRow(Random& random, std::size_t length, std::size_t most_facts) const {
  const std::size_t room = length - 1;
  const std::size_t few = std::min<std::size_t>(3, most_facts);
  std::vector<Fact> facts =
      makeFacts(random, random.chance(0.5) ? random.between(1, few) : random.between(1, most_facts));
  std::vector<std::vector<TokenId>> told;
  std::vector<Question> questions;
  std::size_t used = 0;
  const bool own_line = random.chance(0.7);
  for (const Fact& fact : facts) {
    const auto telling =
        random.chance(0.6) ? Telling::Plain : static_cast<Telling>(random.below(evaluation::kTellings));
    told.push_back(planted(m_tokenizer, fact, telling, own_line));
    used += told.back().size();
  }
  std::vector<Fact> asked = facts;
  random.shuffle(asked);
  const auto take = [&](Question question) {
    const std::size_t size = question.question.size() + question.answer.size();
    if (used + size > room) return false;
    used += size;
    questions.push_back(std::move(question));
    return true;
  };
  if (facts.size() >= 2 && random.chance(0.3))
    (void)take(aboutAll(m_tokenizer, distinctNames(asked, random.between(2, 4))));
  for (std::size_t i = 0; i < std::min(asked.size(), kQuestionsMost); ++i) {
    const auto asking =
        random.chance(0.4) ? Asking::Completion : static_cast<Asking>(random.below(evaluation::kTrainedAskings));
    if (!take(about(m_tokenizer, asked[i], asking))) break;
  }
  if (used > room || questions.empty()) return textRow(random, length);
  random.shuffle(questions);

  const auto window = m_passages.window(random.below(m_passages.ids.size()), room - used);
  const std::vector<std::size_t> starts = startsIn(m_passages, window);
  std::vector<Insertion> insertions;
  for (auto& ids : told) insertions.push_back({starts[random.below(starts.size())], std::move(ids)});
  Row row = startRow(m_tokenizer);
  appendPassage(row, window, std::move(insertions));
  for (const Question& question : questions) {
    append(row, question.question, Role::None);
    append(row, question.answer, Role::Answer);
  }
  return row;
}

QuizRow makeQuiz(const Passages& passages, const text::Tokenizer& tokenizer, Random& random, Quiz quiz,
                 std::size_t length, double depth) {
  const std::size_t planted_count = quiz == Quiz::FourOfForty ? 40 : quiz == Quiz::TwoFacts ? 2 : 1;
  std::vector<Fact> facts;
  while (facts.size() < planted_count) facts.push_back(makeFact(random, {FactKind::Number, Split::HeldOut}, facts));
  const std::vector<Fact> asked(facts.begin(),
                                facts.begin() + (quiz == Quiz::FourOfForty ? 4 : static_cast<long>(planted_count)));
  const Question question =
      asked.size() > 1 ? aboutAll(tokenizer, asked)
                       : about(tokenizer, facts[0], quiz == Quiz::Question ? Asking::Question : Asking::Completion);
  std::size_t used = 1 + question.question.size() + question.answer.size();
  std::vector<std::vector<TokenId>> told;
  for (const Fact& fact : facts) used += told.emplace_back(planted(tokenizer, fact, Telling::Plain, true)).size();
  if (used > length) fail("{} facts do not fit into {} tokens", facts.size(), length);
  const auto window = passages.window(random.below(passages.ids.size()), length - used);
  const std::vector<std::size_t> starts = startsIn(passages, window);
  std::vector<Insertion> insertions;
  const auto at_depth =
      std::ranges::upper_bound(starts, static_cast<std::size_t>(depth * static_cast<double>(window.size())));
  for (std::size_t i = 0; i < told.size(); ++i)
    insertions.push_back({i == 0 ? *std::prev(at_depth) : starts[random.below(starts.size())], std::move(told[i])});
  Row row = startRow(tokenizer);
  appendPassage(row, window, std::move(insertions));
  append(row, question.question, Role::None);
  QuizRow result;
  result.answer_begin = row.ids.size();
  append(row, question.answer, Role::Answer);
  result.ids = std::move(row.ids);
  return result;
}

}  // namespace kvatlas::trainer
