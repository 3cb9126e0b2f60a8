#include "app/cli/bench_gpu.h"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "app/cli/capture_call.h"

namespace kvatlas::app {
namespace {

void printHead(const capture::GpuBenchReport& report, const capture::GpuBenchOptions& options) {
  fmt::print("{}: {}; medians of {} runs, {} new tokens, 16 branches (4 methods × 64, 128, 256, 512 tokens)\n\n",
             report.shape, report.machine, options.repeat, options.new_tokens);
  fmt::print(
      "| tokens | probe, ms per layer | probe, TFLOP/s | library-only, ms per layer | plain prefill, s | capture, s | "
      "capture / plain | decode full, s | with 16 branches, s | branches / full | peak device memory, GB |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|\n");
}

void printRow(const capture::GpuBenchRow& row) {
  const std::string library = row.library > 0 ? fmt::format("{:.2f}", 1e3 * row.library) : "–";
  fmt::print("| {} | {:.3f} | {:.0f} | {} | {:.3f} | {:.3f} | {:.2f} | {:.3f} | {:.3f} | {:.2f} | {:.1f} |\n",
             row.tokens, 1e3 * row.probe, row.probe_tflops, library, row.prefill, row.capture,
             row.capture / row.prefill, row.full_decode, row.branches, row.branches / row.full_decode,
             static_cast<double>(row.peak_bytes) / 1e9);
  std::fflush(stdout);
}

}  // namespace

void benchGpu(const BenchArguments& arguments) {
  capture::GpuBenchOptions options{.repeat = arguments.repeat, .new_tokens = arguments.new_tokens};
  // --lengths of the other benches has smaller defaults: unless changed, this one's own hold.
  if (arguments.lengths != BenchArguments{}.lengths) options.lengths = arguments.lengths;
  bool first = true;
  const std::function<void(const capture::GpuBenchReport&, const capture::GpuBenchRow&)> row =
      [&](const capture::GpuBenchReport& report, const capture::GpuBenchRow& measured) {
        if (std::exchange(first, false)) printHead(report, options);
        printRow(measured);
      };
  runWithProgress(
      true, [] { return std::string("the bench was stopped"); },
      [&](const WorkContext& work, Outcome& outcome) {
        GpuBenchCall call{&options, &work, &row};
        reinterpret_cast<GpuBenchEntry>(captureFunction("kvatlasBenchGpu"))(&call, &outcome);
      });
}

}  // namespace kvatlas::app
