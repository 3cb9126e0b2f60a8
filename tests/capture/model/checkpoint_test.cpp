// Checkpoint folders: shards, index, wrong weights, memory.
#include "capture/model/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/ops/equal.h>

#include <array>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>

#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/capture/model/golden.h"

namespace kvatlas::capture::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

std::string messageOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// A copy of a golden checkpoint that tests corrupt.
class Copy : public ScratchFolder {
 public:
  explicit Copy(const std::string& name) { fs::copy(modelFolder(name), path(), fs::copy_options::recursive); }
  [[nodiscard]] std::string openError() const {
    return messageOf([this] { const Checkpoint checkpoint(path()); });
  }
  [[nodiscard]] std::string loadError() const {
    return messageOf([this] { static_cast<void>(Decoder::load(path(), {}, {})); });
  }
  void edit(const std::string& name, const std::function<void(nlohmann::json&)>& change) const {
    nlohmann::json json = readJsonFile(path() / name);
    change(json);
    write(name, json.dump());
  }
};

constexpr const char* kIndex = "model.safetensors.index.json";

// Resident bytes of this process's mappings of `file`, and whether `address` lies in one of them.
struct Mapping {
  std::size_t resident = 0;
  bool contains = false;
};

Mapping mappingOf(const fs::path& file, const void* address) {
  std::ifstream maps("/proc/self/smaps");
  Mapping mapping;
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::istringstream range(line);
    if (range >> std::hex >> begin >> dash >> end && dash == '-') {
      inside = line.ends_with(fs::canonical(file).string());
      const auto at = reinterpret_cast<std::uintptr_t>(address);
      if (inside && at >= begin && at < end) mapping.contains = true;
    } else if (inside && line.starts_with("Rss:")) {
      mapping.resident += std::stoul(line.substr(4)) * 1024;
    }
  }
  return mapping;
}

TEST(Checkpoint, WeightsOfTheComputeTypeAreNotCopied) {
  const Checkpoint checkpoint(modelFolder("llama2-gqa"));
  const at::Tensor weight =
      checkpoint.load("model.embed_tokens.weight", std::array<std::int64_t, 2>{64, 32}, at::kFloat, at::kCPU);
  EXPECT_TRUE(mappingOf(modelFolder("llama2-gqa") / "model.safetensors", weight.const_data_ptr()).contains);
}

TEST(Checkpoint, AViewOutlivesTheCheckpoint) {
  at::Tensor weight;
  {
    const Checkpoint checkpoint(modelFolder("llama2-gqa"));
    weight = checkpoint.load("model.norm.weight", std::array<std::int64_t, 1>{32}, at::kFloat, at::kCPU);
  }
  EXPECT_TRUE(mappingOf(modelFolder("llama2-gqa") / "model.safetensors", weight.const_data_ptr()).contains);
  EXPECT_GT(weight.const_data_ptr<float>()[31], 0.0F);
}

TEST(Checkpoint, ConvertedWeightsGiveTheirPagesBack) {
  const fs::path file = modelFolder("tiny-llama") / "model.safetensors";
  const Checkpoint checkpoint(modelFolder("tiny-llama"));
  std::vector<at::Tensor> weights;
  for (int layer = 0; layer < 6; ++layer)
    for (const char* name : {"gate_proj", "up_proj"})
      weights.push_back(checkpoint.load("model.layers." + std::to_string(layer) + ".mlp." + name + ".weight",
                                        std::array<std::int64_t, 2>{512, 192}, at::kFloat, at::kCPU));
  const Mapping mapping = mappingOf(file, weights.front().const_data_ptr());
  EXPECT_FALSE(mapping.contains);
  // It read 12 matrices of 192 KiB; the kernel may map some pages around the last ones.
  EXPECT_LT(mapping.resident, 12U * 192 * 1024 / 2);
}

TEST(Checkpoint, MisalignedWeightsAreCopied) {
  const ScratchFolder folder;
  const std::string header = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  const float numbers[2] = {1.5F, -2.0F};
  bytes += header + "x" + std::string(reinterpret_cast<const char*>(numbers), 8);
  folder.write("model.safetensors", bytes);
  const at::Tensor a = Checkpoint(folder.path()).load("a", std::array<std::int64_t, 1>{2}, at::kFloat, at::kCPU);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.const_data_ptr()) % 4, 0U);
  EXPECT_EQ(a.const_data_ptr<float>()[0], 1.5F);
  EXPECT_EQ(a.const_data_ptr<float>()[1], -2.0F);
}

