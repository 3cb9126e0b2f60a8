// Invalid checkpoints: `kvatlas capture` names file and field, writes nothing and does not crash.
#include "tests/app/programme.h"
#include "tests/app/spoiled_model.h"

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kTensors = "model.safetensors";
constexpr const char* kQuery = "model.layers.1.self_attn.q_proj.weight";

class BadModel : public ProgrammeTest {
 protected:
  SpoiledModel spoil(const fs::path& original = smallModel()) const { return {original, folder() / "model"}; }

  // Ends with this error and does not change the folder.
  void refuses(const std::string& model, const Words& culprits) {
    const std::string ids = write("prompt.ids", idsText(24, 64));
    const Words before = names();
    const Ended ended = run(capture({"--model", model, "--ids", ids, "--max-new-tokens", "2"}));
    expectRefused(ended, 1, culprits);
    EXPECT_EQ(names(), before) << "a file was left behind";
    EXPECT_LT(ended.peak_bytes, std::uint64_t{1} << 30U);
  }
  void refuses(const SpoiledModel& model, const Words& culprits) { refuses(model.path(), culprits); }
};

// The intact copy passes, so that each failure below comes from the corruption.
TEST_F(BadModel, TheCopyItselfIsGood) {
  const SpoiledModel model = spoil();
  const std::string ids = write("prompt.ids", idsText(24, 64));
  expectDone(run(capture({"--model", model.path(), "--ids", ids, "--max-new-tokens", "2"})));
  EXPECT_EQ(names(), (Words{"model", "out.kva.h5", "prompt.ids"}));
}

TEST_F(BadModel, MissingFolder) {
  refuses(path("nowhere"), {path("nowhere"), "no such"});
}
TEST_F(BadModel, EmptyFolder) {
  fs::create_directory(folder() / "empty");
  refuses(path("empty"), {path("empty"), "config.json"});
}
TEST_F(BadModel, FileInsteadOfFolder) {
  refuses(write("model", "x"), {path("model"), "folder"});
}

