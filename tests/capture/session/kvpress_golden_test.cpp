// TOVA against kvpress: the tokens generated, and what every list holds after each of them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "capture/session/session.h"
#include "core/base/files.h"
#include "tests/capture/model/golden.h"

namespace kvatlas::capture::test {
namespace {

using nlohmann::json;

using Lists = std::vector<std::vector<std::vector<TokenIndex>>>;  // [layers][heads][held]

SessionResult decoded(const json& one, const std::vector<TokenId>& prompt, std::uint32_t steps) {
  SessionOptions options{.model = modelFolder(one.at("model").get<std::string>()),
                         .window = 4,
                         .max_new_tokens = steps,
                         .device = "cpu",
                         .threads = 1};
  options.methods = {policy::parseMethod(one.at("method").get<std::string>())};
  options.budgets = {policy::parseBudget(std::to_string(one.at("budget").get<int>()))};
  const PreparedPrompt prepared{.ids = prompt, .offsets = std::vector<std::uint64_t>(prompt.size() + 1, 0)};
  Session session(options, openModel(options), prepared, {});
  session.loadWeights({});
  return session.run({});
}

TEST(KvpressGolden, evictsTheSameTokensWhileDecoding) {
  const OneThread one_thread;
  const json golden = json::parse(readFile(std::filesystem::path(KVATLAS_TEST_DATA) / "kvpress/golden.json"));
  for (const json& one : golden.at("cases")) {
    SCOPED_TRACE(one.at("model").get<std::string>() + " " + one.at("method").get<std::string>());
    const auto prompt = one.at("prompt").get<std::vector<TokenId>>();
    const auto generated = one.at("generated").get<std::vector<TokenId>>();
    const auto expected = one.at("held").get<std::vector<Lists>>();
    const SessionResult result = decoded(one, prompt, static_cast<std::uint32_t>(expected.size()));
    const DecodeTrack& track = result.tracks[1];
    cache::HeldTokens held(result.branches[1].decision, static_cast<TokenIndex>(prompt.size()));
    const std::size_t steps = track.ids.size();  // fewer where the answer ends
    ASSERT_GT(steps, 3U);
    ASSERT_LE(steps, expected.size());
    EXPECT_TRUE(std::equal(track.ids.begin(), track.ids.end(), generated.begin()));
    auto next = track.rows.evicted.begin();
    for (std::size_t step = 0; step + 1 < steps; ++step) {
      if (step > 0) held.append();
      for (; next != track.rows.evicted.end() && next->step == step; ++next) {
        const std::uint32_t row = held.list(LayerIndex(next->layer), next->head).rowFrom(next->position);
        held.evict(next->step, LayerIndex(next->layer), next->head, {&row, 1}, next->reason);
      }
      for (std::uint32_t layer = 0; layer < held.layers(); ++layer)
        for (std::uint32_t head = 0; head < held.heads(); ++head) {
          const auto list = held.list(LayerIndex(layer), head).positions();
          EXPECT_EQ(std::vector<TokenIndex>(list.begin(), list.end()), expected[step][layer][head])
              << "step " << step << ", layer " << layer << ", head " << head;
        }
    }
    EXPECT_FALSE(track.rows.evicted.empty());
  }
}

}  // namespace
}  // namespace kvatlas::capture::test
