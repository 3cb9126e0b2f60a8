// Scores and choices of the methods on real layers against kvpress (tests/data/methods/make_kvpress_goldens.py): two
// tiny models, 160 and 400 tokens.
#include <ATen/ops/empty.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "capture/model/decoder.h"
#include "capture/session/branches.h"
#include "capture/session/signals/reconstruction.h"
#include "capture/session/signals/signal_collector.h"
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

std::vector<float> goldenValues(const char* name = "kvpress.f32") {
  const auto path = kData / "methods" / name;
  std::vector<float> values(std::filesystem::file_size(path) / sizeof(float));
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

// kvpress keeps half of the tokens where a score depends on the budget; its SnapKV has its own kernel and pooling.
policy::Setting settingOf(const policy::MethodRequest& request, const ModelConfig& config, std::uint32_t tokens,
                          std::uint64_t budget, std::uint32_t window = kWindow) {
  return policy::makeSetting(request, {config.layers, config.query_heads, config.kv_heads, tokens},
                             policy::parseBudget(std::to_string(budget)), policy::Granularity::KvHead,
                             policy::Preset::Kvpress, window);
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
    StatisticsRequest statistics = requestFor(std::span(&request, 1), setting.window, false);
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

// The name of a head table in a golden's method becomes a path.
std::string withFolder(std::string method) {
  const std::size_t at = method.find("heads=");
  if (at != std::string::npos) method.insert(at + 6, (kData / "methods/").string());
  return method;
}

// AdaKV's heads, ChunkKV's chunks, SimLayerKV's layers and others: the same positions, layer by layer.
TEST_F(MethodScores, ChoicesEqualKvpress) {
  int compared = 0;
  for (const auto& row : readJsonFile(kData / "methods/kvpress.json")) {
    if (!row.contains("kept")) continue;
    const std::string name = row["model"], method = withFolder(row["method"]);
    const std::uint32_t tokens = row["tokens"];
    SCOPED_TRACE(name + " " + std::to_string(tokens) + " " + method);
    const policy::MethodRequest request = policy::parseMethod(method);
    const bool by_head = row["kept"][0][0].is_array();
    const std::uint64_t budget = row.value("budget", by_head ? tokens / 4 : row["kept"][0].size());
    const policy::Setting setting =
        settingOf(request, decoder(name).config(), tokens, budget, row.value("window", kWindow));
    const std::vector<LayerSignals> signals = signalsOf(name, tokens, request, setting);
    const policy::Decision decision = policy::decide(*request.method, setting, signals);
    for (std::size_t layer = 0; layer < row["kept"].size(); ++layer) {
      if (row.contains("lazy")) {  // the last query's share of the first and the recent tokens
        EXPECT_NEAR(1 - policy::scoreLayer(*request.method, setting, LayerIndex(layer), signals[layer]).facts.at(0),
                    row["lazy"][layer].get<double>(), 4e-5);  // window rows are u16 log₂ codes
      }
      const auto& kept = row["kept"][layer];
      for (std::uint32_t head = 0; head < decision.heads; ++head)
        EXPECT_THAT(decision.kept(LayerIndex(layer), head),
                    testing::ElementsAreArray((by_head ? kept[head] : kept).get<std::vector<TokenIndex>>()))
            << "layer " << layer << " head " << head;
      ++compared;
    }
  }
  EXPECT_GE(compared, 90);
}

// A second pass over the prompt, chunk by chunk (tests/data/methods/make_kvzip_goldens.py): scores of all keys, and
// what one ranking over all heads of all layers keeps.
TEST_F(MethodScores, ReconstructionEqualsKvpress) {
  const std::vector<float> values = goldenValues("kvzip.f32");
  std::size_t at = 0;
  for (const auto& row : readJsonFile(kData / "methods/kvzip.json")) {
    const std::string name = row["model"], method = row["method"];
    const std::uint32_t tokens = row["tokens"];
    SCOPED_TRACE(name + " " + std::to_string(tokens) + " " + method);
    const Decoder& model = decoder(name);
    const std::vector<TokenId> ids = idsOf(tokens);
    const policy::MethodRequest request = policy::parseMethod(method);
    const policy::Setting setting = settingOf(request, model.config(), tokens, tokens / 4);
    const PrefillResult prefill = model.prefill(ids, nullptr, m_work);
    const policy::SignalParameters parameters = policy::signalParameters(*request.method, setting);
    const std::vector<std::vector<float>> layers =
        reconstruct(model,
                    {.ids = ids,
                     .cache = prefill.cache,
                     .request = {row["ask"], row["ask_later"], row["suffix"]},
                     .chunk = static_cast<std::uint32_t>(std::stoul(parameters.at("reconstruction.chunk"))),
                     .sinks = static_cast<std::uint32_t>(std::stoul(parameters.at("reconstruction.sinks")))},
                    m_work);
    std::vector<LayerSignals> signals(layers.size());
    ASSERT_EQ(layers.size(), row["layers"]);
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
      for (const float mine : layers[layer]) ASSERT_NEAR(mine, values[at++], 1e-5) << "layer " << layer;
      signals[layer][Signal::Reconstruction] = layers[layer];
    }
    const policy::Decision decision = policy::decide(*request.method, setting, signals);
    for (std::uint32_t layer = 0; layer < layers.size(); ++layer)
      for (std::uint32_t head = 0; head < decision.heads; ++head)
        EXPECT_THAT(decision.kept(LayerIndex(layer), head),
                    testing::ElementsAreArray(row["kept"][layer][head].get<std::vector<TokenIndex>>()))
            << "layer " << layer << " head " << head;
  }
  EXPECT_EQ(at, values.size());
  EXPECT_GT(at, 0U);
}

// A published selector's choice on the same queries and keys: positions whose scores tie may come either way.
void expectSameChoice(const policy::LayerScores& scores, std::uint32_t head, std::vector<TokenIndex> ours,
                      std::vector<TokenIndex> theirs) {
  EXPECT_EQ(ours.size(), theirs.size());
  if (ours == theirs || scores.values.empty()) {
    EXPECT_EQ(ours, theirs);
    return;
  }
  const auto sorted = [&](const std::vector<TokenIndex>& kept) {
    std::vector<float> of;
    for (const TokenIndex position : kept)
      of.push_back(position < scores.candidates ? scores.head(head)[position] : std::numeric_limits<float>::max());
    std::ranges::sort(of);
    return of;
  };
  const std::vector<float> a = sorted(ours), b = sorted(theirs);
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) EXPECT_NEAR(a[i], b[i], 1e-5F * std::abs(b[i]));
}

