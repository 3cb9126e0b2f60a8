#include "app/cli/bench_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <memory>
#include <thread>

#include "app/cli/child_run.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/suggest.h"

namespace kvatlas::app {
namespace {

namespace fs = std::filesystem;

struct BenchArguments {
  std::string name;
  fs::path model;
  std::uint32_t tokens = 4000, new_tokens = 64, repeat = 5;
  std::vector<std::uint32_t> lengths{1024, 2048, 4096, 8192, 16384};
};

const std::vector<std::string> kMethods{"streamingllm", "h2o", "snapkv", "pyramidkv"};
const std::vector<std::string> kBudgets{"64", "128", "256", "512"};

// A folder that is gone when the bench ends.
struct Scratch {
  fs::path folder;
  Scratch() {
    std::string name = (fs::temp_directory_path() / "kvatlas-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw Error(systemMessage(name, errno));
    folder = name;
  }
  ~Scratch() {
    std::error_code code;
    fs::remove_all(folder, code);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
};

std::string machine() {
  std::ifstream cpu("/proc/cpuinfo");
  std::string model = "unknown processor", flags;
  for (std::string line; std::getline(cpu, line);) {
    if (line.starts_with("model name")) model = line.substr(line.find(':') + 2);
    if (line.starts_with("flags")) flags = line;
  }
  const char* simd = flags.find("avx512_bf16") != std::string::npos ? "AVX-512 with bf16"
                     : flags.find("avx512f") != std::string::npos   ? "AVX-512"
                                                                    : "AVX2";
  return fmt::format("{} × {}, {}", std::thread::hardware_concurrency(), model, simd);
}

// The model in the source tree or installation beside the programme, when none is named.
fs::path modelFolder(const fs::path& given) {
  if (!given.empty()) return given;
  std::error_code code;
  const fs::path programme = fs::read_symlink("/proc/self/exe", code).parent_path();
  for (const char* relative : {"../../resources/models/tiny-llama", "../share/kvatlas/models/tiny-llama"})
    if (fs::exists(programme / relative / "config.json", code)) return fs::canonical(programme / relative);
  failUsage("--model is needed: the bundled model does not lie beside this programme");
}

// A fixed pseudo-random prompt: speed and memory do not depend on the words.
fs::path writeIds(const Scratch& scratch, const fs::path& model, std::uint32_t tokens) {
  const auto vocabulary = readJsonFile(model / "config.json").value("vocab_size", 0U);
  if (vocabulary < 2) fail("{}: vocab_size is missing", (model / "config.json").string());
  std::string ids;
  std::uint64_t state = 88172645463325252ULL;
  for (std::uint32_t i = 0; i < tokens; ++i) {
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
    ids += fmt::format("{} ", state % vocabulary);
  }
  const fs::path path = scratch.folder / fmt::format("ids-{}.txt", tokens);
  writeFileAtomically(path, ids);
  return path;
}

std::vector<std::string> captureArguments(const Scratch& scratch, const fs::path& model, const fs::path& ids,
                                          std::uint32_t new_tokens, bool branches) {
  std::vector<std::string> words{"capture",
                                 "--quiet",
                                 "--model",
                                 model.string(),
                                 "--ids",
                                 ids.string(),
                                 "--max-new-tokens",
                                 std::to_string(new_tokens),
                                 "-o",
                                 (scratch.folder / "trace.kva.h5").string()};
  if (!branches) return words;
  for (const std::string& method : kMethods) words.insert(words.end(), {"--method", method});
  for (const std::string& budget : kBudgets) words.insert(words.end(), {"--budget", budget});
  return words;
}

void benchBranches(const BenchArguments& arguments) {
  const Scratch scratch;
  const fs::path model = modelFolder(arguments.model), ids = writeIds(scratch, model, arguments.tokens);
  std::vector<double> full, all, ratios;
  for (std::uint32_t i = 0; i < arguments.repeat; ++i) {
    full.push_back(runKvatlas(captureArguments(scratch, model, ids, arguments.new_tokens, false)).wall_seconds);
    all.push_back(runKvatlas(captureArguments(scratch, model, ids, arguments.new_tokens, true)).wall_seconds);
    ratios.push_back(all.back() / full.back());
  }
  fmt::print("machine: {}; {}; {} tokens, {} new, {} runs (medians)\n\n", machine(), model.filename().string(),
             arguments.tokens, arguments.new_tokens, arguments.repeat);
  fmt::print(
      "| capture of | seconds | against full alone |\n|---|---|---|\n| full | {:.2f} | 1.00 |\n| full and {} methods × "
      "{} budgets | {:.2f} | {:.2f} |\n",
      median(full), kMethods.size(), kBudgets.size(), median(all), median(ratios));
}

// Least squares y = a + b·x and the share of the variance it explains.
struct Line {
  double intercept = 0, slope = 0, r_squared = 1;
};
Line fitLine(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  double sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sx += x[i];
    sy += y[i];
    sxx += x[i] * x[i];
    sxy += x[i] * y[i];
    syy += y[i] * y[i];
  }
  Line line;
  line.slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  line.intercept = (sy - line.slope * sx) / n;
  const double correlation = (n * sxy - sx * sy) / std::sqrt((n * sxx - sx * sx) * (n * syy - sy * sy));
  line.r_squared = correlation * correlation;
  return line;
}

void benchMemory(const BenchArguments& arguments) {
  if (arguments.lengths.size() < 3) failUsage("--lengths: at least three lengths are needed for a line");
  const Scratch scratch;
  const fs::path model = modelFolder(arguments.model);
  fmt::print("machine: {}; {}; full and {} methods × {} budgets, {} new tokens\n\n", machine(),
             model.filename().string(), kMethods.size(), kBudgets.size(), arguments.new_tokens);
  fmt::print("| tokens | peak memory, MB | N×N maps of all heads would be, MB | seconds |\n|---|---|---|---|\n");
  const auto config = readJsonFile(model / "config.json");
  const double maps = config.value("num_hidden_layers", 1.0) * config.value("num_attention_heads", 1.0) * 4.0;
  std::vector<double> tokens, megabytes;
  for (const std::uint32_t length : arguments.lengths) {
    const ChildRun run =
        runKvatlas(captureArguments(scratch, model, writeIds(scratch, model, length), arguments.new_tokens, true));
    tokens.push_back(length);
    megabytes.push_back(static_cast<double>(run.peak_bytes) / 1e6);
    fmt::print("| {} | {:.0f} | {:.0f} | {:.2f} |\n", length, megabytes.back(), maps * length * length / 1e6,
               run.wall_seconds);
  }
  const Line line = fitLine(tokens, megabytes);
  fmt::print("\npeak = {:.0f} MB + {:.2f} MB per 1,000 tokens (R² = {:.4f})\n", line.intercept, 1000 * line.slope,
             line.r_squared);
}

void benchStart(const BenchArguments& arguments) {
  const Scratch scratch;
  const fs::path model = modelFolder(arguments.model);
  auto capture = captureArguments(scratch, model, writeIds(scratch, model, 1024), 1, true);
  (void)runKvatlas(capture);
  std::vector<double> info, help;
  for (std::uint32_t i = 0; i < arguments.repeat; ++i) {
    info.push_back(runKvatlas({"info", (scratch.folder / "trace.kva.h5").string()}).wall_seconds);
    help.push_back(runKvatlas({"--version"}).wall_seconds);
  }
  fmt::print(
      "machine: {}; {} runs (medians)\n\n| command | seconds |\n|---|---|\n| kvatlas --version | {:.4f} |\n| kvatlas "
      "info (17 runs, 1,024 tokens) | {:.4f} |\n",
      machine(), arguments.repeat, median(help), median(info));
}

void runBench(const BenchArguments& arguments) {
  if (arguments.name == "branches") return benchBranches(arguments);
  if (arguments.name == "memory") return benchMemory(arguments);
  if (arguments.name == "start") return benchStart(arguments);
  failUsage("bench {}: unknown name{}", arguments.name, suggestion(arguments.name, {"branches", "memory", "start"}));
}

}  // namespace

void addBenchCommand(CLI::App& root) {
  auto arguments = std::make_shared<BenchArguments>();
  CLI::App& command = *root.add_subcommand("bench", "measure: branches, memory, start");
  command
      .add_option("NAME", arguments->name,
                  "branches: many methods against full alone; memory: peak against length; start: start-up")
      ->required();
  command.add_option("--model", arguments->model, "checkpoint folder (default: the bundled model)");
  command.add_option("--tokens", arguments->tokens, "prompt length (branches)")
      ->capture_default_str()
      ->check(CLI::Range(64, 1 << 22));
  command.add_option("--lengths", arguments->lengths, "prompt lengths (memory)")
      ->delimiter(',')
      ->check(CLI::Range(64, 1 << 22));
  command.add_option("--max-new-tokens", arguments->new_tokens, "tokens to generate")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 16));
  command.add_option("--repeat", arguments->repeat, "runs of each")->capture_default_str()->check(CLI::Range(1, 1000));
  command.callback([arguments] { runBench(*arguments); });
}

}  // namespace kvatlas::app
