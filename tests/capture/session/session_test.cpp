// Branches decoded as one batch, against a naive double-precision oracle that decodes each alone.
#include "capture/session/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/trace/records.h"
#include "tests/capture/model/golden.h"
#include "tests/capture/session/naive_session.h"

namespace kvatlas::capture::test {
namespace {

std::string joined(const std::vector<TokenId>& ids) {
  std::string text;
  for (const TokenId id : ids) text += std::to_string(id) + " ";
  return text;
}

SessionOptions optionsFor(const std::string& model, const std::filesystem::path& ids_file,
                          std::vector<std::string> methods, std::vector<std::string> budgets) {
  SessionOptions options{.model = modelFolder(model)};
  options.prompt.ids_file = ids_file;
  for (const auto& method : methods) options.methods.push_back(policy::parseMethod(method));
  for (const auto& budget : budgets) options.budgets.push_back(policy::parseBudget(budget));
  options.window = 4;
  options.max_new_tokens = 6;
  options.device = "cpu";
  options.threads = 1;  // small models gain nothing from more
  return options;
}

const std::vector<TokenId>& longestPrompt(const Golden& golden) {
  return std::ranges::max_element(golden.runs, {}, [](const GoldenRun& run) { return run.ids.size(); })->ids;
}

// Mass of the full cache's rows on a kept set and on the best set of that size.
struct Mass {
  double kept = 0, best = 0;
};
Mass naiveMass(const std::vector<double>& row, std::uint64_t tokens, std::span<const TokenIndex> kept) {
  Mass mass;
  for (std::size_t j = tokens; j < row.size(); ++j) mass.kept += row[j];
  mass.best = mass.kept;
  for (const TokenIndex position : kept) mass.kept += row[position];
  std::vector<double> prompt(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(tokens));
  std::ranges::sort(prompt, std::greater<>{});
  for (std::size_t i = 0; i < kept.size(); ++i) mass.best += prompt[i];
  return mass;
}

struct Case {
  const char* model;
  Follow follow;
  policy::Granularity granularity;
};

class Branches : public testing::TestWithParam<Case> {};

// The oracle's state to follow a session step by step.
struct Replay {
  std::vector<NaiveStep> full;  // the full cache fed its own tokens
  std::vector<Rows> last_rows;  // of the prompt
};

void expectMass(const DecodeTrack& track, const policy::Decision& decision, const Replay& replay,
                const ModelConfig& config, std::uint64_t tokens) {
  const std::size_t per_step = std::size_t{config.layers} * config.query_heads;
  ASSERT_EQ(track.rows.retained.size(), track.ids.size() * per_step);
  ASSERT_EQ(track.rows.oracle.size(), track.ids.size() * per_step);
  for (std::size_t t = 0; t < track.ids.size(); ++t)
    for (std::uint32_t layer = 0; layer < config.layers; ++layer)
      for (std::uint32_t head = 0; head < config.query_heads; ++head) {
        const std::size_t cell = t * per_step + layer * config.query_heads + head;
        if (t > replay.full.size()) {
          EXPECT_TRUE(std::isnan(track.rows.retained[cell]));
          continue;
        }
        const auto& row = t == 0 ? replay.last_rows[layer][head] : replay.full[t - 1].attention[layer][head];
        const Mass mass =
            naiveMass(row, tokens, decision.kept(LayerIndex{layer}, head / (config.query_heads / decision.heads)));
        EXPECT_NEAR(track.rows.retained[cell], mass.kept, 1e-5) << t << ' ' << layer << ' ' << head;
        EXPECT_NEAR(track.rows.oracle[cell], mass.best, 1e-5) << t << ' ' << layer << ' ' << head;
      }
}

// The attended keys of one step and head against the oracle's row over all positions (0: not visible). Neighbours in
// rank that differ by less than float precision may come in either order.
void expectBest(const Attended& attended, std::size_t cell, const std::vector<double>& row) {
  std::vector<std::pair<double, TokenIndex>> order;
  for (TokenIndex j = 0; j < row.size(); ++j)
    if (row[j] > 0) order.emplace_back(row[j], j);
  std::ranges::stable_sort(order, std::greater<>{}, [](const auto& entry) { return entry.first; });
  for (std::size_t k = 0; k < kAttendedKeys; ++k) {
    const TokenIndex position = attended.positions[cell + k];
    const float mass = attended.mass[cell + k];
    if (k >= order.size()) {
      EXPECT_EQ(position, trace::kNoToken) << k;
      EXPECT_EQ(mass, 0.0F) << k;
      continue;
    }
    ASSERT_LT(position, row.size()) << k;
    EXPECT_NEAR(mass, row[position], 1e-5) << k;
    EXPECT_NEAR(mass, order[k].first, 1e-5) << k;
    const bool alone = (k == 0 || order[k - 1].first - order[k].first > 1e-5) &&
                       (k + 1 >= order.size() || order[k].first - order[k + 1].first > 1e-5);
    if (alone) {
      EXPECT_EQ(position, order[k].second) << k;
    }
  }
}

// steps[t − 1]: the oracle's attention when it chose token t.
void expectAttended(const DecodeTrack& track, const std::vector<Rows>& last_rows, const std::vector<NaiveStep>& steps,
                    const ModelConfig& config) {
  const std::size_t per_step = std::size_t{config.layers} * config.query_heads;
  ASSERT_EQ(track.rows.attended.positions.size(), track.ids.size() * per_step * kAttendedKeys);
  ASSERT_EQ(track.rows.attended.mass.size(), track.rows.attended.positions.size());
  ASSERT_EQ(steps.size() + 1, track.ids.size());
  for (std::size_t t = 0; t < track.ids.size(); ++t)
    for (std::uint32_t layer = 0; layer < config.layers; ++layer)
      for (std::uint32_t head = 0; head < config.query_heads; ++head) {
        SCOPED_TRACE(testing::Message() << "step " << t << ", layer " << layer << ", head " << head);
        expectBest(track.rows.attended, (t * per_step + layer * config.query_heads + head) * kAttendedKeys,
                   t == 0 ? last_rows[layer][head] : steps[t - 1].attention[layer][head]);
      }
}

void expectTrack(const Decoder& decoder, const PrefillResult& prefill, const SessionResult& result, std::size_t b,
                 const Replay& replay, std::uint64_t tokens, Follow follow) {
  const DecodeTrack &full = result.tracks[0], &track = result.tracks[b];
  NaiveBranch naive(decoder, prefill, result.branches[b].decision, tokens);
  ASSERT_FALSE(track.ids.empty());
  EXPECT_EQ(track.ids[0], full.ids[0]);
  EXPECT_EQ(track.kl[0], 0.0F);
  bool together = true;
  std::vector<NaiveStep> steps;
  for (std::size_t t = 1; t < track.ids.size(); ++t) {
    const NaiveStep step = naive.feed(follow == Follow::Full ? full.ids[t - 1] : track.ids[t - 1]);
    EXPECT_EQ(track.ids[t], std::ranges::max_element(step.logits) - step.logits.begin())
        << result.branches[b].label << " step " << t;
    together = follow == Follow::Full || (together && t <= full.ids.size() && track.ids[t - 1] == full.ids[t - 1]);
    if (together && t - 1 < replay.full.size())
      EXPECT_NEAR(track.kl[t], naiveKl(replay.full[t - 1].logits, step.logits), 2e-5) << t;
    else
      EXPECT_TRUE(std::isnan(track.kl[t])) << t;
    steps.push_back(step);
  }
  expectAttended(track, replay.last_rows, steps, decoder.config());
}

TEST_P(Branches, AgreeWithEachDecodedAlone) {
  const auto& [model, follow, granularity] = GetParam();
  const Golden golden = loadGolden(model);
  const std::vector<TokenId>& ids = longestPrompt(golden);
  const ScratchFolder scratch;
  SessionOptions options = optionsFor(model, scratch.write("ids.txt", joined(ids)),
                                      {"streamingllm", "h2o", "snapkv:kernel=3", "pyramidkv"}, {"12", "50%"});
  options.follow = follow;
  options.granularity = granularity;
  Session session(options, {});
  session.loadWeights({});
  session.watchAttended();
  const SessionResult result = session.run({});
  ASSERT_EQ(result.branches.size(), 9U);
  ASSERT_EQ(result.tracks.size(), 9U);

  const Decoder decoder = Decoder::load(modelFolder(model), {}, {});
  const PrefillResult prefill = decoder.prefill(ids, nullptr, {});
  Replay replay{.last_rows = lastPromptRows(decoder, ids)};
  NaiveBranch full(decoder, prefill, result.branches[0].decision, ids.size());
  for (std::size_t t = 1; t < result.tracks[0].ids.size(); ++t)
    replay.full.push_back(full.feed(result.tracks[0].ids[t - 1]));
  EXPECT_TRUE(result.tracks[0].kl.empty());
  EXPECT_TRUE(result.tracks[0].rows.retained.empty());
  expectAttended(result.tracks[0], replay.last_rows, replay.full, decoder.config());
  for (std::size_t b = 1; b < result.branches.size(); ++b) {
    SCOPED_TRACE(result.branches[b].label);
    expectTrack(decoder, prefill, result, b, replay, ids.size(), follow);
    expectMass(result.tracks[b], result.branches[b].decision, replay, decoder.config(), ids.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Sessions, Branches,
                         testing::Values(Case{"llama2-gqa", Follow::Full, policy::Granularity::KvHead},
                                         Case{"llama2-gqa", Follow::Own, policy::Granularity::QueryHead},
                                         Case{"mistral-window", Follow::Full, policy::Granularity::KvHead},
                                         Case{"mistral-window", Follow::Own, policy::Granularity::KvHead},
                                         Case{"llama1-mha", Follow::Own, policy::Granularity::KvHead},
                                         Case{"dynamic", Follow::Full, policy::Granularity::QueryHead}),
                         [](const auto& test) {
                           std::string name =
                               std::string(test.param.model) + (test.param.follow == Follow::Own ? "Own" : "Full") +
                               (test.param.granularity == policy::Granularity::KvHead ? "KvHead" : "QueryHead");
                           std::erase(name, '-');
                           return name;
                         });

// The same rows computed differently: prompt and generated tokens as one prompt, whose last query chose the last token.
TEST(Session, TheFullCacheAttendsAsAPromptOfAllItsTokensWould) {
  for (const char* model : {"llama2-gqa", "mistral-window"}) {
    const Golden golden = loadGolden(model);
    const ScratchFolder scratch;
    std::vector<TokenId> ids = longestPrompt(golden);
    Session session(optionsFor(model, scratch.write("ids.txt", joined(ids)), {}, {}), {});
    session.loadWeights({});
    session.watchAttended();
    const SessionResult result = session.run({});
    ASSERT_EQ(result.tracks.size(), 1U);
    const DecodeTrack& track = result.tracks[0];
    const ModelConfig& config = session.config();
    for (std::size_t t = 0; t < track.ids.size(); ++t) {
      const std::vector<Rows> rows = lastPromptRows(session.decoder(), ids);
      for (std::uint32_t layer = 0; layer < config.layers; ++layer)
        for (std::uint32_t head = 0; head < config.query_heads; ++head)
          expectBest(track.rows.attended,
                     ((t * config.layers + layer) * config.query_heads + head) * std::size_t{kAttendedKeys},
                     rows[layer][head]);
      ids.push_back(track.ids[t]);
    }
  }
}

TEST(Session, NotesAttendedKeysOnlyWhenAsked) {
  const Golden golden = loadGolden("llama2-gqa");
  const ScratchFolder scratch;
  Session session(optionsFor("llama2-gqa", scratch.write("ids.txt", joined(golden.runs[0].ids)), {"snapkv"}, {"12"}),
                  {});
  session.loadWeights({});
  for (const DecodeTrack& track : session.run({}).tracks) EXPECT_TRUE(track.rows.attended.positions.empty());
}

TEST(Session, FullCacheGivesTransformersGreedyTokens) {
  for (const char* model : {"llama31-scaling", "mistral-window", "bf16"}) {
    const Golden golden = loadGolden(model);
    const ScratchFolder scratch;
    for (const GoldenRun& run : golden.runs) {
      SessionOptions options = optionsFor(model, scratch.write("ids.txt", joined(run.ids)), {}, {"100%"});
      options.max_new_tokens = static_cast<std::uint32_t>(run.greedy.size());
      Session session(options, {});
      session.loadWeights({});
      // Ours stops at the end token; the golden continuation was generated past it.
      auto expected = run.greedy;
      const auto& ends = session.config().eos_ids;
      const auto end = std::ranges::find_first_of(expected, ends);
      if (end != expected.end()) expected.erase(end + 1, expected.end());
      EXPECT_EQ(session.run({}).tracks[0].ids, expected) << model;
    }
  }
}

TEST(Session, ABudgetOfEverythingIsTheFullCache) {
  const Golden golden = loadGolden("llama2-gqa");
  const ScratchFolder scratch;
  Session session(optionsFor("llama2-gqa", scratch.write("ids.txt", joined(golden.runs[0].ids)),
                             {"snapkv", "pyramidkv", "h2o", "streamingllm"}, {"100%"}),
                  {});
  session.loadWeights({});
  const SessionResult result = session.run({});
  for (std::size_t b = 1; b < result.tracks.size(); ++b) {
    EXPECT_EQ(result.tracks[b].ids, result.tracks[0].ids);
    for (const float kl : result.tracks[b].kl) EXPECT_NEAR(kl, 0, 1e-9);
    for (const float mass : result.tracks[b].rows.retained) EXPECT_NEAR(mass, 1, 1e-5);
  }
}

TEST(Session, RefusesBudgetsNotAboveTheWindowBeforeWeightsAreRead) {
  const ScratchFolder scratch;
  const auto ids = scratch.write("ids.txt", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16");
  EXPECT_THROW(Session(optionsFor("llama2-gqa", ids, {"snapkv"}, {"4"}), {}), UsageError);
  EXPECT_THROW(Session(optionsFor("llama2-gqa", ids, {"snapkv"}, {"10%"}), {}), UsageError);
}

TEST(Session, NamesIdsOutsideTheVocabulary) {
  const ScratchFolder scratch;
  const auto ids = scratch.write("ids.txt", "1 2 999999");
  try {
    Session session(optionsFor("llama2-gqa", ids, {}, {"100%"}), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("999999 at position 2"), std::string::npos) << error.what();
  }
}

TEST(Session, SharesAModelAndEndsBranchesWhereTheTestSays) {
  const Golden golden = loadGolden("llama2-gqa");
  const ScratchFolder scratch;
  const SessionOptions options =
      optionsFor("llama2-gqa", scratch.write("ids.txt", joined(golden.runs[0].ids)), {"snapkv"}, {"50%"});
  const auto model = openModel(options);
  const PreparedPrompt prompt = preparePrompt(options.prompt, model->folder, model->config, model->tokenizer);
  Session whole(options, model, prompt, {}), cut(options, model, prompt, {});
  whole.loadWeights({});
  ASSERT_TRUE(model->decoder.has_value());
  cut.setFinished([](std::span<const TokenId> ids) { return ids.size() == 3; });
  const SessionResult expected = whole.run({}), result = cut.run({});
  for (std::size_t b = 0; b < expected.tracks.size(); ++b) {
    const auto& ids = expected.tracks[b].ids;
    ASSERT_GT(ids.size(), 3U);
    EXPECT_EQ(result.tracks[b].ids, std::vector<TokenId>(ids.begin(), ids.begin() + 3));
  }
}

TEST(Session, StopsWhenAsked) {
  const Golden golden = loadGolden("llama2-gqa");
  const ScratchFolder scratch;
  SessionOptions options =
      optionsFor("llama2-gqa", scratch.write("ids.txt", joined(golden.runs[0].ids)), {"snapkv"}, {"50%"});
  options.max_new_tokens = 1000000;
  Session session(options, {});
  session.loadWeights({});
  std::stop_source source;
  std::size_t tokens = 0;
  EXPECT_THROW((void)session.run({.stop = source.get_token()},
                                 [&](std::size_t, TokenId) {
                                   if (++tokens == 5) source.request_stop();
                                 }),
               Cancelled);
  EXPECT_LE(tokens, 8U);
}

}  // namespace
}  // namespace kvatlas::capture::test