TEST(Checkpoint, NoWeightsAtAll) {
  const Copy copy("llama2-gqa");
  fs::remove(copy.path() / "model.safetensors");
  EXPECT_THAT(copy.loadError(), AllOf(HasSubstr(copy.path().string()), HasSubstr("model.safetensors")));
}

TEST(Checkpoint, WrongShapesAndTypesNameFileTensorExpectedAndFound) {
  const Copy copy("llama2-gqa");
  copy.edit("config.json", [](auto& json) { json["vocab_size"] = 65; });
  EXPECT_THAT(copy.loadError(), AllOf(HasSubstr("model.safetensors"), HasSubstr("'model.embed_tokens.weight'"),
                                      HasSubstr("[65, 32]"), HasSubstr("found [64, 32]")));
  const Checkpoint checkpoint(modelFolder("llama2-gqa"));
  EXPECT_THAT(messageOf([&] {
                static_cast<void>(
                    checkpoint.load("model.norm.weight", std::array<std::int64_t, 2>{32, 1}, at::kFloat, at::kCPU));
              }),
              HasSubstr("found [32]"));

  const Copy typed("llama2-gqa");
  std::string bytes = readFile(typed.path() / "model.safetensors");
  const std::size_t tensor = bytes.find("model.norm.weight");
  bytes.replace(bytes.find("F32", tensor), 3, "I32");
  typed.write("model.safetensors", bytes);
  EXPECT_THAT(typed.loadError(),
              AllOf(HasSubstr("'model.norm.weight'"), HasSubstr("expected dtype F32, F16 or BF16, found I32")));
}

TEST(Checkpoint, AMissingWeightIsNamed) {
  const Copy copy("llama2-gqa");
  copy.edit("config.json", [](auto& json) { json["num_hidden_layers"] = 4; });
  EXPECT_THAT(copy.loadError(),
              AllOf(HasSubstr("model.safetensors"), HasSubstr("'model.layers.3.input_layernorm.weight'")));
}

TEST(Checkpoint, ATruncatedFileIsRefused) {
  const Copy copy("llama2-gqa");
  fs::resize_file(copy.path() / "model.safetensors", fs::file_size(copy.path() / "model.safetensors") - 1);
  EXPECT_THAT(copy.loadError(), AllOf(HasSubstr("model.safetensors"), HasSubstr("truncated")));
}

TEST(Checkpoint, AMissingShardIsNamed) {
  const Copy copy("sharded");
  const std::string shard = readJsonFile(copy.path() / kIndex)["weight_map"]["model.norm.weight"];
  fs::remove(copy.path() / shard);
  EXPECT_THAT(copy.openError(), AllOf(HasSubstr(shard), HasSubstr("missing shard")));
}

TEST(Checkpoint, AnIndexThatLiesIsRefused) {
  const auto refusal = [](const std::function<void(nlohmann::json&)>& change) {
    const Copy copy("sharded");
    copy.edit(kIndex, change);
    return copy.openError();
  };
  EXPECT_EQ(refusal([](auto&) {}), "no error");
  for (const char* name : {"../x.safetensors", "/etc/passwd", "a/b", "..", ".", "", "a\\b"})
    EXPECT_THAT(refusal([&](auto& json) { json["weight_map"]["model.norm.weight"] = name; }),
                AllOf(HasSubstr(kIndex), HasSubstr("'model.norm.weight'"), HasSubstr("inside the folder")))
        << name;
  EXPECT_THAT(refusal([](auto& json) { json["weight_map"]["model.norm.weight"] = 3; }),
              HasSubstr("expected a file name"));
  EXPECT_THAT(refusal([](auto& json) { json.erase("weight_map"); }), HasSubstr("'weight_map'"));
  EXPECT_THAT(refusal([](auto& json) { json = nlohmann::json::array(); }), HasSubstr("'weight_map'"));
}

