#include "app/cli/commands/make_trace_command.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <numeric>

#include "app/cli/interrupt.h"
#include "core/base/error.h"
#include "core/synthetic/synthetic_trace.h"
#include "core/trace/space.h"

namespace kvatlas::app {
namespace {

struct MakeTraceArguments {
  synthetic::SyntheticOptions options;
  std::filesystem::path output;
  bool quiet = false;
};

void makeTrace(MakeTraceArguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  const std::uint64_t expected = synthetic::expectedBytes(arguments.options);
  const auto words = [&] {
    return fmt::format("stopped; everything written so far is in {}.part", arguments.output.string());
  };
  const Interrupt interrupt([&](std::string_view) { return words(); });
  const auto progress = makeStderrProgress(arguments.quiet);
  trace::requireSpace(arguments.output, expected, trace::freeBytesFor(arguments.output),
                      "--layers, --heads, --map-size and --keep-qk of fewer layers");
  progress->note(fmt::format("the trace will take about {}", trace::sizeText(expected)));
  try {
    synthetic::writeSyntheticTrace(arguments.output, arguments.options,
                                   {.progress = progress.get(), .stop = interrupt.token()});
  } catch (const Cancelled&) {
    progress->end();
    throw Cancelled(words());
  }
  if (arguments.quiet) return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print("{}: {} in {:.1f} s\n", arguments.output.string(),
             trace::sizeText(std::filesystem::file_size(arguments.output)), seconds);
}

}  // namespace

void addMakeTraceCommand(CLI::App& bench) {
  auto arguments = std::make_shared<MakeTraceArguments>();
  synthetic::SyntheticOptions& options = arguments->options;
  CLI::App& command = *bench.add_subcommand("make-trace", "write a synthetic trace of any size, for testing viewers");
  const auto number = [&](const char* name, std::uint32_t& value, const char* text, std::uint32_t low,
                          std::uint32_t high) {
    command.add_option(name, value, text)->capture_default_str()->check(CLI::Range(low, high));
  };
  number("--tokens", options.tokens, "prompt length", 1, 1U << 24U);
  number("--layers", options.layers, "layers", 1, 1000);
  number("--heads", options.query_heads, "query heads", 1, 4096);
  number("--kv-heads", options.kv_heads, "KV heads", 1, 4096);
  number("--head-dim", options.head_dim, "size of a head", 1, 1024);
  number("--map-size", options.map_size, "largest side of the maps, 0: none", 0, 1U << 15U);
  number("--window", options.window, "observation window", 1, 4096);
  number("--max-new-tokens", options.new_tokens, "generated tokens", 0, 4096);
  number("--documents", options.documents, "documents in the prompt, 0: chosen by its length", 0, 1U << 16U);
  command
      .add_option_function<std::vector<std::uint32_t>>(
          "--keep-qk", [&options](const std::vector<std::uint32_t>& layers) { options.qk_layers = layers; },
          "layers with queries and keys: 0,6; their attention is computed exactly, which takes N² time")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--method", options.methods, "NAME[:key=value,…], repeatable")->allow_extra_args(false);
  command.add_option("--budget", options.budgets, "tokens per head or percent, repeatable")->allow_extra_args(false);
  command.add_option("--seed", options.seed, "seed of the random values")->capture_default_str();
  command.add_option("--threads", options.threads, "processor threads, 0: all")->check(CLI::Range(0, 1024));
  command.add_option("-o,--output", arguments->output, "trace file, *.kva.h5")->required();
  command.add_flag("-q,--quiet", arguments->quiet, "no progress");
  command.callback([arguments] { makeTrace(*arguments); });
}

}  // namespace kvatlas::app
