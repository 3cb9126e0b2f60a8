// `kvatlas capture` and `generate` with valid input: every option takes effect in the trace, equal requests give equal
// bytes, and commands that need no model load none.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <set>

#include "tests/app/capture_runs.h"

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Capture : public CaptureTest {};

TEST_F(Capture, RecordsEveryLayerAndRun) {
  const Ended ended = good({"--text", kText, "--method", "snapkv", "--method", "pyramidkv", "--budget", "24",
                            "--budget", "50%", "--max-new-tokens", "6"});
  const Contents all = contents();
  const std::uint64_t tokens = dimsOf(all, "/prompt/ids").at(0);
  EXPECT_EQ(textOf(all, "/@status"), "complete");
  for (const char* layer : {"000", "001", "002", "003", "004", "005"})
    EXPECT_EQ(dimsOf(all, std::string("/attention/") + layer + "/received"), (std::vector<std::uint64_t>{6, tokens}))
        << layer;
  const std::vector<std::string> labels{"full", "snapkv 24", "snapkv 50%", "pyramidkv 24", "pyramidkv 50%"};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    EXPECT_EQ(textOf(all, "/runs/00" + std::to_string(i) + "@label"), labels[i]);
    EXPECT_NE(ended.out.find(labels[i]), std::string::npos) << ended.out;
  }
  EXPECT_FALSE(all.contains("/runs/005"));
  EXPECT_EQ(names(), Words{"out.kva.h5"});
}

TEST_F(Capture, PercentAndTokensOfTheSameCountDecideTheSame) {
  const std::string ids = write("prompt.ids", idsText(160, 1024));
  good({"--ids", ids, "--method", "pyramidkv", "--method", "h2o", "--budget", "25%", "--budget", "40",
        "--max-new-tokens", "5"});
  const Contents all = contents();
  for (const auto& [percent, count] : {std::pair{"/runs/001/", "/runs/002/"}, std::pair{"/runs/003/", "/runs/004/"}}) {
    EXPECT_EQ(textOf(all, std::string(percent).substr(0, 9) + "@budget"), "25%");
    for (const char* member : {"capacity", "kept/offsets", "kept/positions", "decode/ids", "retained", "oracle"})
      EXPECT_TRUE(all.at(std::string(percent) + member) == all.at(std::string(count) + member)) << percent << member;
    // The two rows have different places in one matrix product, which may round them differently.
    const auto a = valuesOf<float>(all, std::string(percent) + "decode/kl");
    const auto b = valuesOf<float>(all, std::string(count) + "decode/kl");
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(std::isnan(a[i]), std::isnan(b[i]));
      if (!std::isnan(a[i])) {
        EXPECT_NEAR(a[i], b[i], 1e-4F);
      }
    }
  }
}

TEST_F(Capture, TwiceTheSameBytesOnAnyNumberOfThreads) {
  const std::string ids = write("prompt.ids", idsText(333, 1024));
  const Words words{"--ids",    ids,        "--method",         "snapkv",   "--method",
                    "h2o",      "--method", "pyramidkv",        "--method", "streamingllm",
                    "--budget", "32",       "--max-new-tokens", "9",        "--keep-qk"};
  const auto with = [&](const char* threads, const std::string& name) {
    Words more = words;
    more.insert(more.end(), {"--threads", threads});
    good(more, name);
    return contents(name);
  };
  const Contents once = with("2", "a.kva.h5");
  EXPECT_EQ(differences(once, with("2", "b.kva.h5"), {"@created", "@seconds"}), Words{});
  EXPECT_EQ(differences(once, with("1", "c.kva.h5"), {"@created", "@seconds"}), Words{});
  EXPECT_GT(once.size(), 200U);
}

TEST_F(Capture, LayersLimitTheAttentionOnly) {
  good({"--text", kText, "--method", "snapkv", "--budget", "30", "--max-new-tokens", "2", "--layers", "4,1"},
       "two.kva.h5");
  good({"--text", kText, "--method", "snapkv", "--budget", "30", "--max-new-tokens", "2"});
  const Contents two = contents("two.kva.h5"), all = contents();
  for (const char* layer : {"/attention/001", "/attention/004"}) {
    EXPECT_TRUE(two.contains(layer));
    for (const char* member : {"/received", "/map/mean/0", "/window_rows"})
      EXPECT_TRUE(two.at(std::string(layer) + member) == all.at(std::string(layer) + member)) << layer << member;
  }
  for (const char* layer : {"/attention/000", "/attention/002", "/attention/003", "/attention/005"})
    EXPECT_FALSE(two.contains(layer)) << layer;
  EXPECT_TRUE(two.at("/runs/001/kept/positions") == all.at("/runs/001/kept/positions"));
  EXPECT_TRUE(two.at("/runs/001/retained") == all.at("/runs/001/retained"));
}

