// Lists of one layer with unequal capacities and a question behind the prompt, decided again at every token, against
// sums over every query's row.
#include "core/cache/redecider.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "core/base/error.h"

namespace kvatlas::cache {
namespace {

constexpr std::uint32_t kQueryHeads = 4, kHeads = 2, kPrompt = 12, kWindow = 2, kQuestion = 3, kSteps = 20;
constexpr std::uint32_t kCapacity[kHeads] = {4, 7};

using Row = std::map<TokenIndex, float>;

// One layer of H2O, whose lists keep kCapacity tokens.
class Rows {
 public:
  explicit Rows(std::uint32_t seed) : m_random(seed), m_rows(kQueryHeads) {
    for (std::uint32_t head = 0; head < kQueryHeads; ++head) {
      for (TokenIndex query = 0; query < kPrompt; ++query) {
        Row& row = m_rows[head].emplace_back();
        for (TokenIndex j = 0; j <= query; ++j) row[j] = draw();
      }
      for (TokenIndex j = 0; j < kPrompt; ++j) m_prompt[Signal::Received].push_back(sumAt(head, j));
    }
  }

  [[nodiscard]] LayerSignals prompt() const { return viewOf(m_prompt); }

  // Rows of a new query over the first `rows` rows of every list.
  void add(const HeldTokens& held, std::uint32_t head, std::uint32_t rows, Redecider& redecider) {
    const HeldList list = held.list(LayerIndex(0), head / (kQueryHeads / kHeads));
    Row& row = m_rows[head].emplace_back();
    std::vector<float> mass;
    for (std::uint32_t i = 0; i < rows; ++i) mass.push_back(row[list[i]] = draw());
    redecider.take(LayerIndex(0), head, 0, mass);
  }

  // What a list keeps: its last tokens and those with the most mass, ties lowest; the question apart.
  [[nodiscard]] std::set<TokenIndex> best(const HeldList& list, std::uint32_t head) const {
    std::vector<TokenIndex> others;
    std::set<TokenIndex> kept;
    for (std::uint32_t row = 0; row < list.size(); ++row)
      if (list[row] >= kPrompt && list[row] < kPrompt + kQuestion)
        kept.insert(list[row]);
      else
        others.push_back(list[row]);
    for (std::uint32_t i = 0; i < kWindow; ++i) {
      kept.insert(others.back());
      others.pop_back();
    }
    std::ranges::stable_sort(others, std::greater<>{}, [&](TokenIndex position) {
      return sumAt(2 * head, position) + sumAt(2 * head + 1, position);
    });
    kept.insert(others.begin(), others.begin() + kCapacity[head] - kWindow);
    return kept;
  }

 private:
  float draw() { return static_cast<float>(m_random() % 1000) / 4096.0F; }  // sums are exact
  [[nodiscard]] float sumAt(std::uint32_t head, TokenIndex position) const {
    float sum = 0;
    for (const Row& row : m_rows[head])
      if (const auto found = row.find(position); found != row.end()) sum += found->second;
    return sum;
  }

