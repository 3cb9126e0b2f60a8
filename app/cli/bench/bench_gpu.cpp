#include "app/cli/bench/bench_gpu.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "app/cli/bench/shape_config.h"
#include "app/cli/capture_call.h"

namespace kvatlas::app {
namespace {

using capture::GpuBenchReport;
using capture::GpuBenchRow;

void printHead(const GpuBenchReport& report, const capture::GpuBenchOptions& options) {
  fmt::print("{}: {}; medians of {} runs, {} new tokens, 16 branches (4 methods × 64, 128, 256, 512 tokens)\n\n",
             report.shape, report.machine, options.repeat, options.new_tokens);
  const std::vector<const char*> columns{"tokens",
                                         "probe, ms per layer",
                                         "probe, TFLOP/s",
                                         "library-only, ms per layer",
                                         "SeerAttention-style pooling, ms per layer",
                                         "plain prefill, s",
                                         "capture, s",
                                         "capture / plain",
                                         "decode full, s",
                                         "with 16 branches, s",
                                         "branches / full",
                                         "peak device memory, GB"};
  fmt::print("| {} |\n|", fmt::join(columns, " | "));
  for (std::size_t i = 0; i < columns.size(); ++i) fmt::print("---|");
  fmt::print("\n");
}

void printRow(const GpuBenchRow& row) {
  const auto milliseconds = [](double seconds) { return seconds > 0 ? fmt::format("{:.2f}", 1e3 * seconds) : "–"; };
  fmt::print("| {} | {:.3f} | {:.0f} | {} | {} | {:.3f} | {:.3f} | {:.2f} | {:.3f} | {:.3f} | {:.2f} | {:.1f} |\n",
             row.tokens, 1e3 * row.probe, row.probe_tflops, milliseconds(row.library), milliseconds(row.pooling),
             row.prefill, row.capture, row.capture / row.prefill, row.full_decode, row.branches,
             row.branches / row.full_decode, static_cast<double>(row.peak_bytes) / 1e9);
}

// One object per length; null: not measured.
void printJson(const GpuBenchReport& report, const GpuBenchRow& row) {
  const auto seconds = [](double value) { return value > 0 ? nlohmann::ordered_json(value) : nullptr; };
  const nlohmann::ordered_json object{{"shape", report.shape},
                                      {"machine", report.machine},
                                      {"tokens", row.tokens},
                                      {"probe_seconds_per_layer", seconds(row.probe)},
                                      {"probe_tflops", row.probe_tflops},
                                      {"library_seconds_per_layer", seconds(row.library)},
                                      {"pooling_seconds_per_layer", seconds(row.pooling)},
                                      {"prefill_seconds", seconds(row.prefill)},
                                      {"capture_seconds", seconds(row.capture)},
                                      {"decode_full_seconds", seconds(row.full_decode)},
                                      {"decode_branches_seconds", seconds(row.branches)},
                                      {"peak_device_bytes", row.peak_bytes},
                                      {"missing", row.missing}};
  fmt::print("{}\n", object.dump());
}

}  // namespace

void benchGpu(const BenchArguments& arguments) {
  capture::GpuBenchOptions options{.device = arguments.device,
                                   .repeat = arguments.repeat,
                                   .new_tokens = arguments.new_tokens,
                                   .layers = arguments.layers};
  // The other benchmarks have smaller defaults: override this one's only with given values.
  if (arguments.lengths_given) options.lengths = arguments.lengths;
  if (arguments.shape_given) options.shape = configOf(modelShape(arguments.shape));

  bool first = true;
  std::vector<std::string> missing;
  const std::function<void(const GpuBenchReport&, const GpuBenchRow&)> row = [&](const GpuBenchReport& report,
                                                                                 const GpuBenchRow& measured) {
    if (arguments.json) {
      printJson(report, measured);
    } else {
      if (std::exchange(first, false)) printHead(report, options);
      printRow(measured);
    }
    std::fflush(stdout);
    for (const std::string& reason : measured.missing)
      missing.push_back(fmt::format("{} tokens, {}", measured.tokens, reason));
  };
  runWithProgress(
      true, [] { return std::string("the bench was stopped"); },
      [&](const WorkContext& work, Outcome& outcome) {
        GpuBenchCall call{&options, &work, &row};
        reinterpret_cast<GpuBenchEntry>(captureFunction("kvatlasBenchGpu"))(&call, &outcome);
      });
  if (arguments.json || missing.empty()) return;
  fmt::print("\n–: {}\n", fmt::join(missing, "; "));
}

}  // namespace kvatlas::app
