// One training run from texts and a recipe to a Hugging Face folder; knows no command line.
#pragma once

#include <filesystem>
#include <string>

#include "app/trainer/recipe.h"
#include "core/base/progress.h"

namespace kvatlas::trainer {

struct TrainingOptions {
  std::filesystem::path texts, recipe, output;
  std::filesystem::path from;    // a model folder to start from, or empty
  std::string device = "auto";   // auto | cpu | cuda[:i]
  std::string compute = "auto";  // auto | f32 | bf16: the type of matrix products
  unsigned threads = 0;
  bool change_recipe = false;    // go on from a checkpoint of another recipe
  std::uint64_t stop_after = 0;  // steps of this call, 0: to the end
};

// Learns the tokenizer (or takes the one that is there already), trains, and leaves tokenizer, weights, config, log.csv
// and checkpoint in the output folder. Stopped at any moment, the same call goes on from the last checkpoint and ends
// with the same bytes. Throws Cancelled after saving a checkpoint when stopped.
void train(const TrainingOptions& options, const WorkContext& work);

}  // namespace kvatlas::trainer
