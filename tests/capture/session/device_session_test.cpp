// The device's paths of a session, run on the CPU: layers delivered one later, branches decoded through the CUDA
// library's interface.
#include <gtest/gtest.h>

#include <algorithm>

#include "capture/session/device/device_store.h"
#include "capture/session/host_store.h"
#include "capture/session/session.h"
#include "tests/capture/model/golden.h"
#include "tests/capture/session/host_cuda_library.h"

namespace kvatlas::capture::test {
namespace {

class DeviceSession : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] std::vector<TokenId> prompt() const {
    const Golden golden = loadGolden(GetParam());
    return std::ranges::max_element(golden.runs, {}, [](const GoldenRun& run) { return run.ids.size(); })->ids;
  }

 private:
  OneThread m_one_thread;
};

struct Received {
  std::vector<std::uint32_t> order;
  std::vector<float> received, entropy, map;
  std::size_t tokens = 0;
  bool with_memory = true;  // the delivered query has memory
};

// All statistics of a prefill's layers, and the signals kept for the methods.
std::pair<Received, std::vector<float>> watch(const Decoder& decoder, const std::vector<TokenId>& ids, bool later,
                                              bool tensors) {
  SignalCollector collector(decoder.config(), {.wanted = {Signal::Received}, .last_row = true, .window = 4}, 1);
  if (later) collector.receiveLater();
  Received seen;
  collector.setSink(
      [&](const LayerAttention& attention, LayerStatistics& layer) {
        seen.order.push_back(layer.layer.value);
        seen.received.insert(seen.received.end(), layer.values[Signal::Received].begin(),
                             layer.values[Signal::Received].end());
        seen.entropy.insert(seen.entropy.end(), layer.values[Signal::Entropy].begin(),
                            layer.values[Signal::Entropy].end());
        seen.map.insert(seen.map.end(), layer.map_mean.begin(), layer.map_mean.end());
        seen.tokens = static_cast<std::size_t>(attention.query.size(1));
        seen.with_memory = attention.query.is_contiguous();
      },
      {.wanted = {Signal::Entropy, Signal::Received}, .map_cell = 4, .window = 4, .tensors = tensors},
      std::vector<bool>(decoder.config().layers, true));
  static_cast<void>(decoder.prefill(ids, &collector, {}));
  collector.finish();
  std::vector<float> signals;
  for (const policy::LayerSignals& layer : collector.signals())
    signals.insert(signals.end(), layer[Signal::Received].begin(), layer[Signal::Received].end());
  for (std::uint32_t layer = 0; layer < decoder.config().layers; ++layer) {
    const auto row = collector.lastRow(LayerIndex{layer});
    signals.insert(signals.end(), row.begin(), row.end());
  }
  return {seen, signals};
}

TEST_P(DeviceSession, layersThatAreReceivedLaterAreTheSame) {
  const Decoder decoder = Decoder::load(modelFolder(GetParam()), {}, {});
  const std::vector<TokenId> ids = prompt();
  const auto [now, now_signals] = watch(decoder, ids, false, true);
  for (const bool tensors : {true, false}) {
    const auto [later, later_signals] = watch(decoder, ids, true, tensors);
    EXPECT_EQ(later.order, now.order);
    EXPECT_EQ(later.received, now.received);
    EXPECT_EQ(later.entropy, now.entropy);
    EXPECT_EQ(later.map, now.map);
    EXPECT_EQ(later.tokens, ids.size());
    EXPECT_EQ(later.with_memory, tensors) << "queries are kept only for a receiver that reads them";
    EXPECT_EQ(later_signals, now_signals);
  }
}

