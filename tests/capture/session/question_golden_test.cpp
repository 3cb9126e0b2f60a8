// A question behind a compressed context against Hugging Face Transformers, whose cache has lost the same entries:
// logits of every token of the question in one pass, and of a greedy answer.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "capture/session/branch_store.h"
#include "core/base/files.h"
#include "tests/capture/model/golden.h"

namespace kvatlas::capture::test {
namespace {

using nlohmann::json;

const std::filesystem::path kFolder = std::filesystem::path(KVATLAS_TEST_DATA) / "question";

struct Case {
  std::string model;
  std::vector<TokenId> context, question, greedy;
  std::vector<std::vector<std::vector<TokenIndex>>> kept;  // [layers][heads][kept]
  std::size_t vocab = 0;
  std::vector<float> logits;  // [question and greedy tokens, vocab]
};

std::vector<Case> loadCases() {
  std::vector<Case> cases;
  const std::string bytes = readFile(kFolder / "golden.f32");
  std::size_t at = 0;
  const json golden = json::parse(readFile(kFolder / "golden.json"));
  for (const json& one : golden.at("cases")) {
    Case& added = cases.emplace_back();
    one.at("model").get_to(added.model);
    one.at("context").get_to(added.context);
    one.at("question").get_to(added.question);
    one.at("greedy").get_to(added.greedy);
    one.at("kept").get_to(added.kept);
    one.at("vocab").get_to(added.vocab);
    added.logits.resize((added.question.size() + added.greedy.size()) * added.vocab);
    std::memcpy(added.logits.data(), bytes.data() + at, added.logits.size() * sizeof(float));
    at += added.logits.size() * sizeof(float);
  }
  EXPECT_EQ(at, bytes.size());
  return cases;
}

policy::Decision decisionOf(const Case& one) {
  policy::Decision decision{.layers = static_cast<std::uint32_t>(one.kept.size()),
                            .heads = static_cast<std::uint32_t>(one.kept.front().size()),
                            .offsets = {0}};
  for (const auto& heads : one.kept)
    for (const auto& list : heads) {
      decision.capacity.push_back(static_cast<std::uint32_t>(list.size()));
      decision.positions.insert(decision.positions.end(), list.begin(), list.end());
      decision.offsets.push_back(decision.positions.size());
    }
  return decision;
}

// One branch beside the full cache, fed step by step.
class Fed {
 public:
  Fed(const Decoder& decoder, const Case& one)
      : m_decoder(decoder),
        m_tokens(static_cast<TokenIndex>(one.context.size())),
        m_held{{decoder.config().layers, decoder.config().kv_heads, m_tokens}, {decisionOf(one), m_tokens}},
        m_rows(decoder.config(), m_held) {
    PrefillResult prefill = decoder.prefill(one.context, nullptr, {});
    m_store = makeBranchStore({.config = decoder.config(), .held = m_held, .reserve = {64, 64}, .threads = 1}, false);
    std::vector<double> seconds(2, 0.0);
    for (const LayerCache& layer : prefill.cache) m_store->gather(layer.key, layer.value, seconds);
  }

  // Logits of the compressed branch, [tokens, vocab].
  [[nodiscard]] at::Tensor feed(std::span<const TokenId> ids, bool question) {
    const auto count = static_cast<std::uint32_t>(ids.size());
    std::vector<TokenId> fed;
    std::vector<std::uint64_t> positions;
    std::vector<std::int64_t> wanted;
    for (cache::HeldTokens& held : m_held) {
      if (question)
        held.appendQuestion(count);
      else
        held.append();
      for (std::uint32_t i = 0; i < count; ++i) positions.push_back(held.nextPosition() - count + i);
      fed.insert(fed.end(), ids.begin(), ids.end());
    }
    for (std::uint32_t i = 0; i < count; ++i) wanted.push_back(count + i);
    const std::vector<std::size_t> batch = {0, 1};
    m_rows.beginStep({}, count);
    m_store->beginStep(batch, {}, count);
    return m_decoder.step(
        fed, positions, m_tokens,
        [&](LayerIndex layer, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
          m_store->append(layer, key, value);
          return m_store->attend(layer, query, m_rows);
        },
        wanted);
  }

 private:
  const Decoder& m_decoder;
  TokenIndex m_tokens;
  std::vector<cache::HeldTokens> m_held;
  WatchedRows m_rows;
  std::unique_ptr<BranchStore> m_store;
};

float largest(const std::vector<float>& values) {
  float most = 0;
  for (const float value : values) most = std::max(most, std::abs(value));
  return most;
}

TEST(QuestionGolden, logitsBehindACompressedContextAreThoseOfTransformers) {
  const OneThread one_thread;
  for (const Case& one : loadCases()) {
    SCOPED_TRACE(one.model);
    const Decoder decoder = Decoder::load(modelFolder(one.model), {}, {});
    Fed fed(decoder, one);
    std::vector<float> logits;
    const auto take = [&](const at::Tensor& rows) {
      const at::Tensor host = rows.contiguous();
      logits.insert(logits.end(), host.const_data_ptr<float>(), host.const_data_ptr<float>() + host.numel());
    };
    take(fed.feed(one.question, true));
    for (const TokenId id : one.greedy) take(fed.feed({&id, 1}, false));
    ASSERT_EQ(logits.size(), one.logits.size());
    float error = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) error = std::max(error, std::abs(logits[i] - one.logits[i]));
    EXPECT_LE(error, 1e-4F * largest(one.logits)) << "of " << largest(one.logits);
  }
}

}  // namespace
}  // namespace kvatlas::capture::test