TEST_F(BadModel, UnknownArchitectureIsNamed) {
  const SpoiledModel model = spoil();
  model.editJson("config.json", [](json& config) { config["architectures"] = {"Gemma2ForCausalLM"}; });
  refuses(model, {"config.json", "architectures", "Gemma2ForCausalLM"});
}
// More than any machine has: refused before the weights are read, not ended by the system without a word.
TEST_F(BadModel, ARunBeyondTheMemoryIsRefused) {
  const SpoiledModel model = spoil();
  model.editJson("config.json", [](json& config) {
    config["num_hidden_layers"] = 1000;
    config["num_attention_heads"] = config["num_key_value_heads"] = 128;
    config["head_dim"] = 128;
  });
  const std::string ids = write("long.ids", idsText(100'000, 64));
  expectRefused(run(capture({"--model", model.path(), "--ids", ids})), 1,
                {"100000 tokens needs at least 13", "keys and values 13107.2", "are free", "a prompt of at most"});
}
TEST_F(BadModel, BrokenConfig) {
  const SpoiledModel model = spoil();
  model.shorten("config.json", 9);
  refuses(model, {"config.json", "JSON"});
}
TEST_F(BadModel, EmptyConfig) {
  const SpoiledModel model = spoil();
  model.write("config.json", "");
  refuses(model, {"config.json", "JSON"});
}
TEST_F(BadModel, ConfigThatIsNoObject) {
  const SpoiledModel model = spoil();
  model.write("config.json", "[1, 2]");
  refuses(model, {"config.json"});
}
TEST_F(BadModel, ConfigWithoutAField) {
  const SpoiledModel model = spoil();
  model.editJson("config.json", [](json& config) { config.erase("hidden_size"); });
  refuses(model, {"config.json", "hidden_size"});
}
TEST_F(BadModel, ConfigOfWrongType) {
  const SpoiledModel model = spoil();
  model.editJson("config.json", [](json& config) { config["num_hidden_layers"] = "three"; });
  refuses(model, {"config.json", "num_hidden_layers"});
}
TEST_F(BadModel, AbsurdConfigNumbers) {
  const SpoiledModel model = spoil();
  model.editJson("config.json", [](json& config) { config["num_hidden_layers"] = 4'000'000'000U; });
  refuses(model, {"config.json", "num_hidden_layers"});
}
TEST_F(BadModel, ConfigNestedBeyondMeasure) {
  const SpoiledModel model = spoil();
  model.write("config.json", std::string(200'000, '['));
  refuses(model, {"config.json"});
}

TEST_F(BadModel, NoWeights) {
  const SpoiledModel model = spoil();
  model.remove(kTensors);
  refuses(model, {model.path(), "safetensors"});
}
TEST_F(BadModel, EmptyWeights) {
  const SpoiledModel model = spoil();
  model.write(kTensors, "");
  refuses(model, {kTensors});
}
TEST_F(BadModel, TruncatedWeights) {
  const SpoiledModel model = spoil();
  model.shorten(kTensors, 100);
  refuses(model, {kTensors});
}
TEST_F(BadModel, WeightsCutInTheHeader) {
  const SpoiledModel model = spoil();
  model.write(kTensors, std::string("\x40\0\0\0\0\0\0\0{\"model.no", 18));
  refuses(model, {kTensors, "header"});
}
TEST_F(BadModel, AbsurdHeaderLength) {
  for (const std::uint64_t length : {~std::uint64_t{0}, std::uint64_t{1} << 62U, std::uint64_t{99'000'000}}) {
    const SpoiledModel model(smallModel(), folder() / ("model" + std::to_string(length)));
    model.setHeaderLength(length);
    refuses(model, {kTensors, "header"});
  }
}
TEST_F(BadModel, HeaderThatIsNoJson) {
  const SpoiledModel model = spoil();
  model.setHeaderLength(37);
  refuses(model, {kTensors, "header"});
}
TEST_F(BadModel, OffsetsBeyondTheFile) {
  const SpoiledModel model = spoil();
  model.editTensors([](json& tensors) {
    auto& offsets = tensors[kQuery]["data_offsets"];
    offsets = {offsets[0].get<std::uint64_t>() + 10'000'000, offsets[1].get<std::uint64_t>() + 10'000'000};
  });
  refuses(model, {kTensors, kQuery});
}
TEST_F(BadModel, OffsetsThatOverflow) {
  const SpoiledModel model = spoil();
  model.editTensors([](json& tensors) {
    tensors[kQuery]["data_offsets"] = {~std::uint64_t{0} - 4095, ~std::uint64_t{0}};
  });
  refuses(model, {kTensors, kQuery});
}
TEST_F(BadModel, OffsetsBackwards) {
  const SpoiledModel model = spoil();
  model.editTensors(
      [](json& tensors) { std::swap(tensors[kQuery]["data_offsets"][0], tensors[kQuery]["data_offsets"][1]); });
  refuses(model, {kTensors, kQuery});
}
TEST_F(BadModel, OverlappingTensors) {
  const SpoiledModel model = spoil();
  const std::string other = "model.layers.0.self_attn.q_proj.weight";
  model.editTensors([&](json& tensors) { tensors[kQuery]["data_offsets"] = tensors[other]["data_offsets"]; });
  refuses(model, {kTensors});
}
TEST_F(BadModel, WrongShape) {
  const SpoiledModel model = spoil();
  model.editTensors([](json& tensors) { tensors[kQuery]["shape"] = {16, 64}; });
  refuses(model, {kTensors, kQuery, "shape"});
}
TEST_F(BadModel, ShapeThatOverflows) {
  const SpoiledModel model = spoil();
  model.editTensors([](json& tensors) {
    tensors[kQuery]["shape"] = {std::uint64_t{1} << 40U, std::uint64_t{1} << 40U};
  });
  refuses(model, {kTensors, kQuery, "shape"});
}
TEST_F(BadModel, WrongElementType) {
  const SpoiledModel model = spoil();
  model.editTensors([](json& tensors) { tensors[kQuery]["dtype"] = "I32"; });
  refuses(model, {kTensors, kQuery, "I32"});
}
TEST_F(BadModel, UnknownElementType) {
  const SpoiledModel model = spoil();
  model.editTensors([](json& tensors) { tensors[kQuery]["dtype"] = "F3"; });
  refuses(model, {kTensors, kQuery, "F3"});
}
TEST_F(BadModel, MissingTensor) {
  const SpoiledModel model = spoil();
  model.editJson("config.json", [](json& config) { config["num_hidden_layers"] = 4; });
  refuses(model, {"model.layers.3."});
}
// A layer with non-finite attention: the error names layer and head; neither that layer nor a finished trace exists.
TEST_F(BadModel, WeightsThatAreNotFinite) {
  for (const std::string& bits : {std::string("\0\0\xc0\x7f", 4), std::string("\0\0\x80\xff", 4)}) {  // NaN, −Inf
    const SpoiledModel model = spoil();
    model.editTensors([](json& tensors) { tensors[kQuery]["dtype"] = "F32"; });
    const auto file = model.file(kTensors);
    FILE* raw = fopen(file.c_str(), "r+b");
    fseek(raw, -4096, SEEK_END);  // the last tensors: the norms and projections of layer 2
    for (int i = 0; i < 512; ++i) fwrite(bits.data(), 1, bits.size(), raw);
    fclose(raw);
    const std::string ids = write("prompt.ids", idsText(24, 64));
    const Ended ended = run(capture({"--model", model.path(), "--ids", ids, "--max-new-tokens", "2"}));
    expectRefused(ended, 1, {"layer 2", "head", "not finite"});
    EXPECT_FALSE(fs::exists(trace()));
    const Ended info = run({"info", trace() + ".part", "--json"});
    expectDone(info);
    const json layers = json::parse(info.out)["attention"]["layers"];
    ASSERT_EQ(layers.size(), 3U);
    EXPECT_TRUE(layers[2]["members"].empty()) << info.out;
    EXPECT_NE(run({"validate", trace() + ".part"}).out.find("did not finish"), std::string::npos);
    fs::remove_all(model.path());
  }
}

// Finite weights can give values beyond the compute type's range or precision. A capture either refuses them or writes
// a trace that `validate` takes.
TEST_F(BadModel, WeightsThatAreDamagedButFinite) {
  const std::string ids = write("prompt.ids", idsText(58, 64));
  int refused = 0, valid = 0;
  for (const char* tensor : {"q_proj", "k_proj", "v_proj", "o_proj"})
    for (const double factor : {1e4, 1e19, 1e36}) {
      SCOPED_TRACE(testing::Message() << tensor << " times " << factor);
      const SpoiledModel model = spoil();
      model.scaleTensor(std::string("model.layers.1.self_attn.") + tensor + ".weight", factor);
      const Ended ended = run(capture({"--model", model.path(), "--ids", ids, "--method", "snapkv", "--budget", "16",
                                       "--max-new-tokens", "2", "--threads", "1"}));
      if (ended.exit_code == 0) {
        ++valid;
        expectDone(run({"validate", trace()}));
      } else {
        ++refused;
        expectRefused(ended, 1, {"layer"});
        EXPECT_FALSE(fs::exists(trace()));
        expectDone(run({"info", trace() + ".part"}));
      }
      fs::remove(trace());
      fs::remove_all(model.path());
    }
  EXPECT_GE(refused, 6);
  EXPECT_GE(valid, 3);  // the output projection harms nothing that is recorded
}

TEST_F(BadModel, MissingShard) {
  const SpoiledModel model = spoil(fs::path(KVATLAS_TEST_DATA) / "models/sharded");
  model.remove("model-00002-of-00002.safetensors");
  refuses(model, {"model-00002-of-00002.safetensors"});
}
TEST_F(BadModel, ShardOutsideTheFolder) {
  const SpoiledModel model = spoil(fs::path(KVATLAS_TEST_DATA) / "models/sharded");
  model.editJson("model.safetensors.index.json",
                 [](json& index) { index["weight_map"]["lm_head.weight"] = "../../etc/passwd"; });
  refuses(model, {"model.safetensors.index.json", "../../etc/passwd"});
}
TEST_F(BadModel, TensorInNoShard) {
  const SpoiledModel model = spoil(fs::path(KVATLAS_TEST_DATA) / "models/sharded");
  model.editJson("config.json", [](json& config) { config["num_hidden_layers"] = 3; });
  model.editJson("model.safetensors.index.json", [](json& index) {
    index["weight_map"]["model.layers.2.input_layernorm.weight"] = "model-00001-of-00002.safetensors";
  });
  refuses(model, {"model.layers.2.input_layernorm.weight", "model-00001-of-00002.safetensors"});
}
TEST_F(BadModel, BrokenIndex) {
  const SpoiledModel model = spoil(fs::path(KVATLAS_TEST_DATA) / "models/sharded");
  model.shorten("model.safetensors.index.json", 30);
  refuses(model, {"model.safetensors.index.json", "JSON"});
}

TEST_F(BadModel, BrokenTokenizer) {
  const SpoiledModel model = spoil(bundledModel());
  model.shorten("tokenizer.json", 1000);
  refuses(model, {"tokenizer.json", "JSON"});
}
TEST_F(BadModel, TokenizerOfUnknownKind) {
  const SpoiledModel model = spoil(bundledModel());
  model.editJson("tokenizer.json", [](json& tokenizer) { tokenizer["model"]["type"] = "Unigram"; });
  refuses(model, {"tokenizer.json", "Unigram"});
}
TEST_F(BadModel, TokenizerWithIdsBeyondTheModel) {
  const SpoiledModel model = spoil(bundledModel());
  model.editJson("config.json", [](json& config) { config["vocab_size"] = 64; });
  const Ended ended = run(capture({"--model", model.path(), "--text", "Fourscore and seven years ago"}));
  expectRefused(ended, 1, {"vocabulary", "64"});
}

}  // namespace
}  // namespace kvatlas::app_test
