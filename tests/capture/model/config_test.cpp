// config.json of the model families: valid fields, refused ones, and the messages.
#include "capture/model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  for (const char* type : {"yarn", "longrope", "su"})
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
