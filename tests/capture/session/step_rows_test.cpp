// Rows that are handed on while a prompt decodes, and what is left, are the rows of one piece.
#include "capture/session/step_rows.h"

#include <gtest/gtest.h>

#include <bit>

#include "capture/session/session.h"
#include "core/trace/records.h"

namespace kvatlas::capture::test {
namespace {

// The rows of a track, put together from the blocks that a sink received and what was left.
struct Collected {
  std::vector<StepRows> rows;
  std::size_t blocks = 0;

  explicit Collected(std::size_t branches) : rows(branches) {}
  void add(std::size_t branch, const StepRows& more) {
    const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    append(rows[branch].retained, more.retained);
    append(rows[branch].oracle, more.oracle);
    append(rows[branch].attended.positions, more.attended.positions);
    append(rows[branch].attended.mass, more.attended.mass);
    append(rows[branch].evicted, more.evicted);
  }
};

// Random weights and no end token: answers have the length that is asked for.
std::shared_ptr<LoadedModel> endlessModel() {
  auto model = std::make_shared<LoadedModel>();
  model->config = {.layers = 2,
                   .query_heads = 4,
                   .kv_heads = 2,
                   .head_dim = 8,
                   .hidden_size = 32,
                   .intermediate_size = 32,
                   .vocab_size = 100,
                   .max_positions = 1000};
  model->dtype_name = "f32";
  model->decoder.emplace(Decoder::random(model->config, model->load));
  return model;
}

TEST(StepRows, ComeInBlocks) {
  const auto model = endlessModel();
  SessionOptions options{.window = 4, .max_new_tokens = 150, .threads = 1};
  for (const char* method : {"snapkv", "h2o:every=3"}) options.methods.push_back(policy::parseMethod(method));
  options.budgets.push_back(policy::parseBudget("12"));
  PreparedPrompt prompt{.offsets = std::vector<std::uint64_t>(41, 0)};
  for (TokenId id = 0; id < 40; ++id) prompt.ids.push_back(id * 7 % 100);
  const auto run = [&](Collected* collected) {
    Session session(options, model, prompt, {});
    session.watchAttended();
    if (collected != nullptr)
      session.setStepSink([&](std::size_t answer, std::size_t branch, const StepRows& rows) {
        EXPECT_EQ(answer, 0U);
        const std::size_t per_step = std::size_t{session.config().layers} * session.config().query_heads;
        EXPECT_EQ(rows.attended.mass.size(), trace::kStepBlock * per_step * kAttendedKeys);
        EXPECT_EQ(rows.retained.size(), branch == 0 ? 0U : trace::kStepBlock * per_step);
        ++collected->blocks;
        collected->add(branch, rows);
      });
    return session.run({});
  };
  const SessionResult whole = run(nullptr);
  Collected collected(whole.tracks.size());
  const SessionResult parts = run(&collected);
  std::size_t blocks = 0;
  for (std::size_t b = 0; b < whole.tracks.size(); ++b) {
    const DecodeTrack &expected = whole.tracks[b], &track = parts.tracks[b];
    blocks += expected.ids.size() / trace::kStepBlock;
    collected.add(b, track.rows);
    EXPECT_EQ(track.ids, expected.ids);
    EXPECT_EQ(collected.rows[b].attended.positions, expected.rows.attended.positions);
    EXPECT_EQ(collected.rows[b].attended.mass, expected.rows.attended.mass);
    EXPECT_EQ(collected.rows[b].evicted, expected.rows.evicted);
    // Bit by bit: NaN once the full cache has stopped.
    const auto bits = [](const std::vector<float>& values) {
      std::vector<std::uint32_t> all;
      for (const float value : values) all.push_back(std::bit_cast<std::uint32_t>(value));
      return all;
    };
    EXPECT_EQ(bits(collected.rows[b].retained), bits(expected.rows.retained));
    EXPECT_EQ(bits(collected.rows[b].oracle), bits(expected.rows.oracle));
    EXPECT_EQ(track.mean.retained.count(), expected.mean.retained.count());
    if (b > 0) {
      EXPECT_EQ(track.mean.retained.value(), meanOfMeasured(expected.rows.retained));
      EXPECT_EQ(track.mean.oracle.value(), meanOfMeasured(expected.rows.oracle));
    }
  }
  EXPECT_EQ(blocks, 6U);
  EXPECT_EQ(collected.blocks, blocks);
  EXPECT_FALSE(whole.tracks[2].rows.evicted.empty());
}

}  // namespace
}  // namespace kvatlas::capture::test