  std::mt19937 m_random;
  std::vector<std::vector<Row>> m_rows;  // [query heads][queries]
  SignalValues m_prompt;
};

policy::Decision promptDecision() {
  policy::Decision decision{.layers = 1, .heads = kHeads, .offsets = {0}};
  for (const std::uint32_t capacity : kCapacity) {
    for (TokenIndex j = kPrompt - capacity; j < kPrompt; ++j) decision.positions.push_back(j);
    decision.capacity.push_back(capacity);
    decision.offsets.push_back(decision.positions.size());
  }
  return decision;
}

std::set<TokenIndex> positionsOf(const HeldList& list) {
  std::set<TokenIndex> positions;
  for (std::uint32_t row = 0; row < list.size(); ++row) positions.insert(list[row]);
  return positions;
}

TEST(Redecider, unequalListsGiveUpTheirWorstAndNeverTheQuestion) {
  Rows rows(11);
  const policy::MethodRequest request = policy::parseMethod("h2o:every=1");
  const policy::Setting setting =
      policy::makeSetting(request, {1, kQueryHeads, kHeads, kPrompt}, policy::parseBudget("5"),
                          policy::Granularity::KvHead, policy::Preset::Exact, kWindow);
  const policy::Decision decision = promptDecision();
  HeldTokens held(decision, kPrompt);
  const std::vector<LayerSignals> prompt = {rows.prompt()};
  Redecider redecider(*request.method, setting, decision, held, prompt);

  held.appendQuestion(kQuestion);
  for (std::uint32_t token = 0; token < kQuestion; ++token)
    for (std::uint32_t head = 0; head < kQueryHeads; ++head)
      rows.add(held, head, kCapacity[head / 2] + token + 1, redecider);
  EXPECT_TRUE(redecider.rowsToEvict(held, 1).empty()) << "the question is no part of the budget";

  std::set<TokenIndex> of_prompt_lost, of_answer_lost;
  for (std::uint32_t step = 1; step <= kSteps; ++step) {
    held.append();
    for (std::uint32_t head = 0; head < kQueryHeads; ++head)
      rows.add(held, head, held.list(LayerIndex(0), head / 2).size(), redecider);
    std::vector<std::set<TokenIndex>> expected;
    for (std::uint32_t head = 0; head < kHeads; ++head)
      expected.push_back(rows.best(held.list(LayerIndex(0), head), head));
    redecider.evict(step, redecider.rowsToEvict(held, 1), held);
    for (std::uint32_t head = 0; head < kHeads; ++head)
      ASSERT_EQ(positionsOf(held.list(LayerIndex(0), head)), expected[head]) << "step " << step << ", head " << head;
  }
  for (const Eviction& one : held.log())
    (one.position < kPrompt ? of_prompt_lost : of_answer_lost).insert(one.position);
  EXPECT_FALSE(of_prompt_lost.empty());
  EXPECT_FALSE(of_answer_lost.empty());
  EXPECT_EQ(held.list(LayerIndex(0), 0).size(), kCapacity[0] + kQuestion);
  EXPECT_EQ(held.list(LayerIndex(0), 1).size(), kCapacity[1] + kQuestion);
}

// Of each query that sees a prompt's position once a token was generated: least at 7, where no list's column is.
double perQuery(TokenIndex position) {
  return 1 + std::abs(double(position) - 7) / 8;
}

// What a list gives up when its columns are scored by `score` of a position.
void expectWorstGone(const char* text, const std::function<double(std::uint32_t head, TokenIndex, TokenIndex)>& score) {
  SCOPED_TRACE(text);
  const policy::MethodRequest request = policy::parseMethod(text);
  const policy::Setting setting = policy::makeSetting(request, {1, kHeads, kHeads, kPrompt}, policy::parseBudget("5"),
                                                      policy::Granularity::KvHead, policy::Preset::Exact, kWindow);
  policy::Decision decision{.layers = 1, .heads = kHeads, .capacity = {5, 5}, .offsets = {0, 5, 10}};
  decision.positions = {0, 3, 7, 10, 11, 1, 2, 8, 10, 11};
  HeldTokens held(decision, kPrompt);
  SignalValues values;
  for (std::uint32_t i = 0; i < kHeads * kPrompt; ++i)
    values[Signal::Received].push_back(static_cast<float>(perQuery(i % kPrompt) * (kPrompt + 1 - i % kPrompt)));
  const std::vector<LayerSignals> prompt = {viewOf(values)};
  Redecider redecider(*request.method, setting, decision, held, prompt);
  held.append();
  const std::vector<float> newest{0, 0, 0, 0, 0, 9};
  for (std::uint32_t head = 0; head < kHeads; ++head) redecider.take(LayerIndex(0), head, 0, newest);
  const ListRows gone = redecider.rowsToEvict(held, 1);
  for (std::uint32_t head = 0; head < kHeads; ++head) {
    const HeldList list = held.list(LayerIndex(0), head);
    std::uint32_t worst = 0;
    for (std::uint32_t row = 1; row < list.size() - setting.recent; ++row)
      if (score(head, list[row], kPrompt + 1) <= score(head, list[worst], kPrompt + 1)) worst = row;
    EXPECT_EQ(gone.at(head), std::vector<std::uint32_t>{worst}) << "head " << head;
  }
}

TEST(Redecider, columnsAreScoredAtTheirPositions) {
  expectWorstGone("observed:every=1", [](std::uint32_t, TokenIndex position, TokenIndex) {
    return position < kPrompt ? perQuery(position) : 9;
  });
  expectWorstGone("expr:abs(position-8)+0*received,every=1",
                  [](std::uint32_t, TokenIndex position, TokenIndex) { return std::abs(double(position) - 8); });
  expectWorstGone("expr:abs(age-9)+head*0*received+abs(tokens-position-9),every=1",
                  [](std::uint32_t, TokenIndex position, TokenIndex tokens) {
                    return std::abs(double(tokens) - 1 - position - 9) + std::abs(double(tokens) - position - 9);
                  });
}

TEST(HeldTokensQuestion, staysHeldAndComesFirst) {
  HeldTokens held(promptDecision(), kPrompt);
  held.appendQuestion(2);
  held.appendQuestion(1);
  EXPECT_EQ(held.questionTokens(), 3U);
  EXPECT_EQ(held.firstGenerated(), kPrompt + 3);
  EXPECT_EQ(held.questionRow(LayerIndex(0), 1), kCapacity[1]);
  const std::uint32_t of_question[] = {kCapacity[0] + 1};
  EXPECT_THROW(held.evict(1, LayerIndex(0), 0, of_question, EvictionReason::LowScore), Error);
  held.append();
  EXPECT_THROW(held.appendQuestion(1), std::logic_error);
}

}  // namespace
}  // namespace kvatlas::cache