TEST_F(Capture, MapSizes) {
  const std::string ids = write("prompt.ids", idsText(300, 1024));
  good({"--ids", ids, "--max-new-tokens", "1", "--map-size", "0"}, "none.kva.h5");
  for (const auto& [name, value] : contents("none.kva.h5")) EXPECT_EQ(name.find("/map/"), std::string::npos) << name;
  good({"--ids", ids, "--max-new-tokens", "1", "--map-size", "128"});
  const Contents all = contents();
  EXPECT_EQ(dimsOf(all, "/attention/000/map/mean/0"), (std::vector<std::uint64_t>{6, 75, 75}));
  EXPECT_EQ(dimsOf(all, "/attention/000/map/max/1"), (std::vector<std::uint64_t>{6, 38, 38}));
  EXPECT_FALSE(all.contains("/attention/000/map/mean/2"));
}

TEST_F(Capture, KeepsQueriesAndKeysOnRequest) {
  const std::string ids = write("prompt.ids", idsText(40, 1024));
  good({"--ids", ids, "--max-new-tokens", "1", "--keep-qk"});
  EXPECT_EQ(dimsOf(contents(), "/attention/003/query"), (std::vector<std::uint64_t>{6, 40, 32}));
  EXPECT_EQ(dimsOf(contents(), "/attention/003/key"), (std::vector<std::uint64_t>{3, 40, 32}));
  good({"--ids", ids, "--max-new-tokens", "1"}, "without.kva.h5");
  EXPECT_FALSE(contents("without.kva.h5").contains("/attention/003/query"));
}

TEST_F(Capture, NoNewTokens) {
  good({"--text", kText, "--method", "snapkv", "--budget", "30", "--max-new-tokens", "0"});
  const Contents all = contents();
  EXPECT_EQ(valuesOf<std::uint32_t>(all, "/runs/000/decode/ids").size(), 0U);
  EXPECT_EQ(valuesOf<std::uint32_t>(all, "/runs/001/decode/ids").size(), 0U);
  EXPECT_EQ(dimsOf(all, "/runs/001/kept/positions"), (std::vector<std::uint64_t>{6 * 3 * 30}));
  EXPECT_EQ(dimsOf(all, "/prompt/next_logits"), (std::vector<std::uint64_t>{1024}));
}

TEST_F(Capture, TheFirstTokenIsTheLargestLogit) {
  good({"--text", kText, "--max-new-tokens", "3"});
  const Contents all = contents();
  const auto logits = valuesOf<float>(all, "/prompt/next_logits");
  ASSERT_EQ(logits.size(), 1024U);
  EXPECT_EQ(valuesOf<std::uint32_t>(all, "/runs/000/decode/ids").at(0),
            std::ranges::max_element(logits) - logits.begin());
}

TEST_F(Capture, JsonIsForScripts) {
  const Ended ended =
      good({"--text", kText, "--method", "streamingllm", "--budget", "30", "--max-new-tokens", "4", "--json"});
  const json summary = json::parse(ended.out);
  EXPECT_EQ(summary.at("output"), trace());
  EXPECT_EQ(summary.at("file_bytes"), fs::file_size(trace()));
  EXPECT_EQ(summary.at("tokens"), dimsOf(contents(), "/prompt/ids").at(0));
  ASSERT_EQ(summary.at("runs").size(), 2U);
  const json& run = summary["runs"][1];
  EXPECT_EQ(run.at("method"), "streamingllm");
  EXPECT_EQ(run.at("budget"), "30");
  EXPECT_EQ(run.at("kept_tokens"), 30.0);
  EXPECT_EQ(run.at("cache_bytes"), 2U * 6 * 3 * 30 * 32 * 4);
  EXPECT_EQ(run.at("text"), textOf(contents(), "/runs/001/decode/text"));
  EXPECT_GT(run.at("retained"), 0.0);
  EXPECT_LE(run.at("retained"), run.at("oracle"));
  EXPECT_GE(run.at("kl"), 0.0);
  EXPECT_TRUE(summary["runs"][0].at("kl").is_null()) << "the full cache is not compared with itself";
}

