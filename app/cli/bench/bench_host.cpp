#include "app/cli/bench/bench_host.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/capture/host_bench_call.h"
#include "app/cli/bench/shape_config.h"
#include "app/cli/capture_call.h"

namespace kvatlas::app {
namespace {

using capture::DecodeBenchRow;
using capture::HostBenchOptions;
using capture::PrefillBenchRow;

HostBenchOptions optionsOf(const BenchArguments& arguments) {
  HostBenchOptions options{.dtype = arguments.dtype,
                           .lengths = arguments.lengths_given ? arguments.lengths : std::vector<std::uint32_t>{2048},
                           .branches = arguments.branches,
                           .repeat = arguments.repeat,
                           .threads = arguments.threads};
  if (!arguments.shape_given) {
    options.model = modelFolder(arguments.model);
    return options;
  }
  ModelShape shape = modelShape(arguments.shape);
  if (arguments.layers > 0) shape.layers = arguments.layers;
  options.shape = configOf(shape);
  return options;
}

void announce(const BenchArguments& arguments, const HostBenchOptions& options) {
  if (arguments.json) return;
  const std::string threads = options.threads == 1   ? "one thread, its processor time"
                              : options.threads == 0 ? "all threads, time waited"
                                                     : fmt::format("{} threads, time waited", options.threads);
  printMachine(fmt::format("{}, {}; {}; least of {} runs",
                           options.model.empty() ? options.shape.name : options.model.filename().string(),
                           options.dtype, threads, options.repeat));
}

void printPrefill(const PrefillBenchRow& row) {
  const auto share = [&](double rate) { return fmt::format("{:.0f} ({:.2f})", rate, rate / row.limit); };
  fmt::print("| {} | {:.0f} | {} | {} | {} | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} |\n", row.tokens, row.limit,
             share(row.products), share(row.attention), share(row.probe), row.prefill_seconds, row.products_seconds,
             row.attention_seconds, row.prefill_seconds - row.products_seconds - row.attention_seconds,
             row.probe_seconds);
}

void printPrefillJson(const PrefillBenchRow& row) {
  const nlohmann::ordered_json object{{"tokens", row.tokens},
                                      {"products_by", row.products_by},
                                      {"limit_gflops", row.limit},
                                      {"products_gflops", row.products},
                                      {"attention_gflops", row.attention},
                                      {"probe_gflops", row.probe},
                                      {"prefill_seconds", row.prefill_seconds},
                                      {"products_seconds", row.products_seconds},
                                      {"attention_seconds", row.attention_seconds},
                                      {"probe_seconds", row.probe_seconds}};
  fmt::print("{}\n", object.dump());
}

void printStep(const DecodeBenchRow& row) {
  const double rate = row.bytes / row.step_seconds / 1e9;
  fmt::print("| {} | {} | {:.2f} | {:.0f} | {:.1f} | {:.1f} | {:.2f} |\n", row.branches, row.tokens,
             1e3 * row.step_seconds, row.bytes / 1e6, rate, row.bandwidth, rate / row.bandwidth);
}

void printStepJson(const DecodeBenchRow& row) {
  const nlohmann::ordered_json object{{"branches", row.branches},
                                      {"tokens", row.tokens},
                                      {"step_seconds", row.step_seconds},
                                      {"bytes", row.bytes},
                                      {"bandwidth_gb_s", row.bandwidth}};
  fmt::print("{}\n", object.dump());
}

// Calls the capture library's `symbol` with the options and a function that takes its rows.
template <class Row>
void run(const char* symbol, const HostBenchOptions& options, const std::function<void(const Row&)>& row) {
  const std::function<void(const Row&)> shown = [&](const Row& measured) {
    row(measured);
    std::fflush(stdout);
  };
  runWithProgress(
      true, [] { return std::string("the bench was stopped"); },
      [&](const WorkContext& work, Outcome& outcome) {
        HostBenchCall<Row> call{&options, &work, &shown};
        reinterpret_cast<HostBenchEntry<Row>>(captureFunction(symbol))(&call, &outcome);
      });
}

}  // namespace

void benchPrefill(const BenchArguments& arguments) {
  const HostBenchOptions options = optionsOf(arguments);
  announce(arguments, options);
  if (!arguments.json)
    fmt::print(
        "| tokens | best product, GFLOP/s | products (share) | attention (share) | probe (share) | prefill, s | "
        "products, s | attention, s | the rest, s | probe of all layers, s "
        "|\n|---|---|---|---|---|---|---|---|---|---|\n");
  run<PrefillBenchRow>("kvatlasBenchPrefill", options, arguments.json ? printPrefillJson : printPrefill);
  if (!arguments.json) printLoad();
}

void benchDecodeStep(const BenchArguments& arguments) {
  const HostBenchOptions options = optionsOf(arguments);
  announce(arguments, options);
  if (!arguments.json)
    fmt::print(
        "| branches | tokens each | step, ms | weights, keys and values, MB | read, GB/s | memory, GB/s | share "
        "|\n|---|---|---|---|---|---|---|\n");
  run<DecodeBenchRow>("kvatlasBenchDecodeStep", options, arguments.json ? printStepJson : printStep);
  if (!arguments.json) printLoad();
}

}  // namespace kvatlas::app
