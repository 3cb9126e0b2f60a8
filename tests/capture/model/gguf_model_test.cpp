// GGUF models: a quantised one against Transformers reading the same file, and the checkpoints of tests/data/models
// written as GGUF, against Transformers' results.
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <numbers>

#include "capture/model/gguf_config.h"
#include "capture/model/gguf_weights.h"
#include "capture/model/safetensors.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/capture/model/golden.h"
#include "tests/support/gguf_builder.h"

namespace kvatlas::capture::test {
namespace {

namespace fs = std::filesystem;
using kvatlas::test::GgufBuilder;
using testing::AllOf;
using testing::HasSubstr;

double relativeError(const at::Tensor& logits, std::span<const float> expected) {
  const at::Tensor flat = logits.contiguous();
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(double{expected[i]}));
    const double difference = std::abs(double{flat.const_data_ptr<float>()[i]} - expected[i]);
    error = std::max(error, std::isnan(difference) ? INFINITY : difference);
  }
  return error / largest;
}

TEST(GgufModel, QuantisedWeightsGiveTheLogitsAndWordsOfTransformers) {
  const OneThread one_thread;
  const fs::path folder = fs::path(KVATLAS_TEST_DATA) / "gguf";
  const auto golden = readJsonFile(folder / "quantised.json");
  const auto ids = golden.at("ids").get<std::vector<TokenId>>();
  const std::string bytes = readFile(folder / "quantised.f32");
  std::vector<float> expected(bytes.size() / sizeof(float));
  std::memcpy(expected.data(), bytes.data(), bytes.size());
  const Decoder decoder = Decoder::load(folder / "quantised.gguf", {}, {});
  EXPECT_EQ(decoder.config().name, "quantised");
  EXPECT_EQ(decoder.config().eos_ids, std::vector<TokenId>{2});
  ASSERT_EQ(expected.size(), ids.size() * decoder.config().vocab_size);
  EXPECT_LE(relativeError(decoder.allLogits(ids), expected), 1e-5);
  const auto greedy = golden.at("greedy").get<std::vector<TokenId>>();
  EXPECT_EQ(decodeGreedy(decoder, ids, greedy.size()), greedy);
  EXPECT_EQ(decoder.weightsFingerprint(), gguf::ModelFile(folder / "quantised.gguf").fingerprint());
}

TEST(GgufModel, WeightsOfANarrowComputeTypeAreTheRoundedOnes) {
  const fs::path file = fs::path(KVATLAS_TEST_DATA) / "gguf/quantised.gguf";
  const ModelConfig config = loadGgufConfig(file);
  const GgufWeights weights(file, config);
  for (const char* name : {"q_proj", "o_proj"}) {
    const std::string whole = std::string("model.layers.1.self_attn.") + name + ".weight";
    const std::array<std::int64_t, 2> shape{32, 32};
    const at::Tensor wide = weights.load(whole, shape, at::kFloat, at::kCPU);
    EXPECT_TRUE(at::equal(weights.load(whole, shape, at::kBFloat16, at::kCPU), wide.to(at::kBFloat16)));
  }
}

// The folders of tests/data/models, converted to GGUF.
const std::map<std::string, std::string> kNames{{"self_attn.q_proj", "attn_q"},
                                                {"self_attn.k_proj", "attn_k"},
                                                {"self_attn.v_proj", "attn_v"},
                                                {"self_attn.o_proj", "attn_output"},
                                                {"mlp.gate_proj", "ffn_gate"},
                                                {"mlp.up_proj", "ffn_up"},
                                                {"mlp.down_proj", "ffn_down"},
                                                {"input_layernorm", "attn_norm"},
                                                {"post_attention_layernorm", "ffn_norm"},
                                                {"self_attn.q_norm", "attn_q_norm"},
                                                {"self_attn.k_norm", "attn_k_norm"},
                                                {"block_sparse_moe.gate", "ffn_gate_inp"}};

