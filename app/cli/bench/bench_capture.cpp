#include "app/cli/bench/bench_capture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/cli/bench/child_run.h"
#include "app/cli/bench/random_model.h"
#include "core/base/console.h"
#include "core/base/error.h"

namespace kvatlas::app {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr std::uint32_t kStartTokens = 16;  // a prompt this short measures start-up and loading

ModelShape chosenShape(const BenchArguments& arguments) {
  ModelShape shape = modelShape(arguments.shape);
  if (arguments.layers > 0) shape.layers = arguments.layers;
  return shape;
}

// A random model of the requested shape, or the given model.
fs::path chosenModel(const BenchArguments& arguments, const Scratch& scratch) {
  if (!arguments.model.empty()) return arguments.model;
  const ModelShape shape = chosenShape(arguments);
  const fs::path folder = scratch.folder / shape.name;
  fs::create_directory(folder);
  say(fmt::format("kvatlas: writing random weights ({})\n", shape.description));
  writeRandomModel(shape, folder);
  return folder;
}

// Repeated child runs of one prompt.
struct Measured {
  double wall = 0, processor = 0;  // least seconds
  double peak = 0;                 // MB
  void add(const ChildRun& run) {
    const bool first = wall <= 0;
    wall = first ? run.wall_seconds : std::min(wall, run.wall_seconds);
    processor = first ? run.processor_seconds : std::min(processor, run.processor_seconds);
    peak = std::max(peak, static_cast<double>(run.peak_bytes) / 1e6);
  }
};

struct Pair {
  Measured plain, capture;
};

// Alternates prefill alone and full capture of the same ids.
class CaptureRuns {
 public:
  CaptureRuns(const Scratch& scratch, fs::path model) : m_scratch(scratch), m_model(std::move(model)) {}

  Pair run(std::uint32_t tokens, std::uint32_t repeat) const {
    const std::string ids = writeIds(m_scratch, m_model, tokens).string();
    const auto words = [&](const char* command) {
      return Words{command, "--quiet", "--device",         "cpu", "--model", m_model.string(),
                   "--ids", ids,       "--max-new-tokens", "0"};
    };
    Words capture = words("capture");
    capture.insert(capture.end(), {"--force", "-o", (m_scratch.folder / "trace.kva.h5").string()});
    Pair pair;
    for (std::uint32_t i = 0; i < repeat; ++i) {
      pair.plain.add(runKvatlas(words("generate")));
      pair.capture.add(runKvatlas(capture));
    }
    return pair;
  }

 private:
  const Scratch& m_scratch;
  fs::path m_model;
};

std::string modelName(const BenchArguments& arguments) {
  if (!arguments.model.empty()) return arguments.model.filename().string();
  const std::string layers = arguments.layers > 0 ? fmt::format("; here with {} layers", arguments.layers) : "";
  return fmt::format("random model ({}{})", modelShape(arguments.shape).description, layers);
}

}  // namespace

void benchCapture(const BenchArguments& arguments) {
  const Scratch scratch;
  const CaptureRuns runs(scratch, chosenModel(arguments, scratch));
  printMachine(
      fmt::format("{}, f32; least of {} interleaved runs beyond that of a prompt of {} tokens: seconds waited "
                  "/ processor seconds",
                  modelName(arguments), arguments.repeat, kStartTokens));
  const Pair start = runs.run(kStartTokens, arguments.repeat + 1);
  fmt::print(
      "| tokens | full capture | plain prefill | ratio waited | ratio processor | peak memory, MB | of plain "
      "prefill, MB |\n");
  fmt::print("|---|---|---|---|---|---|---|\n");
  for (const std::uint32_t tokens : arguments.lengths) {
    const Pair pair = runs.run(tokens, arguments.repeat);
    const double plain = pair.plain.wall - start.plain.wall, capture = pair.capture.wall - start.capture.wall;
    const double plain_work = pair.plain.processor - start.plain.processor;
    const double capture_work = pair.capture.processor - start.capture.processor;
    fmt::print("| {} | {:.2f} / {:.2f} | {:.2f} / {:.2f} | {:.2f} | {:.2f} | {:.0f} | {:.0f} |\n", tokens, capture,
               capture_work, plain, plain_work, capture / plain, capture_work / plain_work, pair.capture.peak,
               pair.plain.peak);
    std::fflush(stdout);
  }
  fmt::print("\nstarting and loading: capture {:.2f} / {:.2f} s, plain {:.2f} / {:.2f} s\n", start.capture.wall,
             start.capture.processor, start.plain.wall, start.plain.processor);
  printLoad();
}

void benchGrowth(const BenchArguments& arguments) {
  if (arguments.lengths.size() < 4) failUsage("--lengths: at least four lengths are needed for a parabola");
  const Scratch scratch;
  const CaptureRuns runs(scratch, chosenModel(arguments, scratch));
  printMachine(
      fmt::format("{}, f32; processor seconds, least of {} interleaved runs", modelName(arguments), arguments.repeat));
  fmt::print("| tokens | full capture, s | plain prefill, s | peak memory, MB |\n|---|---|---|---|\n");
  std::vector<double> tokens, seconds, plain, megabytes;
  for (const std::uint32_t length : arguments.lengths) {
    const Pair pair = runs.run(length, arguments.repeat);
    tokens.push_back(length / 1000.0);
    seconds.push_back(pair.capture.processor);
    plain.push_back(pair.plain.processor);
    megabytes.push_back(pair.capture.peak);
    fmt::print("| {} | {:.2f} | {:.2f} | {:.0f} |\n", length, seconds.back(), plain.back(), megabytes.back());
    std::fflush(stdout);
  }
  fmt::print("\nwith n = tokens / 1000:\n");
  for (const auto& [what, y] : {std::pair{"capture", &seconds}, std::pair{"plain prefill", &plain}}) {
    const Fit fit = fitPolynomial(tokens, *y, 2);
    fmt::print("- {}: {:.2f} s {:+.4f} n {:+.5f} n² (R² = {:.4f})\n", what, fit.coefficients[0], fit.coefficients[1],
               fit.coefficients[2], fit.r_squared);
  }
  const Fit memory = fitPolynomial(tokens, megabytes, 1);
  fmt::print("- memory: {:.0f} MB {:+.2f} n (R² = {:.4f})\n", memory.coefficients[0], memory.coefficients[1],
             memory.r_squared);
  const std::size_t last = tokens.size() - 1;
  fmt::print("- time grows as n^{:.2f} between the last two lengths\n",
             std::log(seconds[last] / seconds[last - 1]) / std::log(tokens[last] / tokens[last - 1]));
  printLoad();
}

}  // namespace kvatlas::app