// Transformers reads what the shards hold: an index that lags behind them does not matter.
TEST(Checkpoint, AStaleIndexIsNoMatter) {
  const Copy copy("sharded");
  const std::vector<TokenId> ids{3, 5, 8};
  const at::Tensor right = Decoder::load(copy.path(), {}, {}).allLogits(ids);
  std::string other;
  copy.edit(kIndex, [&](auto& json) {
    auto& map = json["weight_map"];
    map["model.layers.0.self_attn.rotary_emb.inv_freq"] = map["model.norm.weight"];
    other = map["lm_head.weight"] == map["model.embed_tokens.weight"] ? "" : map["model.embed_tokens.weight"];
    ASSERT_NE(other, "");
    map["lm_head.weight"] = other;
    map.erase("model.norm.weight");
  });
  EXPECT_TRUE(at::equal(Decoder::load(copy.path(), {}, {}).allLogits(ids), right));
  copy.edit("config.json", [](auto& json) { json["num_hidden_layers"] = 3; });
  copy.edit(kIndex, [&](auto& json) { json["weight_map"]["model.layers.2.input_layernorm.weight"] = other; });
  EXPECT_THAT(copy.loadError(), AllOf(HasSubstr("'model.layers.2.input_layernorm.weight'"), HasSubstr(kIndex)));
}

// The header with every name changed; the data stay.
void rename(const Copy& copy, const std::function<std::string(const std::string&)>& renamed) {
  const std::string bytes = readFile(copy.path() / "model.safetensors");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  const nlohmann::json header = nlohmann::json::parse(bytes.substr(8, length));
  const std::string data = bytes.substr(8 + length);
  nlohmann::json changed = nlohmann::json::object();
  for (const auto& [name, entry] : header.items())
    if (const std::string to = name == "__metadata__" ? name : renamed(name); !to.empty()) changed[to] = entry;
  const std::string text = changed.dump();
  length = text.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, sizeof length);
  copy.write("model.safetensors", out + text + data);
}

TEST(Checkpoint, PrefixesOfTheDecoderAreFound) {
  const std::vector<TokenId> ids{3, 5, 8};
  const at::Tensor right = Decoder::load(modelFolder("llama2-gqa"), {}, {}).allLogits(ids);
  const auto logitsWith = [&](const std::function<std::string(const std::string&)>& renamed) {
    const Copy copy("llama2-gqa");
    rename(copy, renamed);
    return Decoder::load(copy.path(), {}, {}).allLogits(ids);
  };
  const auto bare = [](const std::string& name) { return name.starts_with("model.") ? name.substr(6) : name; };
  EXPECT_TRUE(at::equal(logitsWith(bare), right));
  EXPECT_TRUE(at::equal(logitsWith([](const std::string& name) { return "language_model." + name; }), right));
  EXPECT_TRUE(at::equal(logitsWith([&](const std::string& name) {
                          return name.starts_with("model.") ? "model.language_model." + bare(name) : name;
                        }),
                        right));
}

TEST(Checkpoint, OfTiedMatricesEitherMayBeStored) {
  const std::vector<TokenId> ids{3, 5, 8};
  const at::Tensor right = Decoder::load(modelFolder("llama32-tied"), {}, {}).allLogits(ids);
  const Copy copy("llama32-tied");
  rename(copy, [](const std::string& name) { return name == "model.embed_tokens.weight" ? "lm_head.weight" : name; });
  EXPECT_TRUE(at::equal(Decoder::load(copy.path(), {}, {}).allLogits(ids), right));
}

// Keeps what it is warned of.
class Warnings : public Progress {
 public:
  void begin(std::string_view, std::uint64_t) override {}
  void advance(std::uint64_t) override {}
  void end() override {}
  void note(std::string_view) override {}
  void warn(std::string_view message) override { all.emplace_back(message); }
  std::vector<std::string> all;
};