std::string converted(const std::string& name) {
  if (name == "model.embed_tokens.weight") return "token_embd.weight";
  if (name == "model.norm.weight") return "output_norm.weight";
  if (name == "lm_head.weight") return "output.weight";
  const std::string rest = name.substr(std::strlen("model.layers."));
  const std::size_t dot = rest.find('.'), end = rest.rfind('.');
  if (const std::size_t experts = rest.find("experts."); experts != rest.npos) {
    const std::string number = rest.substr(experts + 8, end - 3 - experts - 8), matrix = rest.substr(end - 2, 2);
    return "blk." + rest.substr(0, dot) +
           (matrix == "w1"   ? ".ffn_gate."
            : matrix == "w2" ? ".ffn_down."
                             : ".ffn_up.") +
           number + ".weight";
  }
  return "blk." + rest.substr(0, dot) + "." + kNames.at(rest.substr(dot + 1, end - dot - 1)) + rest.substr(end);
}

// Row 2·i + j of a head comes from row j·d/2 + i.
std::string pairedRows(const std::string& bytes, std::size_t row_bytes, std::size_t head_dim) {
  std::string result;
  for (std::size_t head = 0; head < bytes.size() / row_bytes / head_dim; ++head)
    for (std::size_t i = 0; i < head_dim / 2; ++i)
      for (std::size_t j = 0; j < 2; ++j)
        result += bytes.substr((head * head_dim + j * head_dim / 2 + i) * row_bytes, row_bytes);
  return result;
}

// The divisors a converter derives from Llama 3.1's rope_scaling.
std::string ropeFactors(const ModelConfig& config) {
  std::string bytes;
  for (std::uint32_t i = 0; i < config.head_dim / 2; ++i) {
    const RopeConfig& rope = config.rope;
    const auto original = static_cast<double>(rope.original_positions);
    const double wavelength = 2 * std::numbers::pi * std::pow(rope.theta, 2.0 * i / config.head_dim);
    const double smooth =
        (original / wavelength - rope.low_freq_factor) / (rope.high_freq_factor - rope.low_freq_factor);
    double factor = 1 / ((1 - smooth) / rope.factor + smooth);
    if (wavelength < original / rope.high_freq_factor) factor = 1;
    if (wavelength > original / rope.low_freq_factor) factor = rope.factor;
    bytes += GgufBuilder::number(static_cast<float>(factor));
  }
  return bytes;
}

// "Qwen2ForCausalLM" → "qwen2"; the converter calls every Llama and Mistral "llama".
std::string ggufArchitecture(const ModelConfig& config) {
  if (config.architecture == "Qwen2ForCausalLM") return "qwen2";
  if (config.architecture == "GraniteForCausalLM") return "granite";
  return config.architecture == "Qwen3ForCausalLM" ? "qwen3" : "llama";
}

void writeMetadata(GgufBuilder& out, const ModelConfig& config) {
  const std::string architecture = ggufArchitecture(config), prefix = architecture + ".";
  out.text("general.architecture", architecture);
  out.u32(prefix + "block_count", config.layers);
  out.u32(prefix + "context_length", static_cast<std::uint32_t>(config.max_positions));
  out.u32(prefix + "embedding_length", config.hidden_size);
  out.u32(prefix + "feed_forward_length", config.intermediate_size);
  out.u32(prefix + "attention.head_count", config.query_heads);
  out.u32(prefix + "attention.head_count_kv", config.kv_heads);
  out.u32(prefix + "attention.key_length", config.head_dim);
  out.u32(prefix + "attention.value_length", config.head_dim);
  out.u32(prefix + "rope.dimension_count", config.head_dim);
  if (config.architecture == "GraniteForCausalLM") {
    out.f32(prefix + "attention.scale", static_cast<float>(config.query_scale / std::sqrt(config.head_dim)));
    out.f32(prefix + "embedding_scale", static_cast<float>(config.embedding_scale));
    out.f32(prefix + "residual_scale", static_cast<float>(config.residual_scale));
    out.f32(prefix + "logit_scale", static_cast<float>(1 / config.logits_scale));
  }
  if (config.experts > 0) {
    out.u32(prefix + "expert_count", config.experts);
    out.u32(prefix + "expert_used_count", config.experts_per_token);
  }
  out.f32(prefix + "rope.freq_base", static_cast<float>(config.rope.theta));
  out.f32(prefix + "attention.layer_norm_rms_epsilon", static_cast<float>(config.rms_norm_eps));
  if (config.rope.scaling == RopeScaling::Linear || config.rope.scaling == RopeScaling::Yarn) {
    out.text(prefix + "rope.scaling.type", config.rope.scaling == RopeScaling::Linear ? "linear" : "yarn");
    out.f32(prefix + "rope.scaling.factor", static_cast<float>(config.rope.factor));
  }
  if (config.rope.scaling == RopeScaling::LongRope)
    out.f32(prefix + "rope.scaling.attn_factor", static_cast<float>(config.rope.attention_factor));
  if (config.rope.scaling == RopeScaling::Yarn || config.rope.scaling == RopeScaling::LongRope)
    out.u32(prefix + "rope.scaling.original_context_length",
            static_cast<std::uint32_t>(config.rope.original_positions));
}

