// Benchmarks of whole sessions: many branches against one, needle runs, memory against length, start-up.
#include <fmt/format.h>

#include <array>

#include "app/cli/bench/bench_capture.h"
#include "app/cli/bench/child_run.h"
#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::app {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kMethods{"streamingllm", "h2o", "snapkv", "pyramidkv"};
const std::vector<std::string> kNeedleMethods{"streamingllm", "h2o", "snapkv", "pyramidkv", "snapkv:pooling=avg"};
const std::vector<std::string> kBudgets{"64", "128", "256", "512"};

void addBranches(std::vector<std::string>& words, std::uint32_t every) {
  for (const std::string& method : kMethods)
    words.insert(words.end(), {"--method", every > 0 ? fmt::format("{}:every={}", method, every) : method});
  for (const std::string& budget : kBudgets) words.insert(words.end(), {"--budget", budget});
}

std::vector<std::string> captureArguments(const Scratch& scratch, const fs::path& model, const fs::path& ids,
                                          std::uint32_t new_tokens, bool branches, std::uint32_t every = 0) {
  std::vector<std::string> words{"capture",
                                 "--quiet",
                                 "--model",
                                 model.string(),
                                 "--ids",
                                 ids.string(),
                                 "--max-new-tokens",
                                 std::to_string(new_tokens),
                                 "--force",
                                 "-o",
                                 (scratch.folder / "trace.kva.h5").string()};
  if (branches) addBranches(words, every);
  return words;
}

// The default grid; each run has its own folder, so that none resumes another.
ChildRun runNeedle(const BenchArguments& arguments, const fs::path& results, const std::vector<std::string>& methods) {
  std::vector<std::string> words{"evaluate",
                                 "needle",
                                 "-q",
                                 "--model",
                                 modelFolder(arguments.model).string(),
                                 "--trials",
                                 std::to_string(arguments.trials),
                                 "-o",
                                 results.string()};
  for (const std::string& method : methods) words.insert(words.end(), {"--method", method});
  return runKvatlas(words);
}

double peakMegabytes(const std::vector<std::string>& words) {
  return static_cast<double>(runKvatlas(words).peak_bytes) / 1e6;
}

// The same branches without a trace: what is left to grow is the full cache and one number a step.
std::vector<std::string> generateArguments(const fs::path& model, const fs::path& ids, std::uint32_t new_tokens,
                                           std::uint32_t every) {
  std::vector<std::string> words{"generate", "--quiet",    "--model",          model.string(),
                                 "--ids",    ids.string(), "--max-new-tokens", std::to_string(new_tokens)};
  addBranches(words, every);
  return words;
}

// What a run holds beside the full cache stays the same however much it generates, if it decides again.
void benchGeneratedMemory(const BenchArguments& arguments) {
  const Scratch scratch;
  const fs::path model = modelFolder(arguments.model), ids = writeIds(scratch, model, arguments.tokens);
  const std::vector<std::uint32_t> counts =
      arguments.lengths_given ? arguments.lengths : std::vector<std::uint32_t>{500, 1000, 2000};
  printMachine(fmt::format("{}; prompt of {} tokens; full and {} methods × {} budgets", model.filename().string(),
                           arguments.tokens, kMethods.size(), kBudgets.size()));
  fmt::print(
      "| generated tokens | peak of full alone, MB | with methods that decide once | every={} | every={}, no trace |\n",
      arguments.every, arguments.every);
  fmt::print("|---|---|---|---|---|\n");
  std::vector<double> generated;
  std::array<std::vector<double>, 4> peaks;
  for (const std::uint32_t count : counts) {
    generated.push_back(count);
    for (std::size_t i = 0; i < 3; ++i)
      peaks[i].push_back(
          peakMegabytes(captureArguments(scratch, model, ids, count, i > 0, i == 2 ? arguments.every : 0)));
    peaks[3].push_back(peakMegabytes(generateArguments(model, ids, count, arguments.every)));
    fmt::print("| {} | {:.0f} | {:.0f} | {:.0f} | {:.0f} |\n", count, peaks[0].back(), peaks[1].back(), peaks[2].back(),
               peaks[3].back());
  }
  std::array<double, 4> slopes{};
  for (std::size_t i = 0; i < peaks.size(); ++i)
    slopes[i] = 1000 * fitPolynomial(generated, peaks[i], 1).coefficients[1];
  fmt::print("\nMB per 1,000 generated tokens: {:.2f}, {:.2f}, {:.2f}, {:.2f}\n", slopes[0], slopes[1], slopes[2],
             slopes[3]);
}

}  // namespace

