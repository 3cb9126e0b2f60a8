// The decoder's observer, progress, stop requests, errors and determinism.
#include "capture/model/decoder.h"
#include "capture/model/products.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/item.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/max.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/repeat_interleave.h>
#include <ATen/ops/sum.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

#include "core/base/error.h"
#include "tests/capture/model/golden.h"
#include "tests/capture/model/naive_decoder.h"

namespace kvatlas::capture::test {
namespace {

std::vector<TokenId> promptOf(std::size_t count, TokenId vocab = 64) {
  std::vector<TokenId> ids(count);
  for (std::size_t i = 0; i < count; ++i) ids[i] = static_cast<TokenId>((i * i * 7 + i * 3 + 5) % vocab);
  return ids;
}

class Recorder : public AttentionObserver {
 public:
  explicit Recorder(std::set<std::size_t> wanted = {0, 1, 2, 3, 4, 5}) : m_wanted(std::move(wanted)) {}
  [[nodiscard]] bool wants(LayerIndex layer) const override { return m_wanted.contains(layer.value); }
  void onAttention(const LayerAttention& attention) override { seen.push_back(attention); }
  std::vector<LayerAttention> seen;

 private:
  std::set<std::size_t> m_wanted;
};

double worstError(const at::Tensor& ours, const std::vector<Matrix>& naive) {
  double worst = ours.is_contiguous() &&
                         ours.numel() == static_cast<std::int64_t>(naive.size() * naive[0].size() * naive[0][0].size())
                     ? 0
                     : INFINITY;
  const float* value = ours.const_data_ptr<float>();
  for (const Matrix& head : naive)
    for (const std::vector<double>& row : head)
      for (const double expected : row) {
        const double error = std::abs(*value++ - expected) / (1 + std::abs(expected));
        if (!(error <= worst)) worst = error;
      }
  return worst;
}

class ObservedModel : public testing::TestWithParam<const char*> {
 private:
  OneThread m_one_thread;
};

TEST_P(ObservedModel, SeesWhatDoublePrecisionComputes) {
  const std::vector<TokenId> ids = promptOf(70);
  const std::vector<NaiveLayer> naive = naiveForward(modelFolder(GetParam()), ids);
  for (const std::int64_t chunk :
       {std::int64_t{1024}, std::int64_t{70}, std::int64_t{69}, std::int64_t{16}, std::int64_t{1}}) {
    Recorder recorder;
    const PrefillResult result =
        Decoder::load(modelFolder(GetParam()), {.row_chunk = chunk}, {}).prefill(ids, &recorder, {});
    ASSERT_EQ(recorder.seen.size(), naive.size());
    ASSERT_EQ(result.cache.size(), naive.size());
    for (std::size_t i = 0; i < naive.size(); ++i) {
      SCOPED_TRACE(testing::Message() << "layer " << i << ", chunks of " << chunk);
      const LayerAttention& seen = recorder.seen[i];
      EXPECT_EQ(seen.layer.value, i);
      EXPECT_LE(worstError(seen.query, naive[i].query), 1e-5);
      EXPECT_LE(worstError(seen.key, naive[i].key), 1e-5);
      EXPECT_LE(worstError(seen.value, naive[i].value), 1e-5);
      EXPECT_LE(worstError(seen.lse, {naive[i].lse}), 1e-5);
      EXPECT_TRUE(at::equal(result.cache[i].key, seen.key));
      EXPECT_TRUE(at::equal(result.cache[i].value, seen.value));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, ObservedModel,
                         testing::Values("llama1-mha", "llama2-gqa", "llama3-theta", "biases", "mistral-window",
                                         "bf16"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(Observer, IsOnlyCalledForLayersItWants) {
  const Decoder decoder = Decoder::load(modelFolder("llama2-gqa"), {}, {});
  Recorder middle(std::set<std::size_t>{1}), none(std::set<std::size_t>{});
  const PrefillResult a = decoder.prefill(promptOf(20), &middle, {});
  const PrefillResult b = decoder.prefill(promptOf(20), &none, {});
  ASSERT_EQ(middle.seen.size(), 1U);
  EXPECT_EQ(middle.seen[0].layer.value, 1U);
  EXPECT_TRUE(none.seen.empty());
  EXPECT_TRUE(at::equal(a.next_logits, b.next_logits));
}

// A prompt's numbers do not depend on how its rows are divided among how many threads.
TEST(Decoder, ThreadsAndChunksDoNotChangeABit) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    if (!packable(type)) continue;  // the library's own products may divide a row's sum by threads
    const auto prefill = [&](const LoadOptions& options) {
      return Decoder::load(modelFolder("llama2-gqa"), options, {}).prefill(promptOf(150), nullptr, {});
    };
    const PrefillResult one = prefill({.dtype = type, .threads = 1});
    for (const unsigned threads : {2U, 3U})
      for (const std::int64_t chunk : {0, 1, 7, 64}) {
        const PrefillResult other = prefill({.dtype = type, .row_chunk = chunk, .threads = threads});
        EXPECT_TRUE(at::equal(other.next_logits, one.next_logits)) << threads << " threads, chunk " << chunk;
        EXPECT_TRUE(at::equal(other.cache.back().value, one.cache.back().value));
      }
  }
}

// Of the causal logits in double precision.
at::Tensor logSumExp(const LayerAttention& layer) {
  const std::int64_t group = layer.query.size(0) / layer.key.size(0);
  const at::Tensor keys = layer.key.to(at::kDouble).repeat_interleave(group, 0);
  const at::Tensor logits = at::matmul(layer.query.to(at::kDouble), keys.transpose(1, 2)) /
                            std::sqrt(static_cast<double>(layer.query.size(2)));
  const at::Tensor future = at::ones(logits.sizes(), at::kBool).triu(1);
  return logits.masked_fill(future, -std::numeric_limits<double>::infinity()).logsumexp(at::IntArrayRef{-1});
}

TEST(Observer, Of16BitComputeGetsItsTypeAndAnExactLogSumExp) {
  for (const at::ScalarType type : {at::kBFloat16, at::kHalf}) {
    const Decoder decoder = Decoder::load(modelFolder("bf16"), {.dtype = type}, {});
    Recorder recorder;
    const PrefillResult result = decoder.prefill(promptOf(20), &recorder, {});
    ASSERT_EQ(recorder.seen.size(), 2U);
    EXPECT_EQ(recorder.seen[0].query.scalar_type(), type);
    EXPECT_EQ(recorder.seen[0].value.scalar_type(), type);
    EXPECT_LE((recorder.seen[0].lse - logSumExp(recorder.seen[0])).abs().max().item<float>(), 1e-5);
    EXPECT_EQ(result.next_logits.scalar_type(), at::kFloat);
    const at::Tensor exact = Decoder::load(modelFolder("bf16"), {}, {}).prefill(promptOf(20), nullptr, {}).next_logits;
    EXPECT_LE((exact - result.next_logits).abs().max().item<float>(),
              (type == at::kHalf ? 0.01F : 0.08F) * exact.abs().max().item<float>());
  }
}

TEST(Prefill, LastLogitsAreThoseOfAllPositions) {
  for (const char* name : {"llama32-tied", "mistral-window"}) {
    const Decoder decoder = Decoder::load(modelFolder(name), {.row_chunk = 16}, {});
    const std::vector<TokenId> ids = promptOf(50);
    const at::Tensor last = decoder.prefill(ids, nullptr, {}).next_logits, all = decoder.allLogits(ids)[49];
    EXPECT_EQ(last.sizes(), all.sizes());
    EXPECT_LE((last - all).abs().max().item<float>(), 1e-5F * all.abs().max().item<float>());
  }
}

TEST(Prefill, IsRepeatableBitForBit) {
  const std::vector<TokenId> ids = promptOf(300);
  const auto run = [&] { return Decoder::load(modelFolder("mistral-window"), {}, {}).prefill(ids, nullptr, {}); };
  const PrefillResult a = run(), b = run();
  EXPECT_TRUE(at::equal(a.next_logits, b.next_logits));
  for (std::size_t i = 0; i < a.cache.size(); ++i) {
    EXPECT_TRUE(at::equal(a.cache[i].key, b.cache[i].key));
    EXPECT_TRUE(at::equal(a.cache[i].value, b.cache[i].value));
  }
}

TEST(Prefill, PassesNanOn) {
  const ScratchFolder folder;
  std::filesystem::copy(modelFolder("llama2-gqa"), folder.path(), std::filesystem::copy_options::recursive);
  std::fstream file(folder.path() / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-4, std::ios::end);
  file.write("\xff\xff\xff\xff", 4);
  file.close();
  const at::Tensor logits = Decoder::load(folder.path(), {}, {}).prefill(promptOf(5), nullptr, {}).next_logits;
  EXPECT_TRUE(std::isnan(logits.sum().item<float>()));
}

TEST(Step, ABatchIsItsRowsOneByOne) {
  const Decoder decoder = Decoder::load(modelFolder("llama31-scaling"), {}, {});
  const std::vector<TokenId> ids{3, 9, 27, 17};
  const std::vector<std::uint64_t> positions{0, 77, 5, 300};
  // An attention that mixes query, key and value of a row, so that an error in any of them shows.
  const StepAttention attention = [&](LayerIndex, const at::Tensor& query, const at::Tensor& key,
                                      const at::Tensor& value) {
    const std::int64_t group = query.size(1) / key.size(1);
    return query * key.repeat_interleave(group, 1) + value.repeat_interleave(group, 1);
  };
  const at::Tensor batch = decoder.step(ids, positions, 4, attention);
  ASSERT_EQ(batch.sizes(), (std::vector<std::int64_t>{4, 64}));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const at::Tensor one =
        decoder.step(std::span(ids).subspan(i, 1), std::span(positions).subspan(i, 1), 4, attention)[0];
    EXPECT_LE((one - batch[static_cast<std::int64_t>(i)]).abs().max().item<float>(),
              2e-6F * one.abs().max().item<float>());
    EXPECT_TRUE(at::equal(batch, decoder.step(ids, positions, 4, attention)));
  }
}

// Records tasks and requests a stop after the steps of `when` tasks.
class StoppingProgress : public Progress {
 public:
  explicit StoppingProgress(std::uint64_t when = ~0ULL) : m_when(when) {}
  void begin(std::string_view task, std::uint64_t total) override {
    log.push_back(std::string(task) + " " + std::to_string(total));
  }
  void advance(std::uint64_t done) override {
    last = done;
    if (done == m_when) source.request_stop();
  }
  void end() override { log.emplace_back("end"); }
  void warn(std::string_view message) override { log.push_back("warning: " + std::string(message)); }
  [[nodiscard]] WorkContext context() { return {this, source.get_token()}; }

  std::vector<std::string> log;
  std::uint64_t last = 0;
  std::stop_source source;

 private:
  std::uint64_t m_when;
};

TEST(Work, ReportsLayers) {
  StoppingProgress progress;
  const Decoder decoder = Decoder::load(modelFolder("llama2-gqa"), {}, progress.context());
  static_cast<void>(decoder.prefill(promptOf(4), nullptr, progress.context()));
  EXPECT_THAT(progress.log, testing::ElementsAre("loading 3", "end", "prefill 3", "end"));
  EXPECT_EQ(progress.last, 3U);
}

TEST(Work, WarnsOfPromptsBeyondTheModelsPositions) {
  StoppingProgress progress;
  const Decoder decoder = Decoder::load(modelFolder("llama2-gqa"), {}, {});
  static_cast<void>(decoder.prefill(promptOf(513), nullptr, progress.context()));
  ASSERT_EQ(progress.log.size(), 3U);
  EXPECT_THAT(progress.log[0], testing::AllOf(testing::HasSubstr("513"), testing::HasSubstr("512")));
}

TEST(Work, StopsWhileLoading) {
  StoppingProgress progress(1);
  EXPECT_THROW(static_cast<void>(Decoder::load(modelFolder("llama2-gqa"), {}, progress.context())), Cancelled);
  EXPECT_EQ(progress.last, 1U);
}

TEST(Work, StopsWithinAPrefill) {
  const Decoder decoder = Decoder::load(modelFolder("llama2-gqa"), {}, {});
  StoppingProgress progress(1);
  Recorder recorder;
  EXPECT_THROW(static_cast<void>(decoder.prefill(promptOf(30), &recorder, progress.context())), Cancelled);
  EXPECT_EQ(recorder.seen.size(), 1U);
}

TEST(Refusals, NameWhatIsWrong) {
  const Decoder decoder = Decoder::load(modelFolder("llama2-gqa"), {}, {});
  EXPECT_THROW(static_cast<void>(decoder.prefill({}, nullptr, {})), UsageError);
  EXPECT_THROW(static_cast<void>(decoder.allLogits({})), UsageError);
  try {
    static_cast<void>(decoder.prefill(std::vector<TokenId>{3, 64}, nullptr, {}));
    FAIL() << "an id outside the vocabulary was accepted";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("token 1"), testing::HasSubstr("64")));
  }
  const std::vector<TokenId> two{1, 2};
  const std::vector<std::uint64_t> one{0};
  EXPECT_THROW(static_cast<void>(decoder.step(two, one, 1, nullptr)), UsageError);
  EXPECT_THROW(static_cast<void>(Decoder::load(modelFolder("llama2-gqa"), {.row_chunk = -1}, {})), UsageError);
  EXPECT_THROW(static_cast<void>(Decoder::load(modelFolder("llama2-gqa"), {.device = at::kCUDA}, {})), Error);
}

}  // namespace
}  // namespace kvatlas::capture::test