void writeLongFactors(GgufBuilder& out, const RopeConfig& rope) {
  for (const auto& [name, factors] : {std::pair{"rope_factors_long.weight", &rope.long_factors},
                                      std::pair{"rope_factors_short.weight", &rope.short_factors}}) {
    std::string bytes;
    for (const float factor : *factors) bytes += GgufBuilder::number(factor);
    out.tensor(name, 0, {factors->size()}, bytes);
  }
}

using Tensors = std::map<std::string, const StoredTensor*>;

void writeTensors(GgufBuilder& out, const Tensors& tensors, const ModelConfig& config) {
  for (const auto& [name, tensor] : tensors) {
    std::string bytes(reinterpret_cast<const char*>(tensor->bytes.data()), tensor->bytes.size());
    const bool rotated = name.find("q_proj") != name.npos || name.find("k_proj") != name.npos;
    const std::string architecture = ggufArchitecture(config);
    if (rotated && (architecture == "llama" || architecture == "granite"))
      bytes = pairedRows(bytes, bytes.size() / static_cast<std::size_t>(tensor->shape[0]), config.head_dim);
    const std::uint32_t type = tensor->dtype == "F32" ? 0 : tensor->dtype == "F16" ? 1 : 30;
    out.tensor(converted(name), type, {tensor->shape.begin(), tensor->shape.end()}, bytes);
  }
}

std::vector<std::string> tensorNames(const ModelConfig& config) {
  std::vector<std::string> names{"model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"};
  for (std::uint32_t layer = 0; layer < config.layers; ++layer)
    for (const auto& [name, other] : kNames)
      for (const char* suffix : {".weight", ".bias"})
        names.push_back("model.layers." + std::to_string(layer) + "." + name + suffix);
  for (std::uint32_t layer = 0; layer < config.layers; ++layer)
    for (std::uint32_t expert = 0; expert < config.experts; ++expert)
      for (const char* matrix : {"w1", "w2", "w3"})
        names.push_back("model.layers." + std::to_string(layer) + ".block_sparse_moe.experts." +
                        std::to_string(expert) + "." + matrix + ".weight");
  return names;
}

class ConvertedModel : public testing::TestWithParam<const char*> {
 private:
  OneThread m_one_thread;
};