void benchBranches(const BenchArguments& arguments) {
  const Scratch scratch;
  const fs::path model = modelFolder(arguments.model), ids = writeIds(scratch, model, arguments.tokens);
  std::vector<double> full, all, ratios, again, again_ratios;
  const auto seconds = [&](bool branches, std::uint32_t every) {
    return runKvatlas(captureArguments(scratch, model, ids, arguments.new_tokens, branches, every)).wall_seconds;
  };
  for (std::uint32_t i = 0; i < arguments.repeat; ++i) {
    full.push_back(seconds(false, 0));
    all.push_back(seconds(true, 0));
    ratios.push_back(all.back() / full.back());
    if (arguments.every == 0) continue;
    again.push_back(seconds(true, arguments.every));
    again_ratios.push_back(again.back() / all.back());
  }
  printMachine(fmt::format("{}; {} tokens, {} new, {} runs (medians)", model.filename().string(), arguments.tokens,
                           arguments.new_tokens, arguments.repeat));
  fmt::print(
      "| capture of | seconds | against full alone |\n|---|---|---|\n| full | {:.2f} | 1.00 |\n| full and {} methods × "
      "{} budgets | {:.2f} | {:.2f} |\n",
      median(full), kMethods.size(), kBudgets.size(), median(all), median(ratios));
  if (arguments.every > 0)
    fmt::print("| the same, every={} | {:.2f} | {:.2f} × deciding once |\n", arguments.every, median(again),
               median(again_ratios));
}

void benchNeedle(const BenchArguments& arguments) {
  const Scratch scratch;
  std::vector<double> full, all, ratios, cpu_ratios;
  for (std::uint32_t i = 0; i < arguments.repeat; ++i) {
    const ChildRun alone = runNeedle(arguments, scratch.folder / fmt::format("full-{}", i), {"full"});
    const ChildRun together = runNeedle(arguments, scratch.folder / fmt::format("all-{}", i), kNeedleMethods);
    full.push_back(alone.wall_seconds);
    all.push_back(together.wall_seconds);
    ratios.push_back(together.wall_seconds / alone.wall_seconds);
    cpu_ratios.push_back(together.processor_seconds / alone.processor_seconds);
  }
  printMachine(fmt::format("{}; 8 lengths × 11 depths × {} trials, {} runs (medians)",
                           modelFolder(arguments.model).filename().string(), arguments.trials, arguments.repeat));
  fmt::print("| needle run of | seconds | against full alone | in processor time |\n|---|---|---|---|\n");
  fmt::print("| full | {:.1f} | 1.00 | 1.00 |\n", median(full));
  fmt::print("| full and {} methods × 3 budgets | {:.1f} | {:.2f} | {:.2f} |\n", kNeedleMethods.size(), median(all),
             median(ratios), median(cpu_ratios));
}

void benchMemory(const BenchArguments& arguments) {
  if (arguments.every > 0) return benchGeneratedMemory(arguments);
  if (arguments.lengths.size() < 3) failUsage("--lengths: at least three lengths are needed for a line");
  const Scratch scratch;
  const fs::path model = modelFolder(arguments.model);
  printMachine(fmt::format("{}; full and {} methods × {} budgets, {} new tokens", model.filename().string(),
                           kMethods.size(), kBudgets.size(), arguments.new_tokens));
  fmt::print("| tokens | peak memory, MB | N×N maps of all heads would be, MB | seconds |\n|---|---|---|---|\n");
  const ModelSizes sizes = modelSizes(model);
  const double maps = static_cast<double>(sizes.layers * sizes.query_heads) * 4.0;
  std::vector<double> tokens, megabytes;
  for (const std::uint32_t length : arguments.lengths) {
    const ChildRun run =
        runKvatlas(captureArguments(scratch, model, writeIds(scratch, model, length), arguments.new_tokens, true));
    tokens.push_back(length);
    megabytes.push_back(static_cast<double>(run.peak_bytes) / 1e6);
    fmt::print("| {} | {:.0f} | {:.0f} | {:.2f} |\n", length, megabytes.back(), maps * length * length / 1e6,
               run.wall_seconds);
  }
  const Fit line = fitPolynomial(tokens, megabytes, 1);
  fmt::print("\npeak = {:.0f} MB + {:.2f} MB per 1,000 tokens (R² = {:.4f})\n", line.coefficients[0],
             1000 * line.coefficients[1], line.r_squared);
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
  printMachine(fmt::format("{} runs (medians)", arguments.repeat));
  fmt::print("| command | seconds |\n|---|---|\n| kvatlas --version | {:.4f} |\n", median(help));
  fmt::print("| kvatlas info (17 runs, 1,024 tokens) | {:.4f} |\n", median(info));
}

}  // namespace kvatlas::app
