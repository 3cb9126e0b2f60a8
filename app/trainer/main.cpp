// `kvatlas-train`: trains the bundled model.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "app/cli/interrupt.h"
#include "app/trainer/training.h"
#include "core/base/outcome.h"
#include "core/base/version.h"

int main(int argc, char** argv) {
  using namespace kvatlas;
  // Before libtorch starts its threads: the same bytes from run to run, and no spinning between products.
  setenv("MKL_CBWR", "AUTO", 0);
  setenv("GOMP_SPINCOUNT", "1000", 0);
  // The number of tokens in the loss differs from step to step; oneDNN would keep code for a thousand of them,
  // gigabytes.
  setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64", 0);
  CLI::App app("Trains a small Llama on texts and on questions about planted facts.", "kvatlas-train");
  trainer::TrainingOptions options;
  app.add_option("--texts", options.texts, "folder of .txt files (see resources/training/extract_texts.py)")
      ->required();
  app.add_option("--recipe", options.recipe, "what to train, JSON (see resources/training/recipe.json)")->required();
  app.add_option("-o,--output", options.output,
                 "folder of the model, the log and the checkpoint; a stopped run goes on from there")
      ->required();
  app.add_option("--from", options.from, "start from this model instead of random weights");
  app.add_option("--device", options.device, "auto, cpu or cuda[:i]")->capture_default_str();
  app.add_option("--compute", options.compute, "type of matrix products: auto, f32 or bf16")->capture_default_str();
  app.add_option("--threads", options.threads, "0: all processors")->capture_default_str();
  app.add_option("--stop-after", options.stop_after, "steps of this call, 0: to the end")->capture_default_str();
  app.add_flag("--change-recipe", options.change_recipe, "go on from a checkpoint of another recipe or other texts");
  app.set_version_flag("--version", "kvatlas-train " KVATLAS_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  // One step on a busy machine may take many seconds, and its result is worth waiting for.
  const app::Interrupt interrupt(
      [] { return std::string("stopped in the middle of a step; the last checkpoint is whole"); },
      std::chrono::minutes(1));
  const Outcome outcome = guarded([&] { trainer::train(options, {.stop = interrupt.token()}); });
  if (outcome.exit_code != 0) std::fprintf(stderr, "kvatlas-train: error: %s\n", firstLine(outcome.message).c_str());
  return outcome.exit_code;
}