TEST_P(ConvertedModel, GivesTheLogitsOfTransformers) {
  const fs::path folder = modelFolder(GetParam());
  const ModelConfig config = loadModelConfig(folder);
  const SafetensorsFile file(folder / "model.safetensors");
  Tensors tensors;
  for (const std::string& name : tensorNames(config))
    if (const StoredTensor* tensor = file.find(name)) tensors.emplace(name, tensor);
  GgufBuilder out;
  writeMetadata(out, config);
  if (config.rope.scaling == RopeScaling::Llama3)
    out.tensor("rope_freqs.weight", 0, {config.head_dim / 2}, ropeFactors(config));
  if (config.rope.scaling == RopeScaling::LongRope) writeLongFactors(out, config.rope);
  writeTensors(out, tensors, config);
  const ScratchFolder scratch;
  const Decoder decoder = Decoder::load(scratch.write("model.gguf", out.bytes()), {}, {});
  EXPECT_EQ(decoder.config().tied_output, config.tied_output);
  const Golden golden = loadGolden(GetParam());
  for (const GoldenRun& run : golden.runs) {
    const at::Tensor logits = decoder.allLogits(run.ids);
    for (std::size_t i = 0; i < run.positions.size(); ++i)
      EXPECT_LE(relativeError(logits[run.positions[i]], std::span(run.logits).subspan(i * golden.vocab, golden.vocab)),
                1e-4);
    EXPECT_EQ(decodeGreedy(decoder, run.ids, run.greedy.size()), run.greedy);
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, ConvertedModel,
                         testing::Values("llama1-mha", "llama2-gqa", "llama3-theta", "llama31-scaling", "llama32-tied",
                                         "linear", "head-dim", "biases", "bf16", "f16", "qwen2", "qwen2-tied", "qwen3",
                                         "qwen3-biases", "qwen2-yarn", "longrope", "granite", "mixtral"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase(name, '-');
                           return name;
                         });

// "blk.0.ffn_up.3.weight" of all experts → one "blk.0.ffn_up_exps.weight", as newer converters write them.
void writeStacked(GgufBuilder& out, const Tensors& tensors, const ModelConfig& config) {
  Tensors others;
  std::map<std::string, std::pair<std::vector<std::uint64_t>, std::string>> stacks;
  for (const auto& [name, tensor] : tensors) {
    if (name.find(".experts.") == name.npos) {
      others.emplace(name, tensor);
      continue;
    }
    const std::string one = converted(name);  // in the order of the experts, of which there are fewer than ten
    auto& [shape, bytes] = stacks[one.substr(0, one.find('.', one.find("ffn_"))) + "_exps.weight"];
    shape = {config.experts, static_cast<std::uint64_t>(tensor->shape[0]),
             static_cast<std::uint64_t>(tensor->shape[1])};
    bytes.append(reinterpret_cast<const char*>(tensor->bytes.data()), tensor->bytes.size());
  }
  writeTensors(out, others, config);
  for (const auto& [name, stack] : stacks) out.tensor(name, 0, stack.first, stack.second);
}

TEST(GgufModel, ExpertsInOneTensorAreThoseOfTheirOwn) {
  const OneThread one_thread;
  const fs::path folder = modelFolder("mixtral");
  const ModelConfig config = loadModelConfig(folder);
  const SafetensorsFile file(folder / "model.safetensors");
  Tensors tensors;
  for (const std::string& name : tensorNames(config))
    if (const StoredTensor* tensor = file.find(name)) tensors.emplace(name, tensor);
  GgufBuilder out;
  writeMetadata(out, config);
  writeStacked(out, tensors, config);
  const ScratchFolder scratch;
  const Decoder decoder = Decoder::load(scratch.write("model.gguf", out.bytes()), {}, {});
  EXPECT_EQ(decoder.config().architecture, "MixtralForCausalLM");
  const GoldenRun run = loadGolden("mixtral").runs.back();
  const at::Tensor expected = Decoder::load(folder, {}, {}).allLogits(run.ids).contiguous();
  EXPECT_LE(relativeError(decoder.allLogits(run.ids), std::span(expected.const_data_ptr<float>(), run.ids.size() * 64)),
            1e-6);
  EXPECT_EQ(decoder.prefill(run.ids, nullptr, {}).experts.tokens, run.expert_tokens);
}

TEST(GgufModel, PartsMakeTheSameModelAsOneFile) {
  const OneThread one_thread;
  const fs::path folder = modelFolder("llama2-gqa");
  const ModelConfig config = loadModelConfig(folder);
  const SafetensorsFile file(folder / "model.safetensors");
  const ScratchFolder scratch;
  for (int part = 0; part < 2; ++part) {
    GgufBuilder out;
    if (part == 0) writeMetadata(out, config);
    Tensors tensors;
    std::size_t index = 0;
    for (const std::string& name : tensorNames(config))
      if (const StoredTensor* tensor = file.find(name); tensor != nullptr && index++ % 2 == std::size_t(part))
        tensors.emplace(name, tensor);
    writeTensors(out, tensors, config);
    scratch.write("m-0000" + std::to_string(part + 1) + "-of-00002.gguf", out.bytes());
  }
  const Decoder whole = Decoder::load(folder, {}, {});
  const Decoder parts = Decoder::load(scratch / "m-00001-of-00002.gguf", {}, {});
  EXPECT_EQ(parts.config().name, "m");
  const std::vector<TokenId> ids{1, 5, 9, 33};
  EXPECT_TRUE(at::equal(parts.allLogits(ids), whole.allLogits(ids)));
}

class GgufConfig : public testing::Test {
 protected:
  // The metadata of a valid model; `change` adds to them.
  template <class Change>
  std::string message(const Change& change, const char* embedding = "token_embd.weight") {
    GgufBuilder out;
    ModelConfig config = loadModelConfig(modelFolder("llama2-gqa"));
    change(out, config);
    writeMetadata(out, config);
    out.tensor(embedding, 0, {64, config.hidden_size}, std::string(64 * config.hidden_size * 4, '\0'));
    try {
      (void)loadModelConfig(m_scratch.write("m.gguf", out.bytes()));
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  ScratchFolder m_scratch;
};

TEST_F(GgufConfig, WhatIsNotRunIsRefusedByItsKey) {
  const auto with = [this](const char* key, auto value) {
    return message([&](GgufBuilder& out, ModelConfig&) {
      if constexpr (std::is_same_v<decltype(value), float>) {
        out.f32(key, value);
      } else if constexpr (std::is_same_v<decltype(value), int>) {
        out.u32(key, static_cast<std::uint32_t>(value));
      } else {
        out.text(key, value);
      }
    });
  };
  EXPECT_EQ(with("llama.expert_count", 0), "no error");
  EXPECT_THAT(with("llama.expert_count", 8), HasSubstr("llama.expert_used_count"));
  EXPECT_THAT(with("llama.expert_weights_scale", 2.0F), HasSubstr("llama.expert_weights_scale"));
  EXPECT_THAT(with("llama.logit_scale", 2.0F), HasSubstr("llama.logit_scale"));
  EXPECT_THAT(with("llama.rope.scaling.type", "longrope"), HasSubstr("'longrope'"));
  EXPECT_THAT(with("llama.rope.scaling.type", "yarn"), HasSubstr("llama.rope.scaling.factor"));
  EXPECT_THAT(with("general.type", "adapter"), HasSubstr("'adapter'"));
}

TEST_F(GgufConfig, ShapesThatCannotBeAreRefused) {
  EXPECT_EQ(message([](GgufBuilder&, ModelConfig&) {}), "no error");
  EXPECT_THAT(message([](GgufBuilder&, ModelConfig& config) { config.kv_heads = 3; }), HasSubstr("head_count_kv"));
  EXPECT_THAT(message([](GgufBuilder&, ModelConfig& config) { config.head_dim = 7; }), HasSubstr("key_length"));
  EXPECT_THAT(message([](GgufBuilder&, ModelConfig& config) { config.layers = 0; }), HasSubstr("block_count"));
  EXPECT_THAT(message([](GgufBuilder&, ModelConfig& config) { config.rms_norm_eps = 0; }), HasSubstr("epsilon"));
  EXPECT_THAT(message([](GgufBuilder&, ModelConfig&) {}, "other.weight"), HasSubstr("token_embd.weight"));
}

TEST_F(GgufConfig, OtherArchitecturesAreNamed) {
  GgufBuilder out;
  out.text("general.architecture", "gemma3");
  const auto file = m_scratch.write("m.gguf", out.bytes());
  EXPECT_THAT([&] { (void)loadModelConfig(file); },
              testing::ThrowsMessage<Error>(AllOf(HasSubstr("m.gguf"), HasSubstr("'gemma3'"))));
}

TEST_F(GgufConfig, APointerOfGitLfsIsNamed) {
  const auto file =
      m_scratch.write("m.gguf", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4976698\n");
  EXPECT_THAT([&] { (void)loadModelConfig(file); },
              testing::ThrowsMessage<Error>(AllOf(HasSubstr("m.gguf"), HasSubstr("Git LFS pointer"))));
}

TEST_F(GgufConfig, AFolderOfGgufFilesSaysWhatToName) {
  m_scratch.write("b.gguf", "");
  m_scratch.write("a.gguf", "");
  EXPECT_THAT([&] { (void)loadModelConfig(m_scratch.path()); },
              testing::ThrowsMessage<Error>(AllOf(HasSubstr("no config.json"), HasSubstr("'a.gguf'"))));
}

}  // namespace
}  // namespace kvatlas::capture::test