TEST_F(Capture, InfoSaysWhatTheTraceHolds) {
  good({"--text", kText, "--method", "snapkv", "--budget", "30", "--max-new-tokens", "4"});
  const json document = info();
  ASSERT_TRUE(document.is_object());
  const std::string all = document.dump();
  for (const char* word : {"LlamaForCausalLM", "tiny-llama", "snapkv", "complete"})
    EXPECT_NE(all.find(word), std::string::npos) << word << " in " << all;
  EXPECT_TRUE(document["model"]["tokenizer_ids"].is_null()) << "not padded";
  const Ended plain = run({"info", trace()});
  expectDone(plain);
  for (const char* word : {"LlamaForCausalLM", "snapkv 30", "the 8 most attended keys"})
    EXPECT_NE(plain.out.find(word), std::string::npos) << word << " in " << plain.out;
  for (const char* run : {"/runs/000/", "/runs/001/"}) {
    EXPECT_EQ(dimsOf(contents(), std::string(run) + "decode/attended"), (std::vector<std::uint64_t>{4, 6, 6, 8}));
    EXPECT_EQ(dimsOf(contents(), std::string(run) + "decode/attended_mass"), (std::vector<std::uint64_t>{4, 6, 6, 8}));
    EXPECT_EQ(dimsOf(contents(), std::string(run) + "decode/offsets"), (std::vector<std::uint64_t>{5}));
  }
}

TEST_F(Capture, QueryHeadsHoldListsOfTheirOwn) {
  good({"--text", kText, "--method", "snapkv", "--budget", "30", "--granularity", "query-head", "--max-new-tokens",
        "3"});
  EXPECT_EQ(dimsOf(contents(), "/runs/001/capacity"), (std::vector<std::uint64_t>{6, 6}));
  EXPECT_EQ(dimsOf(contents(), "/runs/000/capacity"), (std::vector<std::uint64_t>{6, 3}));
  EXPECT_EQ(textOf(contents(), "/runs/001@granularity"), "query-head");
}

TEST_F(Capture, ThePaperPresetReproducesThePublishedOvershoot) {
  const std::string ids = write("prompt.ids", idsText(400, 1024));
  good({"--ids", ids, "--method", "pyramidkv", "--budget", "64", "--max-new-tokens", "2", "--preset", "paper"},
       "paper.kva.h5");
  good({"--ids", ids, "--method", "pyramidkv", "--budget", "64", "--max-new-tokens", "2"});
  const Contents paper = contents("paper.kva.h5"), exact = contents();
  EXPECT_EQ(dimsOf(paper, "/runs/001/capacity"), (std::vector<std::uint64_t>{6, 6}));
  const auto sum = [](const Contents& trace, std::uint64_t heads) {
    const auto capacity = valuesOf<std::uint32_t>(trace, "/runs/001/capacity");
    EXPECT_EQ(capacity.size(), 6 * heads);
    return std::accumulate(capacity.begin(), capacity.end(), std::uint64_t{0});
  };
  EXPECT_EQ(sum(exact, 3), 64U * 6 * 3);
  EXPECT_NE(sum(paper, 6), 64U * 6 * 6) << "the published floor arithmetic does not keep the nominal sum";
}

TEST_F(Capture, FollowingTheFullCacheMakesEveryStepComparable) {
  const Words common{"--text", kText, "--method", "streamingllm", "--budget", "12", "--max-new-tokens", "10"};
  Words full = common;
  full.insert(full.end(), {"--follow", "full"});
  good(full);
  const auto kl = valuesOf<float>(contents(), "/runs/001/decode/kl");
  EXPECT_EQ(kl.size(), valuesOf<std::uint32_t>(contents(), "/runs/000/decode/ids").size());
  for (const float value : kl) EXPECT_GE(value, 0.0F);
}

