// From a prompt to a trace: the file's values against an independent double-precision computation of the same
// attention.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "capture/recorder/capture.h"
#include "capture/recorder/layer_encoder.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/trace/reader.h"
#include "kernels/attention_probe.h"
#include "kernels/log2_codec.h"
#include "tests/capture/model/golden.h"

namespace kvatlas::capture::test {
namespace {

CaptureOptions smallCapture(const ScratchFolder& scratch, const char* model) {
  CaptureOptions options;
  options.session.model = modelFolder(model);
  std::string ids;
  for (int i = 0; i < 150; ++i) ids += std::to_string((i * 7919 + 13) % 61) + " ";
  options.session.prompt.ids_file = scratch.write("ids.txt", ids);
  for (const char* method : {"snapkv", "pyramidkv", "h2o", "streamingllm"})
    options.session.methods.push_back(policy::parseMethod(method));
  options.session.budgets = {policy::parseBudget("20"), policy::parseBudget("25%")};
  options.session.max_new_tokens = 5;
  options.session.device = "cpu";
  options.session.threads = 1;  // small models gain nothing from more
  options.output = scratch.path() / "out.kva.h5";
  options.replace = true;
  options.map_size = 64;
  options.quiet = true;
  return options;
}

// Collects the layers' queries and keys from the model.
class Tap final : public AttentionObserver {
 public:
  bool wants(LayerIndex) const override { return true; }
  void onAttention(const LayerAttention& attention) override { layers.push_back(attention); }
  std::vector<LayerAttention> layers;
};

// Double-precision reference of one layer.
struct Reference {
  std::vector<float> lse, entropy, received, window_sum, window_rows, mean, max;
};
Reference referenceOf(const LayerAttention& attention, const ModelConfig& config, std::size_t window,
                      std::size_t cell) {
  const auto tokens = static_cast<std::size_t>(attention.query.size(1)), heads = std::size_t{config.query_heads},
             n = (tokens + cell - 1) / cell;
  Reference r;
  for (auto* v : {&r.lse, &r.entropy, &r.received, &r.window_sum}) v->resize(heads * tokens);
  r.window_rows.resize(heads * window * tokens);
  for (auto* v : {&r.mean, &r.max}) v->resize(heads * n * n);
  const kernels::ProbeShape shape{config.query_heads,
                                  config.kv_heads,
                                  tokens,
                                  config.head_dim,
                                  window,
                                  config.sliding_window,
                                  1.0F / std::sqrt(static_cast<float>(config.head_dim))};
  (void)kernels::attentionProbeReference(
      shape, {.query = attention.query.const_data_ptr<float>(), .key = attention.key.const_data_ptr<float>()},
      {r.lse.data(), r.entropy.data(), r.received.data(), r.window_sum.data(), r.window_rows.data(), r.mean.data(),
       r.max.data(), cell});
  return r;
}

void expectNear(const std::vector<float>& expected, const std::optional<std::vector<float>>& found, double absolute,
                double relative, const char* what) {
  ASSERT_TRUE(found.has_value()) << what;
  ASSERT_EQ(found->size(), expected.size()) << what;
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR((*found)[i], expected[i], absolute + relative * std::abs(static_cast<double>(expected[i])))
        << what << " at " << i;
}

class Recorded : public testing::TestWithParam<const char*> {};

TEST_P(Recorded, SignalsAndMapsEqualTheReference) {
  const ScratchFolder scratch;
  const CaptureOptions options = smallCapture(scratch, GetParam());
  const CaptureSummary summary = runCapture(options, {});
  EXPECT_EQ(summary.tokens, 150U);
  EXPECT_FALSE(std::filesystem::exists(options.output.string() + ".part"));
  const trace::Reader reader(options.output);
  EXPECT_TRUE(reader.complete());
  ASSERT_EQ(reader.tokens(), 150U);

  const Decoder decoder = Decoder::load(options.session.model, {}, {});
  const ModelConfig& config = decoder.config();
  Tap tap;
  const PrefillResult prefill = decoder.prefill(reader.header().prompt.ids, &tap, {});
  const std::size_t cell = 4;  // ⌈150/4⌉ = 38 ≤ 64 < ⌈150/2⌉
  ASSERT_EQ(reader.header().attention.cells, (std::vector<std::uint64_t>{4}));
  for (const LayerAttention& layer : tap.layers) {
    SCOPED_TRACE(layer.layer.value);
    const Reference r = referenceOf(layer, config, 8, cell);
    expectNear(r.lse, reader.signal(layer.layer, trace::Signal::Lse), 3e-6, 1e-6, "lse");
    expectNear(r.entropy, reader.signal(layer.layer, trace::Signal::Entropy), 3e-5, 1e-5, "entropy");
    expectNear(r.received, reader.signal(layer.layer, trace::Signal::Received), 1e-9, 1e-5, "received");
    expectNear(r.window_sum, reader.signal(layer.layer, trace::Signal::WindowSum), 1e-9, 1e-5, "window_sum");
    const std::size_t map = 38UL * 38UL;
    for (std::uint32_t head = 0; head < config.query_heads; ++head) {
      const auto slice = [&](const std::vector<float>& all, std::size_t size) {
        return std::vector<float>(all.begin() + static_cast<std::ptrdiff_t>(head * size),
                                  all.begin() + static_cast<std::ptrdiff_t>((head + 1) * size));
      };
      expectNear(slice(r.mean, map), reader.map(layer.layer, HeadIndex{head}, trace::Reduction::Mean, 0), 3e-10, 3e-4,
                 "mean map");
      expectNear(slice(r.max, map), reader.map(layer.layer, HeadIndex{head}, trace::Reduction::Max, 0), 3e-10, 3e-4,
                 "max map");
      expectNear(slice(r.window_rows, 8UL * 150UL), reader.windowRows(layer.layer, HeadIndex{head}), 3e-10, 3e-4,
                 "window rows");
    }
  }
  const auto logits = reader.nextLogits();
  ASSERT_TRUE(logits.has_value());
  for (std::size_t i = 0; i < logits->size(); ++i)
    EXPECT_FLOAT_EQ((*logits)[i], prefill.next_logits.const_data_ptr<float>()[i]);
  EXPECT_TRUE(trace::validate(options.output).empty());
}
INSTANTIATE_TEST_SUITE_P(Models, Recorded, testing::Values("llama2-gqa", "mistral-window", "llama1-mha"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(Recorder, RunsHoldTheDecisionsAndTheirArithmetic) {
  const ScratchFolder scratch;
  const CaptureOptions options = smallCapture(scratch, "llama2-gqa");
  const CaptureSummary summary = runCapture(options, {});
  const trace::Reader reader(options.output);
  const auto& header = reader.header();
  ASSERT_EQ(header.runs.size(), 9U);
  EXPECT_TRUE(header.runs[0].is_full);
  for (std::size_t i = 0; i < header.runs.size(); ++i) {
    const auto run = reader.run(i);
    ASSERT_TRUE(run.has_value()) << i;
    const double nominal = i == 0 ? 150 : header.runs[i].budget == "20" ? 20 : 38;  // 25 % of 150 = 37.5, half up
    EXPECT_DOUBLE_EQ(header.runs[i].budget_nominal, nominal) << header.runs[i].label;
    EXPECT_DOUBLE_EQ(run->budget_realised, nominal) << header.runs[i].label;
    EXPECT_EQ(run->cache_bytes, run->keptTokens() * 2 * header.model.head_dim * sizeof(float));
    EXPECT_EQ(run->keptTokens(), static_cast<std::size_t>(nominal) * header.model.layers * header.model.kv_heads);
    EXPECT_EQ(summary.runs[i].label, header.runs[i].label);
    if (i > 0) {
      EXPECT_EQ(run->decode_ids[0], reader.run(0)->decode_ids[0]);
    }
  }
}

// The file has every run's attended keys of all layers, whatever layers were selected. Step 0 is the prompt's last
// query, the same in all runs; later steps see the kept tokens and the fed tokens. A run of full alone records them
// too.
TEST(Recorder, WhatGeneratedTokensAttendedTo) {
  for (const bool alone : {false, true}) {
    const ScratchFolder scratch;
    CaptureOptions options = smallCapture(scratch, "llama2-gqa");
    options.layers = std::vector<std::uint32_t>{1};
    options.heads = std::vector<std::uint32_t>{0};
    if (alone) options.session.methods.clear();
    (void)runCapture(options, {});
    EXPECT_TRUE(trace::validate(options.output).empty());
    const trace::Reader reader(options.output);
    const auto& model = reader.header().model;
    ASSERT_EQ(reader.header().runs.size(), alone ? 1U : 9U);
    for (std::uint32_t layer = 0; layer < model.layers; ++layer) {
      const auto full = reader.attended(0, LayerIndex{layer}).value();
      ASSERT_EQ(full.per_head, 8U);
      ASSERT_EQ(full.query_heads, model.query_heads);
      for (std::size_t run = 0; run < reader.header().runs.size(); ++run) {
        const auto attended = reader.attended(run, LayerIndex{layer}).value();
        ASSERT_EQ(attended.steps(), reader.run(run)->decode_ids.size());
        for (std::size_t i = 0; i < attended.at(1, 0); ++i) {
          ASSERT_EQ(attended.positions[i], full.positions[i]);
          ASSERT_EQ(attended.mass[i], full.mass[i]);
        }
        EXPECT_EQ(std::ranges::count(attended.positions, trace::kNoToken), 0) << "all runs keep more than 8";
      }
    }
    const std::vector<float> row = reader.windowRows(LayerIndex{1}, HeadIndex{0}).value();
    const auto attended = reader.attended(0, LayerIndex{1}).value();
    const std::span<const float> last(row.data() + 7UL * 150UL, 150);  // last of the window's 8
    for (std::size_t k = 0; k < 8; ++k)
      EXPECT_NEAR(attended.mass[k], last[attended.positions[k]], 3e-4 * static_cast<double>(attended.mass[k]));
    EXPECT_NEAR(attended.mass[0], *std::ranges::max_element(last), 3e-4);
  }
}

TEST(Recorder, RecordsOnlyTheLayersAskedForAndQueriesAndKeysOnDemand) {
  const ScratchFolder scratch;
  CaptureOptions options = smallCapture(scratch, "llama2-gqa");
  options.layers = std::vector<std::uint32_t>{1};
  options.keep_qk = true;
  (void)runCapture(options, {});
  const trace::Reader reader(options.output);
  EXPECT_FALSE(reader.hasLayer(LayerIndex{0}));
  EXPECT_TRUE(reader.hasLayer(LayerIndex{1}));
  EXPECT_FALSE(reader.signal(LayerIndex{0}, trace::Signal::Lse).has_value());
  ASSERT_TRUE(reader.run(1).has_value());  // the policies saw every layer

  const Decoder decoder = Decoder::load(options.session.model, {}, {});
  Tap tap;
  (void)decoder.prefill(reader.header().prompt.ids, &tap, {});
  const auto bits = reader.keyBits(LayerIndex{1}, KvHeadIndex{1});
  ASSERT_TRUE(bits.has_value());
  const at::Tensor key = tap.layers[1].key[1].to(at::kBFloat16).contiguous();
  ASSERT_EQ(bits->size(), static_cast<std::size_t>(key.numel()));
  EXPECT_EQ(std::memcmp(bits->data(), key.const_data_ptr(), bits->size() * 2), 0);
}

TEST(Recorder, RefusesWhatCannotBeBeforeWork) {
  const ScratchFolder scratch;
  CaptureOptions options = smallCapture(scratch, "llama2-gqa");
  options.layers = std::vector<std::uint32_t>{7};
  EXPECT_THROW((void)runCapture(options, {}), UsageError);
  options.layers.reset();
  options.output = scratch.path() / "missing" / "x.kva.h5";
  EXPECT_THROW((void)runCapture(options, {}), Error);
  options.output = scratch.path();
  EXPECT_THROW((void)runCapture(options, {}), Error);
  EXPECT_FALSE(std::filesystem::exists(scratch.path() / "out.kva.h5"));
}

// Overwrites the first bytes of a float32 tensor with NaN.
void spoil(const std::filesystem::path& model, const std::string& tensor) {
  std::fstream file(model / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
  std::uint64_t length = 0;
  file.read(reinterpret_cast<char*>(&length), sizeof length);
  std::string header(length, ' ');
  file.read(header.data(), static_cast<std::streamsize>(length));
  const nlohmann::json entry = nlohmann::json::parse(header).at(tensor);
  ASSERT_EQ(entry.at("dtype"), "F32");
  file.seekp(static_cast<std::streamoff>(8 + length + entry.at("data_offsets")[0].get<std::uint64_t>()));
  file.write("\0\0\xc0\x7f", 4);
}

// A NaN in a layer that is neither recorded nor scored, and one after the last attention: neither reaches a trace.
TEST(Recorder, NanIsReportedWithItsLayerWhateverIsRecorded) {
  for (const auto& [tensor, layer] : {std::pair{"model.layers.1.self_attn.k_proj.weight", "layer 1, head 0"},
                                      std::pair{"model.layers.2.self_attn.v_proj.weight", "after layer 2"},
                                      std::pair{"model.layers.2.mlp.down_proj.weight", "after layer 2"},
                                      std::pair{"model.norm.weight", "after layer 2"}}) {
    const ScratchFolder scratch;
    CaptureOptions options = smallCapture(scratch, "llama2-gqa");
    std::filesystem::copy(options.session.model, scratch / "model", std::filesystem::copy_options::recursive);
    options.session.model = scratch / "model";
    spoil(options.session.model, tensor);
    options.session.methods.clear();
    options.session.budgets.clear();
    options.layers = std::vector<std::uint32_t>{0};
    try {
      (void)runCapture(options, {});
      ADD_FAILURE() << tensor << " was accepted";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(layer), std::string::npos) << error.what();
    }
    EXPECT_FALSE(std::filesystem::exists(options.output)) << tensor;
  }
}

// Lists that are cut back while decoding: the trace says who went when, and a replay of it gives the bytes of each
// step.
TEST(RecordedEvictions, AreReplayedByValidate) {
  const ScratchFolder scratch;
  CaptureOptions options = smallCapture(scratch, "llama2-gqa");
  options.session.methods.clear();
  for (const char* method : {"snapkv:every=2", "pyramidkv:every=1", "h2o:every=1", "streamingllm:every=1",
                             "random:every=1", "tova:every=1", "tova", "h2o:every=9"})
    options.session.methods.push_back(policy::parseMethod(method));
  options.session.budgets = {policy::parseBudget("20"), policy::parseBudget("151"), policy::parseBudget("full")};
  options.session.max_new_tokens = 8;
  options.session.follow = Follow::Full;
  (void)runCapture(options, {});
  for (const trace::Finding& finding : trace::validate(options.output))
    ADD_FAILURE() << finding.member << ": " << finding.problem;
  const trace::Reader reader(options.output);
  const trace::TraceHeader& header = reader.header();
  for (std::size_t index = 0; index < header.runs.size(); ++index) {
    SCOPED_TRACE(header.runs[index].label);
    const auto run = reader.run(index);
    ASSERT_TRUE(run.has_value());
    const std::size_t steps = run->decode_ids.size();
    ASSERT_GT(steps, 4U);
    const bool again =
        header.runs[index].label.find("every") != std::string::npos && header.runs[index].budget != "full";
    EXPECT_EQ(header.runs[index].every > 0, again);
    EXPECT_EQ(run->step_bytes.size(), again ? steps : 0);
    EXPECT_EQ(run->evicted.empty(), !again || header.runs[index].every > steps);
    if (run->evicted.empty()) continue;
    EXPECT_EQ(run->step_bytes.front(), run->cache_bytes);
    if (header.runs[index].budget == "20") {
      const std::uint64_t token = run->cache_bytes / 20;  // a row of every list
      for (std::size_t t = 1; t < steps; ++t)
        EXPECT_EQ(run->step_bytes[t], run->cache_bytes + token * ((t - 1) % header.runs[index].every + 1)) << t;
    }
  }
}

}  // namespace
}  // namespace kvatlas::capture::test
