// `kvatlas bench`: every benchmark runs and prints its table; the numbers are not tested.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <thread>

#include "core/policy/policy.h"
#include "tests/app/programme.h"

namespace kvatlas::app_test {
namespace {

class Bench : public ProgrammeTest {};

// Rows of the Markdown table, without its header.
std::size_t rowsOf(const std::string& text) {
  std::size_t rows = 0;
  for (std::size_t at = text.find("\n|"); at != std::string::npos; at = text.find("\n|", at + 1)) ++rows;
  return rows < 2 ? 0 : rows - 2;
}

void expectTable(const Words& arguments, std::size_t rows) {
  Words words{"bench", "--repeat", "1"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const Ended ended = run(words);
  expectDone(ended);
  EXPECT_TRUE(ended.out.starts_with("machine: ")) << ended.out;
  EXPECT_EQ(rowsOf(ended.out), rows) << ended.out;
  EXPECT_TRUE(std::regex_search(ended.out, std::regex("load [0-9.]+ at the end"))) << ended.out;
  EXPECT_EQ(ended.out.find("nan"), std::string::npos) << ended.out;
}

TEST_F(Bench, Kernels) {
  expectTable({"tile"}, 4);
  expectTable({"codec"}, 2);
  expectTable({"decode"}, 1);
  expectTable({"pool"}, 2);
}

TEST_F(Bench, EveryMethodHasARow) {
  expectTable({"methods", "--tokens", "200", "--max-new-tokens", "2"}, policy::methods().size());
}

TEST_F(Bench, ProbeAgainstTheMatrixProduct) {
  const std::size_t threads = std::thread::hardware_concurrency() > 1 ? 2 : 1;
  expectTable({"probe"}, 8 * threads);  // two types, two head sizes, log-sum-exp given or not
}

TEST_F(Bench, ALayerOfALargerModel) {
  const Ended ended = run({"bench", "capture", "--shape", "tiny", "--layers", "2", "--lengths", "64", "--repeat", "1"});
  expectDone(ended);
  EXPECT_NE(ended.out.find("here with 2 layers"), std::string::npos) << ended.out;
}

TEST_F(Bench, CaptureAgainstPlainPrefill) {
  expectTable({"capture", "--shape", "tiny", "--lengths", "64,200"}, 2);
}

TEST_F(Bench, GrowthPrintsItsFit) {
  const Ended ended = run({"bench", "growth", "--shape", "tiny", "--lengths", "64,128,256,512", "--repeat", "1"});
  expectDone(ended);
  EXPECT_EQ(rowsOf(ended.out), 4U) << ended.out;
  EXPECT_TRUE(std::regex_search(ended.out, std::regex("- memory: [0-9]+ MB [+-][0-9.]+ n"))) << ended.out;
  EXPECT_TRUE(std::regex_search(ended.out, std::regex("- capture: .* n² \\(R² ="))) << ended.out;
}

TEST_F(Bench, PartsOfAPrefill) {
  for (const char* type : {"f32", "bf16"}) expectTable({"prefill", "--lengths", "64,130", "--dtype", type}, 2);
  const Ended json =
      run({"bench", "prefill", "--json", "--shape", "tiny", "--layers", "2", "--lengths", "64", "--repeat", "1"});
  expectDone(json);
  EXPECT_GT(nlohmann::json::parse(json.out)["attention_gflops"].get<double>(), 0.0);
}

TEST_F(Bench, ADecodingStep) {
  expectTable({"decode-step", "--lengths", "64", "--branches", "1,3"}, 2);
}

TEST_F(Bench, OpenReadsEveryPart) {
  expectDone(run(capture(
      {"--model", smallModel().string(), "--ids", write("p", idsText(60, 64)), "--keep-qk", "--max-new-tokens", "1"})));
  expectTable({"open", trace()}, 4);
  expectDone(run(capture({"--model", smallModel().string(), "--ids", write("p", idsText(60, 64)), "--map-size", "0",
                          "--max-new-tokens", "1"})));
  expectTable({"open", trace()}, 2);
}

TEST_F(Bench, ADeviceIsNeededForItsBench) {
  expectRefused(run({"bench", "gpu"}, {.environment = {"CUDA_VISIBLE_DEVICES=-1"}}), 1, {"CUDA device"});
}

TEST_F(Bench, GpuPrintsATableAndItsReasons) {
  const Words words{"bench",    "gpu", "--device",         "cpu", "--shape",   "tiny",
                    "--layers", "1",   "--max-new-tokens", "2",   "--lengths", "600,700",
                    "--repeat", "1"};
  const Ended table = run(words);
  expectDone(table);
  EXPECT_NE(table.out.find("here with 1 layers: CPU, f32"), std::string::npos) << table.out;
  EXPECT_EQ(rowsOf(table.out), 2U) << table.out;
  std::size_t head = std::string::npos;
  for (std::size_t at = table.out.find("\n|"); at != std::string::npos; at = table.out.find("\n|", at + 1)) {
    const std::string line = table.out.substr(at + 1, table.out.find('\n', at + 1) - at - 1);
    const auto columns = static_cast<std::size_t>(std::ranges::count(line, '|'));
    if (head == std::string::npos) head = columns;
    EXPECT_EQ(columns, head) << line;
  }
  EXPECT_NE(table.out.find("SeerAttention-style pooling"), std::string::npos);

  Words json = words;
  json.emplace_back("--json");
  const Ended lines = run(json);
  expectDone(lines);
  const auto row = nlohmann::json::parse(lines.out.substr(0, lines.out.find('\n')));
  EXPECT_EQ(row.at("tokens"), 600);
  for (const char* name : {"probe_seconds_per_layer", "library_seconds_per_layer", "pooling_seconds_per_layer",
                           "prefill_seconds", "capture_seconds", "decode_full_seconds", "decode_branches_seconds"})
    EXPECT_GT(row.at(name).get<double>(), 0) << name;
  EXPECT_TRUE(row.at("missing").empty());
}

TEST_F(Bench, RefusesWhatItDoesNotKnow) {
  expectRefused(run({"bench", "probr"}), 2, {"probr", "probe"});
  expectRefused(run({"bench"}), 2, {"probe", "make-trace"});
  expectRefused(run({"bench", "open"}), 2, {"trace file"});
  expectRefused(run({"bench", "capture", "--shape", "8b"}), 2, {"--shape 8b", "1b"});
  expectRefused(run({"bench", "growth", "--lengths", "64,128"}), 2, {"--lengths"});
}

}  // namespace
}  // namespace kvatlas::app_test