TEST_P(DeviceSession, branchesDecodeAsOnTheHost) {
  const Decoder decoder = Decoder::load(modelFolder(GetParam()), {}, {});
  const ModelConfig& config = decoder.config();
  const std::vector<TokenId> ids = prompt();
  SessionOptions options{.window = 4};
  for (const char* method :
       {"streamingllm", "h2o", "snapkv:kernel=3", "streamingllm:every=2", "h2o:every=1", "snapkv:every=2",
        "tova:every=1", "h2o:merge=pivot,every=2", "snapkv:merge=weighted", "cam:spread=3",
        "snapkv:bits=4,block=4,residual=4,every=2", "kivi:block=4,residual=4", "gear:block=4,residual=8,rank=2",
        "think:whole=2", "snapkv:store=minicache", "l2norm:every=2", "keydiff:every=1", "lagkv:lag=3,sinks=2,every=2"})
    options.methods.push_back(policy::parseMethod(method));
  StatisticsRequest measured = requestFor(options.methods, 4, true);
  const policy::SignalParameters parameters{{"lag_score.lag", "3"}, {"lag_score.sinks", "2"}};
  measured.parameters = parameters;
  SignalCollector collector(config, measured, 1);
  collector.keepOfLastRow(true, true);
  collector.keepQuerySquares();
  const PrefillResult prefill = decoder.prefill(ids, &collector, {});
  collector.finish();
  for (const char* budget : {"12", "50%"}) options.budgets.push_back(policy::parseBudget(budget));
  const policy::Shape shape{config.layers, config.query_heads, config.kv_heads, static_cast<std::uint32_t>(ids.size())};
  std::vector<Branch> branches = planBranches(options, shape);
  const auto signals = collector.signals();
  decideBranches(branches, signals);

  constexpr std::uint32_t kNewTokens = 7;
  const auto decodeIn = [&](const Decoder& in, bool on_device, std::span<const TokenId> question) {
    std::vector<cache::HeldTokens> held;
    for (const Branch& branch : branches) held.emplace_back(branch.decision, static_cast<TokenIndex>(ids.size()));
    std::vector<std::optional<cache::Redecider>> redeciders(branches.size());
    for (std::size_t b = 0; b < branches.size(); ++b)
      if (branches[b].decidesAgainEvery() > 0)
        redeciders[b].emplace(*branches[b].request.method, branches[b].setting, branches[b].decision, held[b], signals);
    const StoreRequest request{
        .config = config,
        .held = held,
        .reserve = std::vector<std::uint32_t>(held.size(), kNewTokens + static_cast<std::uint32_t>(question.size())),
        .threads = 1};
    const std::unique_ptr<BranchStore> store =
        on_device ? std::unique_ptr<BranchStore>(std::make_unique<DeviceStore>(makeHostCudaLibrary(), request))
                  : std::make_unique<HostStore>(request);
    std::vector<double> seconds(held.size(), 0.0);
    EntryForms forms({.config = config,
                      .branches = branches,
                      .held = held,
                      .store = *store,
                      .threads = 1,
                      .query_squares = [&](LayerIndex layer) { return collector.querySquares(layer); }});
    for (const LayerCache& layer : prefill.cache) {
      store->gather(layer.key, layer.value, seconds);
      forms.gathered(layer.key, layer.value, seconds);
    }
    for (const double each : seconds) EXPECT_GT(each, 0.0);
    const DecodeStart start{.held = held,
                            .redeciders = redeciders,
                            .parameters = parameters,
                            .store = *store,
                            .forms = forms,
                            .next_logits = prefill.next_logits,
                            .last_row = [&](LayerIndex layer) { return collector.lastRow(layer); },
                            .last_top = [&](LayerIndex layer) { return collector.lastTop(layer); },
                            .prompt_tokens = ids.size(),
                            .question = question};
    const DecodeOptions decode{.max_new_tokens = kNewTokens, .threads = 1, .attended = true};
    return decodeBranches(in, start, decode, {});
  };
  const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {  // NaN equals NaN
    return std::ranges::equal(a, b, [](float x, float y) { return x == y || (x != x && y != y); });
  };
  // One pass of this decoder takes two tokens of a question from each branch.
  const Decoder small =
      Decoder::load(modelFolder(GetParam()), {.row_chunk = static_cast<std::int64_t>(2 * branches.size())}, {});
  for (const std::size_t tokens : {0U, 5U}) {
    const std::vector<TokenId> question(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(tokens));
    const std::vector<DecodeTrack> host = decodeIn(decoder, false, question),
                                   on_device = decodeIn(decoder, true, question),
                                   in_chunks = decodeIn(small, true, question);
    ASSERT_EQ(on_device.size(), host.size());
    for (std::size_t b = 0; b < host.size(); ++b) {
      SCOPED_TRACE(branches[b].label);
      EXPECT_EQ(on_device[b].ids, host[b].ids);
      EXPECT_TRUE(same(on_device[b].kl, host[b].kl));
      EXPECT_TRUE(same(on_device[b].rows.retained, host[b].rows.retained));
      EXPECT_TRUE(same(on_device[b].rows.oracle, host[b].rows.oracle));
      EXPECT_FALSE(host[b].rows.attended.positions.empty());
      EXPECT_EQ(on_device[b].rows.attended.positions, host[b].rows.attended.positions);
      EXPECT_EQ(on_device[b].rows.attended.mass, host[b].rows.attended.mass);
      EXPECT_EQ(on_device[b].question_attended.positions, host[b].question_attended.positions);
      EXPECT_EQ(on_device[b].question_attended.mass, host[b].question_attended.mass);
      EXPECT_EQ(host[b].question_attended.positions.empty(), tokens == 0);
      EXPECT_EQ(in_chunks[b].ids, host[b].ids);
      EXPECT_EQ(in_chunks[b].rows.evicted, host[b].rows.evicted);
      EXPECT_EQ(in_chunks[b].question_attended.positions, host[b].question_attended.positions);
      EXPECT_EQ(on_device[b].rows.evicted, host[b].rows.evicted);
      EXPECT_EQ(on_device[b].held_bytes, host[b].held_bytes);
      EXPECT_EQ(on_device[b].merged.of_prompt, host[b].merged.of_prompt);
      EXPECT_EQ(on_device[b].merged.of_evicted, host[b].merged.of_evicted);
      if (host[b].ids.size() == kNewTokens) {
        EXPECT_EQ(host[b].rows.evicted.empty(), branches[b].decidesAgainEvery() == 0);
      }
    }
  }
}

TEST_P(DeviceSession, placedLayersComputeTheSame) {
  const std::vector<TokenId> ids = prompt();
  const Decoder plain = Decoder::load(modelFolder(GetParam()), {}, {});
  const LoadOptions placed{.layer_devices = std::vector<at::Device>(plain.config().layers, at::kCPU)};
  const Decoder decoder = Decoder::load(modelFolder(GetParam()), placed, {});
  EXPECT_TRUE(decoder.allLogits(ids).equal(plain.allLogits(ids)));
  EXPECT_ANY_THROW(static_cast<void>(Decoder::load(
      modelFolder(GetParam()), {.layer_devices = {at::kCPU, at::kCPU, at::kCPU, at::kCPU, at::kCPU}}, {})))
      << "one device per layer";
}

INSTANTIATE_TEST_SUITE_P(Models, DeviceSession, testing::Values("llama2-gqa", "mistral-window"), [](const auto& test) {
  std::string name = test.param;
  std::erase(name, '-');
  return name;
});

}  // namespace
}  // namespace kvatlas::capture::test