// Selectors of KVCache-Factory, run as they are (tests/data/methods/make_factory_goldens.py), from queries and keys to
// positions, in both granularities.
TEST(FactorySelectors, KeepWhatTheirCodeKeeps) {
  const std::vector<float> values = goldenValues("factory.f32");
  int compared = 0;
  std::set<std::string> methods;
  for (const auto& row : readJsonFile(kData / "methods/factory.json")) {
    std::string method = row["method"];
    const std::string granularity = row["granularity"];
    const std::uint32_t tokens = row["tokens"], window = row["window"];
    SCOPED_TRACE(method + " " + granularity + " " + std::to_string(tokens));
    if (method.starts_with("headkv")) method += ",heads=" + (kData / "methods/factory_heads.json").string();
    const std::uint32_t layers = row["layers"];
    ModelConfig config{
        .layers = layers, .query_heads = row["query_heads"], .kv_heads = row["kv_heads"], .head_dim = row["dim"]};
    std::size_t at = row["at"];
    const auto tensor = [&](std::int64_t heads) {
      const std::int64_t count = heads * tokens * config.head_dim;
      const at::Tensor of = at::empty({heads, tokens, config.head_dim}, at::kFloat);
      std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(at), count, of.mutable_data_ptr<float>());
      at += static_cast<std::size_t>(count);
      return of;
    };
    LayerAttention attention{.layer = LayerIndex(0)};
    attention.query = tensor(config.query_heads);
    attention.key = tensor(config.kv_heads);
    attention.value = tensor(config.kv_heads);
    const policy::MethodRequest request = policy::parseMethod(method);
    const policy::Setting setting =
        policy::makeSetting(request, {layers, config.query_heads, config.kv_heads, tokens},
                            policy::parseBudget(std::to_string(row["budget"].get<int>())),
                            granularity == "kv-head" ? policy::Granularity::KvHead : policy::Granularity::QueryHead,
                            policy::Preset::Paper, window);
    StatisticsRequest statistics = requestFor(std::span(&request, 1), window, false);
    statistics.parameters = policy::signalParameters(*request.method, setting);
    const LayerStatistics measured = measureLayer(attention, config, statistics, 1);
    const std::vector<LayerSignals> signals(layers, viewOf(measured.values));
    const policy::LayerScores scores = policy::scoreLayer(*request.method, setting, LayerIndex(0), signals[0]);
    const policy::Decision decision = policy::decide(*request.method, setting, signals);
    for (std::uint32_t layer = 0; layer < layers; ++layer)
      for (std::uint32_t head = 0; head < decision.heads; ++head) {
        SCOPED_TRACE("layer " + std::to_string(layer) + " head " + std::to_string(head));
        const auto kept = decision.kept(LayerIndex(layer), head);
        expectSameChoice(scores, head, {kept.begin(), kept.end()},
                         row["kept"][row["kept"].size() == 1 ? 0 : layer][head].get<std::vector<TokenIndex>>());
      }
    methods.insert(std::string(request.method->name));
    ++compared;
  }
  EXPECT_EQ(methods.size(), 10U);
  EXPECT_GT(compared, 50);
}

}  // namespace
}  // namespace kvatlas::capture