// As Transformers 5 does: "both are present with different values, so we will NOT tie them".
TEST(Checkpoint, AStoredOutputMatrixThatDiffersIsUsedWithAWarning) {
  const std::vector<TokenId> ids{3, 5, 8};
  const at::Tensor right = Decoder::load(modelFolder("llama2-gqa"), {}, {}).allLogits(ids);
  const Copy copy("llama2-gqa");
  copy.edit("config.json", [](auto& json) { json["tie_word_embeddings"] = true; });
  Warnings warnings;
  EXPECT_TRUE(at::equal(Decoder::load(copy.path(), {}, {.progress = &warnings}).allLogits(ids), right));
  ASSERT_EQ(warnings.all.size(), 1U);
  EXPECT_THAT(warnings.all.front(), AllOf(HasSubstr("tie_word_embeddings"), HasSubstr("lm_head.weight")));
  warnings.all.clear();
  static_cast<void>(Decoder::load(modelFolder("llama32-tied"), {}, {.progress = &warnings}));
  EXPECT_TRUE(warnings.all.empty());
}

TEST(Checkpoint, GitLfsPointersAndPickledWeightsAreNamed) {
  const Copy copy("llama2-gqa");
  copy.write("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4976698672\n");
  EXPECT_THAT(copy.loadError(), AllOf(HasSubstr("model.safetensors"), HasSubstr("Git LFS pointer")));
  copy.write("config.json", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 702\n");
  EXPECT_THAT(copy.loadError(), AllOf(HasSubstr("config.json"), HasSubstr("Git LFS pointer")));
  const Copy pickled("llama2-gqa");
  fs::rename(pickled.path() / "model.safetensors", pickled.path() / "pytorch_model.bin");
  EXPECT_THAT(pickled.loadError(), AllOf(HasSubstr("model.safetensors"), HasSubstr("'pytorch_model.bin'")));
}

// Without room beside the run: views into the file take no memory; packed copies and conversions do.
TEST(Checkpoint, OnlyWeightsThatAreCopiedNeedRoom) {
  const std::vector<TokenId> ids{3, 5, 8};
  const auto load = [&](at::ScalarType dtype, ProductPath products, std::uint64_t beside) {
    const LoadOptions options{.dtype = dtype, .products = products, .beside_weights = beside};
    return Decoder::load(modelFolder("llama2-gqa"), options, {}).allLogits(ids);
  };
  constexpr std::uint64_t kTooMuch = std::uint64_t{1} << 60;
  EXPECT_TRUE(at::equal(load(at::kFloat, ProductPath::Plain, kTooMuch), load(at::kFloat, ProductPath::Plain, 0)));
  EXPECT_THAT(messageOf([&] { static_cast<void>(load(at::kFloat, ProductPath::Packed, kTooMuch)); }),
              AllOf(HasSubstr("llama2-gqa: its weights need 0.0 GB of memory in f32"), HasSubstr("--dtype bf16")));
  EXPECT_THAT(messageOf([&] { static_cast<void>(load(at::kBFloat16, ProductPath::Plain, kTooMuch)); }),
              AllOf(HasSubstr("in 16 bits"), HasSubstr("the run 1152921504.6 GB beside them"), HasSubstr("are free"),
                    HasSubstr("a smaller model")));
  EXPECT_EQ(load(at::kBFloat16, ProductPath::Plain, 0).size(0), 3);
}

TEST(Checkpoint, ShardsMayBeLinks) {
  const Copy copy("sharded");
  const std::string shard = readJsonFile(copy.path() / kIndex)["weight_map"]["model.norm.weight"];
  fs::rename(copy.path() / shard, copy.path() / "blob");
  fs::create_symlink("blob", copy.path() / shard);
  EXPECT_EQ(copy.loadError(), "no error");
}

TEST(Checkpoint, FingerprintFollowsHeadersNotWeights) {
  const Copy copy("llama2-gqa");
  const auto fingerprint = [&] { return Checkpoint(copy.path()).fingerprint(); };
  const std::string original = fingerprint();
  EXPECT_EQ(original.size(), 64U);
  std::string bytes = readFile(copy.path() / "model.safetensors");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  copy.write("model.safetensors", bytes);
  EXPECT_EQ(fingerprint(), original);
  copy.write("model.safetensors", bytes + "x");
  EXPECT_NE(fingerprint(), original);
  copy.write("model.safetensors", bytes.replace(bytes.find("\"pt\""), 4, "\"tf\""));
  EXPECT_NE(fingerprint(), original);
}

}  // namespace
}  // namespace kvatlas::capture::test
