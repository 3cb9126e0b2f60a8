// config.json of the model families: valid fields, refused ones, and the messages.
#include "capture/model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "tests/capture/model/golden.h"

namespace kvatlas::capture::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

json llama() {
  return {{"architectures", json::array({"LlamaForCausalLM"})},
          {"hidden_size", 64},
          {"intermediate_size", 128},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 8},
          {"vocab_size", 100},
          {"hidden_act", "silu"},
          {"rms_norm_eps", 1e-5},
          {"max_position_embeddings", 4096},
          {"num_key_value_heads", 2}};
}

json mistral() {
  json config = llama();
  config["architectures"] = json::array({"MistralForCausalLM"});
  return config;
}

ModelConfig read(const json& config, const json& generation = nullptr) {
  const ScratchFolder folder;
  folder.write("config.json", config.dump());
  if (!generation.is_null()) folder.write("generation_config.json", generation.dump());
  return loadModelConfig(folder.path());
}

// The message of the Error that reading `config` must raise.
std::string refusal(const json& config) {
  try {
    static_cast<void>(read(config));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

json with(json config, const char* field, const json& value) {
  config[field] = value;
  return config;
}

TEST(ModelConfig, GranitesFactors) {
  json config = with(llama(), "architectures", json::array({"GraniteForCausalLM"}));
  config.update({{"attention_multiplier", 0.25}, {"embedding_multiplier", 12}, {"logits_scaling", 8}});
  const ModelConfig granite = read(config);
  EXPECT_NEAR(granite.query_scale, 0.25 * std::sqrt(8.0), 1e-12);
  EXPECT_EQ(granite.embedding_scale, 12);
  EXPECT_EQ(granite.residual_scale, 1);
  EXPECT_EQ(granite.logits_scale, 0.125);
  for (const char* field : {"attention_multiplier", "logits_scaling", "attn_logit_softcapping"})
    EXPECT_THAT(refusal(with(llama(), field, 0.5)), AllOf(HasSubstr(field), HasSubstr("LlamaForCausalLM")));
}

TEST(ModelConfig, MixtralsExperts) {
  json config = with(llama(), "architectures", json::array({"MixtralForCausalLM"}));
  const ModelConfig usual = read(config);
  EXPECT_EQ(usual.experts, 8U);
  EXPECT_EQ(usual.experts_per_token, 2U);
  EXPECT_EQ(usual.rope.theta, 1e6);
  EXPECT_EQ(usual.sliding_window, 0U);
  const ModelConfig other = read(with(with(config, "num_local_experts", 16), "num_experts_per_tok", 3));
  EXPECT_EQ(other.experts, 16U);
  EXPECT_EQ(other.experts_per_token, 3U);
  EXPECT_EQ(read(with(config, "num_experts", 4)).experts, 4U);
  EXPECT_EQ(read(llama()).experts, 0U);
  EXPECT_THAT(refusal(with(config, "num_experts_per_tok", 9)), HasSubstr("num_experts_per_tok"));
  EXPECT_THAT(refusal(with(config, "num_local_experts", 0)), HasSubstr("num_local_experts"));
}

TEST(Config, ReadsTheShapeOfALlama) {
  const ModelConfig config = read(llama());
  EXPECT_EQ(config.architecture, "LlamaForCausalLM");
  EXPECT_EQ(config.layers, 2U);
  EXPECT_EQ(config.query_heads, 8U);
  EXPECT_EQ(config.kv_heads, 2U);
  EXPECT_EQ(config.head_dim, 8U);
  EXPECT_EQ(config.hidden_size, 64U);
  EXPECT_EQ(config.intermediate_size, 128U);
  EXPECT_EQ(config.vocab_size, 100U);
  EXPECT_EQ(config.max_positions, 4096U);
  EXPECT_EQ(config.sliding_window, 0U);
  EXPECT_EQ(config.rms_norm_eps, 1e-5);
  EXPECT_EQ(config.rope.theta, 10000.0);
  EXPECT_EQ(config.rope.scaling, RopeScaling::None);
  EXPECT_FALSE(config.tied_output || config.attention_bias || config.mlp_bias);
}

TEST(Config, TakesItsNameFromTheFolder) {
  EXPECT_EQ(loadModelConfig(modelFolder("llama2-gqa")).name, "llama2-gqa");
  EXPECT_EQ(loadModelConfig(modelFolder("llama2-gqa") / "").name, "llama2-gqa");
}

TEST(Config, MissingFieldsHaveTheirPublishedDefaults) {
  json config = llama();
  for (const char* field : {"num_key_value_heads", "rms_norm_eps", "hidden_act", "max_position_embeddings"})
    config.erase(field);
  const ModelConfig read_config = read(config);
  EXPECT_EQ(read_config.kv_heads, 8U);
  EXPECT_EQ(read_config.rms_norm_eps, 1e-6);
  EXPECT_EQ(read_config.max_positions, 2048U);
}

TEST(Config, HeadDimMayBeNullOrExplicit) {
  EXPECT_EQ(read(with(llama(), "head_dim", nullptr)).head_dim, 8U);
  EXPECT_EQ(read(with(llama(), "head_dim", 24)).head_dim, 24U);
  EXPECT_EQ(read(with(with(llama(), "head_dim", 10), "hidden_size", 60)).head_dim, 10U);
}

TEST(Config, SlidingWindowBelongsToMistral) {
  EXPECT_EQ(read(with(mistral(), "sliding_window", 128)).sliding_window, 128U);
  EXPECT_EQ(read(with(mistral(), "sliding_window", nullptr)).sliding_window, 0U);
  EXPECT_EQ(read(mistral()).sliding_window, 4096U);
  EXPECT_EQ(read(with(llama(), "sliding_window", 128)).sliding_window, 0U);
}

TEST(Config, BiasesAndTying) {
  EXPECT_TRUE(read(with(llama(), "attention_bias", true)).attention_bias);
  EXPECT_TRUE(read(with(llama(), "mlp_bias", true)).mlp_bias);
  EXPECT_TRUE(read(with(llama(), "tie_word_embeddings", true)).tied_output);
  EXPECT_FALSE(read(with(mistral(), "attention_bias", true)).attention_bias);
}

TEST(Config, ClassicAndNewerRopeFormsMeanTheSame) {
  const json scaling = {
      {"factor", 8.0}, {"low_freq_factor", 1.5}, {"high_freq_factor", 5.0}, {"original_max_position_embeddings", 512}};
  json classic = with(llama(), "rope_theta", 500000.0), newer = llama();
  classic["rope_scaling"] = with(scaling, "type", "llama3");
  newer["rope_parameters"] = with(with(scaling, "rope_type", "llama3"), "rope_theta", 500000.0);
  for (const json& config : {classic, newer}) {
    const RopeConfig rope = read(config).rope;
    EXPECT_EQ(rope.theta, 500000.0);
    EXPECT_EQ(rope.scaling, RopeScaling::Llama3);
    EXPECT_EQ(rope.factor, 8.0);
    EXPECT_EQ(rope.low_freq_factor, 1.5);
    EXPECT_EQ(rope.high_freq_factor, 5.0);
    EXPECT_EQ(rope.original_positions, 512U);
  }
}

TEST(Config, OtherRopeScalings) {
  EXPECT_EQ(read(with(llama(), "rope_scaling", {{"type", "linear"}, {"factor", 4}})).rope.scaling, RopeScaling::Linear);
  const RopeConfig dynamic = read(with(llama(), "rope_scaling", {{"rope_type", "dynamic"}, {"factor", 2.0}})).rope;
  EXPECT_EQ(dynamic.scaling, RopeScaling::Dynamic);
  EXPECT_EQ(dynamic.original_positions, 4096U);
  EXPECT_EQ(read(with(llama(), "rope_scaling", {{"rope_type", "default"}})).rope.scaling, RopeScaling::None);
  EXPECT_EQ(read(with(llama(), "rope_scaling", json::object())).rope.scaling, RopeScaling::None);
}

TEST(Config, EosIdsComeFromBothFiles) {
  EXPECT_THAT(read(with(llama(), "eos_token_id", 7)).eos_ids, ElementsAre(7U));
  EXPECT_THAT(read(with(llama(), "eos_token_id", 7), {{"eos_token_id", json::array({9, 7, 3})}}).eos_ids,
              ElementsAre(3U, 7U, 9U));
  EXPECT_THAT(read(with(llama(), "eos_token_id", json::array({-1, 100, 99}))).eos_ids, ElementsAre(99U));
  EXPECT_TRUE(read(llama(), {{"eos_token_id", nullptr}}).eos_ids.empty());
}

TEST(Config, MissingAndEmptyFoldersAreNamed) {
  const ScratchFolder folder;
  const auto message = [](const std::filesystem::path& path) -> std::string {
    try {
      static_cast<void>(loadModelConfig(path));
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message(folder.path() / "nowhere"), AllOf(HasSubstr("nowhere"), HasSubstr("no such")));
  EXPECT_THAT(message(folder.path()), HasSubstr("no config.json"));
  EXPECT_THAT(message(folder.write("file", "x")), HasSubstr("not a folder"));
  folder.write("config.json", "{\"hidden_size\": ");
  EXPECT_THAT(message(folder.path()), AllOf(HasSubstr("config.json"), HasSubstr("JSON")));
  folder.write("config.json", "[1, 2]");
  EXPECT_THAT(message(folder.path()), AllOf(HasSubstr("config.json"), HasSubstr("object")));
}

std::string complaintAbout(const std::filesystem::path& folder) {
  try {
    static_cast<void>(loadModelConfig(folder));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Config, FoldersThatAreNoCheckpointsAreNamedAsWhatTheyAre) {
  const ScratchFolder lora;
  lora.write("adapter_config.json", R"({"base_model_name_or_path": "org/base"})");
  EXPECT_THAT(complaintAbout(lora.path()), AllOf(HasSubstr("LoRA adapter for 'org/base'"), HasSubstr("merge")));

  const ScratchFolder cache;
  const auto repository = cache.path() / "models--org--name";
  std::filesystem::create_directories(repository / "refs");
  EXPECT_THAT(complaintAbout(cache.path()), HasSubstr("is the Hugging Face cache itself"));
  std::filesystem::create_directories(repository / "snapshots" / "0123");
  std::filesystem::create_directories(repository / "snapshots" / "4567");
  cache.write("models--org--name/refs/main", "4567\n");
  EXPECT_THAT(complaintAbout(repository), AllOf(HasSubstr("a repository's folder in the Hugging Face cache"),
                                                HasSubstr((repository / "snapshots" / "4567").string())));
  EXPECT_THAT(complaintAbout(cache.path()), HasSubstr((repository / "snapshots" / "4567").string()));
}

TEST(Config, ASnapshotInTheCacheIsNamedAfterItsRepository) {
  const ScratchFolder cache;
  for (const auto& [folder, name] : {std::pair{"models--org--tiny", "org/tiny"}, std::pair{"models--tiny", "tiny"}}) {
    const auto snapshot = cache.path() / folder / "snapshots" / "0e9e39f249a16976918f6564b8830bc894c89659";
    std::filesystem::create_directories(snapshot);
    std::filesystem::copy_file(modelFolder("llama2-gqa") / "config.json", snapshot / "config.json");
    EXPECT_EQ(loadModelConfig(snapshot).name, name);
    EXPECT_EQ(loadModelConfig(snapshot / "").name, name);
  }
  // A folder that is called so by chance.
  const auto other = cache.path() / "snapshots" / "mine";
  std::filesystem::create_directories(other);
  std::filesystem::copy_file(modelFolder("llama2-gqa") / "config.json", other / "config.json");
  EXPECT_EQ(loadModelConfig(other).name, "mine");
}

TEST(Config, NumbersOfPythonAreRead) {
  const ScratchFolder folder;
  std::string text = llama().dump();
  text.insert(1, R"("initializer_range": NaN, "a": "NaN, \"Infinity", "b": [Infinity, -Infinity], )");
  folder.write("config.json", text);
  EXPECT_EQ(loadModelConfig(folder.path()).layers, 2U);
  text.insert(1, R"("rope_theta": Infinity, )");
  folder.write("config.json", text);
  EXPECT_THAT(complaintAbout(folder.path()), AllOf(HasSubstr("rope_theta"), HasSubstr("found Infinity")));
}

json qwen(const char* architecture) {
  return with(llama(), "architectures", json::array({architecture}));
}

TEST(Config, QwensHaveBiasesNormsAndDefaultsOfTheirOwn) {
  const ModelConfig second = read(qwen("Qwen2ForCausalLM"));
  EXPECT_TRUE(second.attention_bias);
  EXPECT_FALSE(second.output_bias || second.qk_norm || second.mlp_bias);
  EXPECT_EQ(second.head_dim, 8U);
  const ModelConfig third = read(qwen("Qwen3ForCausalLM"));
  EXPECT_TRUE(third.qk_norm);
  EXPECT_FALSE(third.attention_bias || third.output_bias || third.mlp_bias);
  EXPECT_EQ(third.head_dim, 128U);
  EXPECT_TRUE(read(with(qwen("Qwen3ForCausalLM"), "attention_bias", true)).output_bias);
  json typed = llama();
  typed.erase("architectures");
  EXPECT_EQ(read(with(typed, "model_type", "qwen3")).architecture, "Qwen3ForCausalLM");
}

TEST(Config, QwensWindowCountsForAllLayersOrNone) {
  json config = with(with(qwen("Qwen2ForCausalLM"), "sliding_window", 128), "max_window_layers", 28);
  EXPECT_EQ(read(config).sliding_window, 0U);
  config["use_sliding_window"] = true;
  EXPECT_EQ(read(config).sliding_window, 0U);  // every layer is below max_window_layers
  EXPECT_EQ(read(with(config, "max_window_layers", 0)).sliding_window, 128U);
  EXPECT_THAT(refusal(with(config, "max_window_layers", 1)), HasSubstr("max_window_layers"));
  EXPECT_THAT(refusal(with(config, "layer_types", {"full_attention", "sliding_attention"})), HasSubstr("layer_types"));
}

TEST(Config, ABareModelIsOfItsFamily) {
  EXPECT_EQ(read(qwen("LlamaModel")).architecture, "LlamaForCausalLM");
  EXPECT_EQ(read(qwen("Qwen2Model")).architecture, "Qwen2ForCausalLM");
}

TEST(Config, YarnAndLongRope) {
  const RopeConfig yarn =
      read(with(llama(), "rope_scaling",
                {{"type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 1024}, {"beta_fast", 16}}))
          .rope;
  EXPECT_EQ(yarn.scaling, RopeScaling::Yarn);
  EXPECT_EQ(yarn.original_positions, 1024U);
  EXPECT_EQ(yarn.beta_fast, 16);
  EXPECT_NEAR(yarn.attention_factor, 0.1 * 1.3862943611198906 + 1, 1e-12);
  json config = with(llama(), "original_max_position_embeddings", 256);
  json factors = {{"type", "longrope"}, {"short_factor", {1, 1, 1, 1}}, {"long_factor", {1, 2, 3, 4}}};
  const RopeConfig rope = read(with(config, "rope_scaling", factors)).rope;
  EXPECT_EQ(rope.original_positions, 256U);
  EXPECT_EQ(rope.factor, 16);
  EXPECT_NEAR(rope.attention_factor, 1.224744871391589, 1e-12);  // √(1 + ln 16 / ln 256)
  factors["long_factor"] = json::array({1, 2, 3});
  EXPECT_THAT(refusal(with(config, "rope_scaling", factors)), HasSubstr("rope_scaling.long_factor"));
}

struct Refused {
  const char* field;
  json value;
  const char* says;  // what was expected or found
};

TEST(Config, BadValuesAreRefusedByFieldExpectationAndFinding) {
  const std::vector<Refused> cases{
      {"architectures", json::array({"GPT2LMHeadModel"}), "GPT2LMHeadModel"},
      {"architectures", "LlamaForCausalLM", "[\"LlamaForCausalLM\"]"},
      {"architectures", json::array(), "[]"},
      {"hidden_act", "gelu", "\"silu\", found \"gelu\""},
      {"hidden_act", 3, "a string, found 3"},
      {"num_hidden_layers", 1001, "from 1 to 1000, found 1001"},
      {"num_hidden_layers", 0, "from 1 to 1000"},
      {"num_hidden_layers", -4, "found -4"},
      {"num_hidden_layers", 2.5, "found 2.5"},
      {"num_hidden_layers", "two", "found \"two\""},
      {"num_hidden_layers", nullptr, "found nothing"},
      {"hidden_size", (1 << 20) + 1, "1048576"},
      {"hidden_size", 1e300, "whole number"},
      {"vocab_size", 1ULL << 62, "whole number"},
      {"num_key_value_heads", 3, "a divisor of num_attention_heads = 8, found 3"},
      {"num_attention_heads", 6, "divisor"},
      {"num_attention_heads", 1 << 19, "divisor"},
      {"head_dim", 7, "even"},
      {"rms_norm_eps", 0, "above 0"},
      {"rms_norm_eps", "small", "a number above 0"},
      {"tie_word_embeddings", "yes", "true or false"},
      {"eos_token_id", "</s>", "token id"},
      {"rope_theta", -1, "above 0"},
      {"rope_scaling", "linear", "an object"},
      {"quantization_config", {{"bits", 4}}, "f32, f16 and bf16"},
      {"partial_rotary_factor", 0.5, "every dimension"},
  };
  for (const Refused& refused : cases) {
    // Heads of a total width above 2^20 are refused too.
    const std::string message = refusal(with(llama(), refused.field, refused.value));
    EXPECT_THAT(message, AllOf(HasSubstr("config.json"), HasSubstr(refused.field), HasSubstr(refused.says)))
        << refused.value;
    EXPECT_THAT(message, testing::Not(HasSubstr("\n")));
  }
  EXPECT_THAT(refusal(with(llama(), "head_dim", 1 << 20)), HasSubstr("product"));
}

TEST(Config, OtherRopeTypesAreNamed) {
  for (const char* type : {"su", "mrope"})
    for (const char* field : {"rope_scaling", "rope_parameters"})
      EXPECT_THAT(refusal(with(llama(), field, {{"rope_type", type}, {"factor", 2.0}})),
                  AllOf(HasSubstr("rope_type"), HasSubstr(type)));
  EXPECT_THAT(refusal(with(llama(), "rope_scaling", {{"type", "linear"}})), HasSubstr("rope_scaling.factor"));
  EXPECT_THAT(refusal(with(llama(), "rope_scaling", {{"type", "linear"}, {"factor", 0.5}})), HasSubstr("at least 1"));
  EXPECT_THAT(refusal(with(llama(), "rope_scaling",
                           {{"type", "llama3"}, {"factor", 8}, {"low_freq_factor", 4}, {"high_freq_factor", 1}})),
              HasSubstr("high_freq_factor"));
  EXPECT_THAT(refusal(with(llama(), "rope_parameters", {{"full_attention", {{"rope_type", "default"}}}})),
              HasSubstr("full_attention"));
}

}  // namespace
}  // namespace kvatlas::capture::test
