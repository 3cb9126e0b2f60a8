// `kvatlas info MODEL`: what a checkpoint is, and the error of bf16 against f32.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/app/programme.h"

namespace kvatlas::app_test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

class ModelInfo : public ProgrammeTest {};

json infoOf(const Words& arguments) {
  const Ended ended = run(arguments);
  expectDone(ended);
  return json::parse(ended.out);
}

// Numbers in a safetensors file, by its own header.
std::uint64_t weightsIn(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::uint64_t length = 0;
  in.read(reinterpret_cast<char*>(&length), 8);
  std::string header(length, ' ');
  in.read(header.data(), static_cast<std::streamsize>(length));
  std::uint64_t weights = 0;
  const json tensors = json::parse(header);
  for (const auto& [name, tensor] : tensors.items()) {
    if (name == "__metadata__") continue;
    std::uint64_t size = 1;
    for (const auto& side : tensor["shape"]) size *= side.get<std::uint64_t>();
    weights += size;
  }
  return weights;
}

TEST_F(ModelInfo, CountsWhatTheFilesHold) {
  const json info = infoOf({"info", bundledModel().string(), "--json"});
  const json config = json::parse(std::ifstream(bundledModel() / "config.json"));
  EXPECT_EQ(info["weights"], weightsIn(bundledModel() / "model.safetensors"));
  EXPECT_EQ(info["layers"], config["num_hidden_layers"]);
  EXPECT_EQ(info["query_heads"], config["num_attention_heads"]);
  EXPECT_EQ(info["kv_heads"], config["num_key_value_heads"]);
  EXPECT_EQ(info["vocab_size"], config["vocab_size"]);
  EXPECT_EQ(info["max_positions"], config["max_position_embeddings"]);
  EXPECT_EQ(info["cache_bytes_per_token_f32"], 2U * 4U * info["layers"].get<unsigned>() *
                                                   info["kv_heads"].get<unsigned>() * info["head_dim"].get<unsigned>());
  EXPECT_EQ(info["tokenizer"], true);
  EXPECT_TRUE(info["dtypes"].empty());
}

TEST_F(ModelInfo, MeasuresWhatBf16Changes) {
  for (const auto& model : {bundledModel(), smallModel()}) {
    const json info = infoOf({"info", model.string(), "--measure", "--threads", "1", "--json"});
    ASSERT_EQ(info["dtypes"].size(), 2U);
    const json &f32 = info["dtypes"][0], &bf16 = info["dtypes"][1];
    EXPECT_EQ(f32["dtype"], "f32");
    EXPECT_EQ(f32["largest_logit_error"], 0);
    EXPECT_EQ(f32["same_next_token"], f32["tokens"]);
    // bf16 keeps eight bits: its error is neither nothing nor a wrong model.
    EXPECT_EQ(bf16["dtype"], "bf16");
    EXPECT_GT(bf16["largest_logit_error"], 1e-4);
    EXPECT_LT(bf16["largest_logit_error"], 0.1);
    EXPECT_GT(bf16["mean_kl_nats"], 0);
    EXPECT_LT(bf16["mean_kl_nats"], 0.05);
    EXPECT_GT(bf16["same_next_token"].get<double>(), 0.8 * bf16["tokens"].get<double>());
    EXPECT_GE(bf16["tokens"], 100);
    EXPECT_GT(bf16["seconds"], 0);
  }
}

TEST_F(ModelInfo, SaysItInWords) {
  const Ended facts = run({"info", bundledModel().string()});
  expectDone(facts);
  EXPECT_THAT(facts.out,
              AllOf(HasSubstr("LlamaForCausalLM"), HasSubstr("million weights"), HasSubstr("per token in f32"),
                    HasSubstr("compute types on this processor: f32 (the default)")));
  const Ended measured = run({"info", smallModel().string(), "--measure"});
  expectDone(measured);
  EXPECT_THAT(measured.out, AllOf(HasSubstr("no tokenizer"), HasSubstr("against f32: logits differ by at most")));
}

TEST_F(ModelInfo, RefusesWhatIsNoModel) {
  expectRefused(run({"info", folder().string()}), 1, {folder().string(), "config.json"});
  expectRefused(run({"info", write("a.gguf", "GGUF")}), 1, {"a.gguf"});
  expectRefused(run({"info", write("a.kva.h5", "x"), "--measure"}), 2, {"--measure", "a.kva.h5"});
}

}  // namespace
}  // namespace kvatlas::app_test
