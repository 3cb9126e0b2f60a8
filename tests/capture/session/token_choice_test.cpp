// Which token a branch takes, and which end token ends it.
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "capture/session/branch_store.h"
#include "capture/session/decode_loop.h"
#include "capture/session/session.h"
#include "core/base/files.h"
#include "tests/capture/model/golden.h"

namespace kvatlas::capture::test {
namespace {

constexpr std::int64_t kVocabulary = 16;

// The first token of a full cache alone comes from the prompt's logits.
TokenId firstToken(const at::Tensor& logits) {
  ModelConfig config;
  config.layers = 1;
  config.query_heads = config.kv_heads = 1;
  config.head_dim = config.hidden_size = config.intermediate_size = 8;
  config.vocab_size = kVocabulary;
  config.max_positions = 64;
  const Decoder decoder = Decoder::random(config, {});
  std::vector<cache::HeldTokens> held{cache::HeldTokens(1, 1, 4)};
  const auto store = makeBranchStore({.config = config, .held = held, .reserve = {1}, .threads = 1}, false);
  std::vector<Branch> branches(1);
  branches[0].request = policy::parseMethod("full");
  EntryForms forms({.config = config, .branches = branches, .held = held, .store = *store, .query_squares = {}});
  const policy::SignalParameters parameters;
  const DecodeStart start{.held = held,
                          .redeciders = {},
                          .parameters = parameters,
                          .store = *store,
                          .forms = forms,
                          .next_logits = logits,
                          .last_row = {},
                          .prompt_tokens = 4,
                          .question = {}};
  return decodeBranches(decoder, start, {.max_new_tokens = 1, .threads = 1, .measure = false}, {}).at(0).ids.at(0);
}

TEST(TokenChoice, TheLowestOfEqualLogits) {
  at::Tensor logits = at::full({kVocabulary}, -1.0, at::kFloat);
  float* const values = logits.mutable_data_ptr<float>();
  EXPECT_EQ(firstToken(logits), 0U);
  values[3] = values[7] = values[15] = 2;
  EXPECT_EQ(firstToken(logits), 3U);
  values[0] = values[8] = NAN;
  EXPECT_EQ(firstToken(logits), 3U);
}

// A copy of a model whose only end token is `id`.
std::filesystem::path endingWith(TokenId id, const char* model, const ScratchFolder& scratch) {
  const auto folder = scratch.path() / "model";
  std::filesystem::copy(modelFolder(model), folder, std::filesystem::copy_options::recursive);
  std::filesystem::remove(folder / "generation_config.json");
  nlohmann::json config = readJsonFile(folder / "config.json");
  config["eos_token_id"] = id;
  std::ofstream(folder / "config.json") << config;
  return folder;
}

SessionResult followFull(const std::filesystem::path& model, const ScratchFolder& scratch) {
  std::string ids;
  for (int i = 0; i < 60; ++i) ids += std::to_string((i * 7919 + 13) % 61) + " ";
  SessionOptions options{.model = model};
  options.prompt.ids_file = scratch.write("ids.txt", ids);
  for (const char* method : {"streamingllm", "random"}) options.methods.push_back(policy::parseMethod(method));
  options.budgets = {policy::parseBudget("6")};
  options.window = 4;
  options.max_new_tokens = 24;
  options.follow = Follow::Full;
  options.device = "cpu";
  options.threads = 1;
  Session session(options, {});
  session.loadWeights({});
  return session.run({});
}

// With Follow::Full a branch's own choice is only recorded: its end token does not end it, the full cache's does.
TEST(TokenChoice, FollowingTheFullCacheABranchDoesNotEndWithItsOwnEndToken) {
  const ScratchFolder scratch;
  constexpr TokenId kNever = 0;
  const SessionResult endless = followFull(endingWith(kNever, "llama2-gqa", scratch), scratch);
  const std::vector<TokenId>& full = endless.tracks[0].ids;
  ASSERT_EQ(full.size(), 24U);
  const auto ownChoice = [&](const DecodeTrack& track) {
    return std::find_if(track.ids.begin(), track.ids.end() - 1,
                        [&](TokenId id) { return std::ranges::find(full, id) == full.end(); });
  };
  const auto track = std::find_if(endless.tracks.begin() + 1, endless.tracks.end(),
                                  [&](const DecodeTrack& one) { return ownChoice(one) != one.ids.end() - 1; });
  ASSERT_NE(track, endless.tracks.end()) << "no branch chooses a token of its own before the end";

  const ScratchFolder other;
  const SessionResult ending = followFull(endingWith(*ownChoice(*track), "llama2-gqa", other), other);
  for (std::size_t b = 0; b < endless.tracks.size(); ++b) EXPECT_EQ(ending.tracks[b].ids, endless.tracks[b].ids);

  // One that the full cache chooses ends all.
  const ScratchFolder third;
  const SessionResult ended = followFull(endingWith(full[5], "llama2-gqa", third), third);
  const auto first = static_cast<std::size_t>(std::ranges::find(full, full[5]) - full.begin());
  for (const DecodeTrack& one : ended.tracks) EXPECT_EQ(one.ids.size(), first + 1);
}

}  // namespace
}  // namespace kvatlas::capture::test
