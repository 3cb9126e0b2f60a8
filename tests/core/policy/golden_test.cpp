// Selections against the published semantics computed with torch (tests/data/policy/make_policy_goldens.py). Which of
// equal scores is kept is unspecified there, so the kept scores and the strictly better positions are compared, not the
// sets.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/files.h"
#include "core/policy/policy.h"

namespace kvatlas::policy {
namespace {

MethodRequest requestOf(const nlohmann::json& row) {
  const std::string method = row["method"], group = row["group"], pooling = row["pooling"];
  if (method == "h2o") return parseMethod("h2o:group=" + group);
  return parseMethod(method + ":group=" + group + ",pooling=" + pooling +
                     ",kernel=" + std::to_string(row["kernel"].get<int>()));
}

void compareHead(std::span<const float> scores, std::span<const TokenIndex> kept, const nlohmann::json& expected_scores,
                 const nlohmann::json& above_last) {
  std::vector<float> kept_scores;
  for (const TokenIndex position : kept)
    if (position < scores.size()) kept_scores.push_back(scores[position]);
  std::sort(kept_scores.rbegin(), kept_scores.rend());
  ASSERT_EQ(kept_scores.size(), expected_scores.size());
  for (std::size_t i = 0; i < kept_scores.size(); ++i)
    EXPECT_NEAR(kept_scores[i], expected_scores[i].get<double>(), 1e-6 * expected_scores[i].get<double>());
  for (const TokenIndex position : above_last)
    EXPECT_TRUE(std::binary_search(kept.begin(), kept.end(), position)) << "position " << position;
}

TEST(Golden, SelectionsEqualThePublishedOnes) {
  const auto rows = readJsonFile(KVATLAS_TEST_DATA "/policy/selections.json");
  ASSERT_GE(rows.size(), 8U);
  for (const auto& row : rows) {
    SCOPED_TRACE("seed " + std::to_string(row["seed"].get<int>()));
    const Shape shape{
        .layers = 1, .query_heads = row["query_heads"], .kv_heads = row["kv_heads"], .tokens = row["tokens"]};
    const auto granularity = row["granularity"] == "kv-head" ? Granularity::KvHead : Granularity::QueryHead;
    const MethodRequest request = requestOf(row);
    const Setting setting = makeSetting(request, shape, parseBudget(std::to_string(row["budget"].get<int>())),
                                        granularity, Preset::Paper, row["window"]);
    std::vector<float> signal;
    for (const auto& head : row["signal"])
      for (const auto& value : head) signal.push_back(value);
    LayerSignals signals;
    for (const Signal needed : request.method->needs.members()) signals[needed] = signal;
    const LayerScores scores = request.method->score(setting, LayerIndex(0), signals);
    const Decision decision = decide(*request.method, setting, std::span(&signals, 1));
    ASSERT_EQ(decision.heads, row["kept_scores"].size());
    for (std::uint32_t head = 0; head < decision.heads; ++head)
      compareHead(scores.head(head), decision.kept(LayerIndex(0), head), row["kept_scores"][head],
                  row["above_last"][head]);
  }
}

}  // namespace
}  // namespace kvatlas::policy
