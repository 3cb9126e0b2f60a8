#include "app/cli/bench/bench_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <memory>

#include "app/cli/bench/bench_capture.h"
#include "app/cli/bench/bench_gpu.h"
#include "app/cli/bench/bench_host.h"
#include "app/cli/bench/bench_kernels.h"
#include "app/cli/bench/bench_tools.h"
#include "app/cli/bench/bench_what_if.h"
#include "app/cli/commands/make_trace_command.h"
#include "core/base/error.h"
#include "core/base/suggest.h"

namespace kvatlas::app {
namespace {

struct Bench {
  const char* name;
  const char* description;
  void (*run)(const BenchArguments&);
};

constexpr std::array kBenches{
    Bench{"probe", "the attention probe against the best matrix product", benchProbe},
    Bench{"tile", "exact tiles", benchTile},
    Bench{"codec", "the log₂ codec of probabilities", benchCodec},
    Bench{"decode", "decode attention over branches of different lengths", benchDecode},
    Bench{"pool", "coarser map levels", benchPool},
    Bench{"capture", "full capture against plain prefill", benchCapture},
    Bench{"prefill", "parts of a prefill against the best matrix product", benchPrefill},
    Bench{"decode-step", "a decoding step against the memory's speed", benchDecodeStep},
    Bench{"gpu", "a CUDA device: probe, capture, branches", benchGpu},
    Bench{"growth", "time and memory against length, with a fit", benchGrowth},
    Bench{"branches", "many methods against the full cache alone", benchBranches},
    Bench{"methods", "every named method in one capture: time and cache of each", benchMethods},
    Bench{"memory", "peak memory against prompt length, or, with --every, against generated tokens", benchMemory},
    Bench{"start", "start-up", benchStart},
    Bench{"needle", "a needle run of many methods against the full cache alone", benchNeedle},
    Bench{"open", "opening FILE and reading parts of it", benchOpen},
    Bench{"what-if", "decisions while a budget is dragged", benchWhatIf}};

void runBench(const BenchArguments& arguments) {
  std::vector<std::string> names;
  for (const Bench& bench : kBenches) {
    if (arguments.name == bench.name) return bench.run(arguments);
    names.emplace_back(bench.name);
  }
  names.emplace_back("make-trace");
  if (arguments.name.empty()) failUsage("bench: name what to measure: {}", fmt::join(names, ", "));
  failUsage("bench {}: unknown name{}", arguments.name, suggestion(arguments.name, names));
}

std::string describeAll() {
  std::string text;
  for (const Bench& bench : kBenches)
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", bench.name, bench.description);
  return text;
}

}  // namespace

void addBenchCommand(CLI::App& root) {
  auto arguments = std::make_shared<BenchArguments>();
  CLI::App& command =
      *root.add_subcommand("bench", "measure kernels, captures and files; make-trace: a large synthetic trace");
  addMakeTraceCommand(command);
  command.add_option("NAME", arguments->name, describeAll());
  command.add_option("FILE", arguments->file, "trace file (open)");
  command.add_option("--model", arguments->model,
                     "checkpoint folder or GGUF file (default: the bundled model, or --shape)");
  command
      .add_option("--shape", arguments->shape, "random model: tiny, six-layer, 1b (capture, growth; gpu: Llama 3 8B's)")
      ->capture_default_str();
  command
      .add_option("--layers", arguments->layers,
                  "layers of the random model, 0: the shape's own (capture, growth, gpu)")
      ->check(CLI::Range(0, 1000));
  command.add_option("--every", arguments->every,
                     "also let the methods decide again every K tokens (branches, memory)");
  command.add_option("--tokens", arguments->tokens, "prompt length (branches, methods, memory with --every, what-if)")
      ->capture_default_str()
      ->check(CLI::Range(64, 1 << 22));
  command
      .add_option("--lengths", arguments->lengths,
                  "prompt lengths (memory, capture, growth; memory with --every: generated tokens; gpu default: all of "
                  "2048 … 131072 that fit)")
      ->delimiter(',')
      ->check(CLI::Range(64, 1 << 22));
  command.add_option("--max-new-tokens", arguments->new_tokens, "tokens to generate")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 16));
  command.add_option("--repeat", arguments->repeat, "runs of each")->capture_default_str()->check(CLI::Range(1, 1000));
  command.add_option("--trials", arguments->trials, "prompts for each length and depth (needle)")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command.add_option("--device", arguments->device, "cuda, cuda:<i>[,cuda:<j>…], cpu (gpu)")->capture_default_str();
  command.add_option("--dtype", arguments->dtype, "f32, bf16 (prefill, decode-step)")->capture_default_str();
  command.add_option("--branches", arguments->branches, "branches of a step (decode-step)")
      ->delimiter(',')
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  command.add_option("--threads", arguments->threads, "1: processor time; 0: all (prefill, decode-step)")
      ->capture_default_str();
  command.add_flag("--json", arguments->json, "a JSON object per line (gpu, prefill, decode-step)");
  command.callback([arguments, &command] {
    arguments->lengths_given = command.count("--lengths") > 0;
    arguments->shape_given = command.count("--shape") > 0;
    if (command.get_subcommands().empty()) runBench(*arguments);
  });
}

}  // namespace kvatlas::app
