// Scores and choices of the methods on real layers against kvpress (tests/data/methods/make_kvpress_goldens.py): two
// tiny models, 160 and 400 tokens.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "capture/model/decoder.h"
#include "capture/session/branches.h"
#include "capture/session/signal_collector.h"
#include "core/base/files.h"
#include "core/policy/layer_decision.h"

namespace kvatlas::capture {
namespace {

const std::filesystem::path kData = KVATLAS_TEST_DATA;
constexpr std::uint32_t kWindow = 16;

std::vector<TokenId> idsOf(std::uint32_t count) {
  std::vector<TokenId> ids;
  for (std::uint32_t i = 0; i < count; ++i) ids.push_back((7 * i * i + 3 * i + 5) % 61 + 3);
  return ids;
}

std::vector<float> goldenValues() {
  const auto path = kData / "methods/kvpress.f32";
  std::vector<float> values(std::filesystem::file_size(path) / sizeof(float));
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

// kvpress keeps half of the tokens where a score depends on the budget; its SnapKV has its own kernel and pooling.
policy::Setting settingOf(const policy::MethodRequest& request, const ModelConfig& config, std::uint32_t tokens,
                          std::uint64_t budget) {
  return policy::makeSetting(request, {config.layers, config.query_heads, config.kv_heads, tokens},
                             policy::parseBudget(std::to_string(budget)), policy::Granularity::KvHead,
                             policy::Preset::Kvpress, kWindow);
}

class MethodScores : public testing::Test {
 protected:
  const Decoder& decoder(const std::string& name) {
    auto& known = m_decoders[name];
    if (!known) known.emplace(Decoder::load(kData / "models" / name, {}, m_work));
    return *known;
  }
  // Signals of every layer for one method.
  std::vector<LayerSignals> signalsOf(const std::string& name, std::uint32_t tokens,
                                      const policy::MethodRequest& request, const policy::Setting& setting) {
    const Decoder& model = decoder(name);
    StatisticsRequest statistics = requestFor(std::span(&request, 1), kWindow, false);
    statistics.parameters = policy::signalParameters(*request.method, setting);
    m_collector.emplace(model.config(), statistics, 1);
    static_cast<void>(model.prefill(idsOf(tokens), &*m_collector, m_work));
    m_collector->finish();
    return m_collector->signals();
  }

  WorkContext m_work;
  std::map<std::string, std::optional<Decoder>> m_decoders;
  std::optional<SignalCollector> m_collector;
};

// Ours in the unit of kvpress's, which averages over the window where we sum.
double unitOf(const std::string& method) {
  return method == "snapkv" ? 1.0 / kWindow : 1.0;
}

void compareScores(const std::string& method, const policy::LayerScores& ours, std::span<const float> expected,
                   std::uint32_t tokens) {
  const double unit = unitOf(method);
  const float best = *std::ranges::max_element(ours.values);
  float largest = 0;
  for (const float value : expected)
    if (value < 1e30F) largest = std::max(largest, std::abs(value));
  int wrong = 0;
  for (std::uint32_t head = 0; head < ours.heads; ++head)
    for (std::uint32_t j = 0; j < ours.candidates; ++j) {
      const float theirs = expected[std::size_t{head} * tokens + j], mine = ours.head(head)[j];
      // What is chosen in any case has the largest score on both sides.
      const bool chosen = theirs > 1e30F;
      if (chosen ? mine != best : std::abs(mine * unit - theirs) > 2e-5 * std::max(1.0F, largest)) {
        if (++wrong < 4)
          ADD_FAILURE() << "head " << head << " token " << j << ": " << mine * unit << ", not " << theirs;
      }
    }
  EXPECT_EQ(wrong, 0);
}

TEST_F(MethodScores, EqualKvpress) {
  const nlohmann::json rows = readJsonFile(kData / "methods/kvpress.json");
  const std::vector<float> values = goldenValues();
  std::size_t at = 0, compared = 0;
  for (const auto& row : rows) {
    if (row.contains("kept")) continue;
    const std::string name = row["model"], method = row["method"];
    const std::uint32_t tokens = row["tokens"];
    SCOPED_TRACE(name + " " + std::to_string(tokens) + " " + method);
    const policy::MethodRequest request = policy::parseMethod(method);
    const ModelConfig& config = decoder(name).config();
    const policy::Setting setting = settingOf(request, config, tokens, tokens / 2);
    const std::vector<LayerSignals> signals = signalsOf(name, tokens, request, setting);
    for (const std::uint32_t layer : row["layers"]) {
      const std::size_t count = std::size_t{config.kv_heads} * tokens;
      compareScores(method, policy::scoreLayer(*request.method, setting, LayerIndex(layer), signals[layer]),
                    std::span(values).subspan(at, count), tokens);
      at += count;
      ++compared;
    }
  }
  EXPECT_EQ(at, values.size());
  EXPECT_GT(compared, 90U);
}

// AdaKV's heads and ChunkKV's chunks: the same positions, layer by layer.
TEST_F(MethodScores, ChoicesEqualKvpress) {
  int compared = 0;
  for (const auto& row : readJsonFile(kData / "methods/kvpress.json")) {
    if (!row.contains("kept")) continue;
    const std::string name = row["model"], method = row["method"];
    const std::uint32_t tokens = row["tokens"];
    SCOPED_TRACE(name + " " + std::to_string(tokens) + " " + method);
    const policy::MethodRequest request = policy::parseMethod(method);
    const bool by_head = row["kept"][0][0].is_array();
    const std::uint64_t budget = by_head ? tokens / 4 : row["kept"][0].size();
    const policy::Setting setting = settingOf(request, decoder(name).config(), tokens, budget);
    const policy::Decision decision =
        policy::decide(*request.method, setting, signalsOf(name, tokens, request, setting));
    for (std::size_t layer = 0; layer < row["kept"].size(); ++layer) {
      const auto& kept = row["kept"][layer];
      for (std::uint32_t head = 0; head < decision.heads; ++head)
        EXPECT_THAT(decision.kept(LayerIndex(layer), head),
                    testing::ElementsAreArray((by_head ? kept[head] : kept).get<std::vector<TokenIndex>>()))
            << "layer " << layer << " head " << head;
      ++compared;
    }
  }
  EXPECT_GE(compared, 30);
}

}  // namespace
}  // namespace kvatlas::capture