// Prompts of one token, and shorter than the window.
TEST_F(Capture, ShortPrompts) {
  for (const std::size_t tokens : {1U, 2U, 7U, 8U, 9U}) {
    SCOPED_TRACE(tokens);
    const std::string ids = write("prompt.ids", idsText(tokens, 1024));
    good({"--ids", ids, "--method", "snapkv", "--method", "pyramidkv", "--method", "h2o", "--method", "streamingllm",
          "--budget", "100%", "--budget", "64", "--max-new-tokens", "3", "--keep-qk"});
    const Contents all = contents();
    EXPECT_EQ(dimsOf(all, "/attention/000/received"), (std::vector<std::uint64_t>{6, tokens}));
    for (const char* name : {"001", "008"})
      EXPECT_TRUE(all.at(std::string("/runs/") + name + "/decode/ids") == all.at("/runs/000/decode/ids"))
          << "nothing was evicted in " << name;
  }
}

TEST_F(Capture, OtherComputeTypes) {
  const std::string ids = write("prompt.ids", idsText(20, 1024));
  for (const char* type : {"bf16", "f16"}) {
    good({"--ids", ids, "--method", "snapkv", "--budget", "12", "--max-new-tokens", "2", "--dtype", type},
         std::string(type) + ".kva.h5");
    EXPECT_EQ(textOf(contents(std::string(type) + ".kva.h5"), "/model@compute_dtype"), type);
  }
}

// The dynamic loader's report of the libraries it opened.
TEST_F(Capture, QuickCommandsLoadNeitherLibtorchNorQt) {
  good({"--text", kText, "--max-new-tokens", "1"});
  const auto librariesOf = [](const Words& words) {
    const Ended ended = run(words, {.environment = {"LD_DEBUG=files"}});
    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_NE(ended.err.find("libc.so"), std::string::npos) << "the loader reported nothing";
    return ended.err;
  };
  for (const Words& words : {Words{"--help"}, Words{"--version"}, Words{"info", trace()}, Words{"validate", trace()}}) {
    const std::string libraries = librariesOf(words);
    for (const char* library :
         {"libtorch", "libc10", "libQt6", "libcudart", "libkvatlas_capture", "libkvatlas_figures"})
      EXPECT_EQ(libraries.find(library), std::string::npos) << words.front() << " loads " << library;
  }
  EXPECT_NE(librariesOf({"generate", "--model", bundledModel().string(), "--text", "a", "--max-new-tokens", "1"})
                .find("libtorch"),
            std::string::npos)
      << "this test could not see libtorch being loaded";
}

TEST_F(Capture, HeadsAndLayersOfQueriesAndKeysLimitWhatIsKept) {
  const Ended ended =
      good({"--text", kText, "--max-new-tokens", "1", "--layers", "0,2,4", "--heads", "5,1", "--keep-qk", "4"});
  EXPECT_NE(ended.err.find("the trace will take about"), std::string::npos) << ended.err;
  const json attention = info()["attention"];
  EXPECT_EQ(attention["heads"], json({1, 5}));
  ASSERT_EQ(attention["layers"].size(), 3U);
  for (const json& layer : attention["layers"]) {
    const Words members = layer["members"];
    EXPECT_EQ(std::ranges::count(members, "query"), layer["layer"] == 4 ? 1 : 0);
    EXPECT_EQ(std::ranges::count(members, "map/max"), 1);
  }
  const Ended lse = run({"export", trace(), "lse", "--layer", "2", "-o", path("lse.json")});
  expectDone(lse);
  std::set<std::size_t> heads;
  std::ifstream in(path("lse.json"));
  for (const json& row : json::parse(in)) heads.insert(row["head"].get<std::size_t>());
  EXPECT_EQ(heads, (std::set<std::size_t>{1, 5}));
  expectRefused(run({"export", trace(), "map", "--layer", "2", "--head", "0", "-o", path("map.csv")}), 1,
                {"head 0", "not recorded"});
}

TEST_F(Capture, WhatCannotBeKeptIsRefusedByName) {
  const Words prompt{"capture", "--model", bundledModel().string(), "--text", kText, "-o", trace()};
  const auto refused = [&](const Words& more, const Words& culprits) {
    Words words = prompt;
    words.insert(words.end(), more.begin(), more.end());
    expectRefused(run(words), 2, culprits);
  };
  refused({"--heads", "6"}, {"--heads", "6"});
  refused({"--keep-qk", "1,x"}, {"--keep-qk", "1,x"});
  refused({"--keep-qk", "9"}, {"--keep-qk", "9"});
  refused({"--layers", "0", "--keep-qk", "1"}, {"--keep-qk", "1", "--layers"});
  EXPECT_TRUE(names().empty());
}

}  // namespace
}  // namespace kvatlas::app_test
