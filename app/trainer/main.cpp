// `kvatlas-train`: trains the bundled model.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>

#include "app/cli/interrupt.h"
#include "app/trainer/training.h"
#include "core/base/console.h"
#include "core/base/outcome.h"
#include "core/base/version.h"

int main(int argc, char** argv) {
  using namespace kvatlas;
  reserveStandardStreams();
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
  // Before libtorch starts its threads: reproducible bytes, and no spinning between products.
  setenv("MKL_CBWR", "AUTO", 0);
  setenv("GOMP_SPINCOUNT", "1000", 0);
  // The number of tokens in the loss differs per step; oneDNN would cache code for a thousand of them: gigabytes.
  setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64", 0);
  CLI::App app("Trains a small Llama on texts and on questions about planted facts.", "kvatlas-train");
  trainer::TrainingOptions options;
  app.add_option("--texts", options.texts, "folder of .txt files (see resources/training/extract_texts.py)")
      ->required();
  app.add_option("--recipe", options.recipe, "what to train, JSON (see resources/training/recipe.json)")->required();
  app.add_option("-o,--output", options.output,
                 "folder of the model, the log and the checkpoint; resumes a stopped run there")
      ->required();
  app.add_option("--from", options.from, "start from this model instead of random weights");
  app.add_option("--device", options.device, "auto, cpu or cuda[:i]")->capture_default_str();
  app.add_option("--compute", options.compute, "type of matrix products: auto, f32 or bf16")->capture_default_str();
  app.add_option("--threads", options.threads, "0: all processors")->capture_default_str();
  app.add_option("--stop-after", options.stop_after, "stop after this many steps, 0: run to the end")
      ->capture_default_str();
  app.add_flag("--change-recipe", options.change_recipe, "resume from a checkpoint of another recipe or other texts");
  app.set_version_flag("--version", "kvatlas-train " KVATLAS_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  // One step may take many seconds on a busy machine; wait for its result.
  const app::Interrupt interrupt(
      [](std::string_view) { return std::string("stopped in the middle of a step; the last checkpoint is intact"); },
      std::chrono::minutes(1));
  const Outcome outcome = guarded([&] { trainer::train(options, {.stop = interrupt.token()}); });
  if (outcome.exit_code != 0) say(fmt::format("kvatlas-train: error: {}\n", printable(firstLine(outcome.message))));
  return outcome.exit_code;
}
