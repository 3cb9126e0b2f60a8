// One training run, from texts and a recipe to a Hugging Face folder.
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
  bool change_recipe = false;    // resume from a checkpoint of another recipe
  std::uint64_t stop_after = 0;  // stop after this many steps; 0: run to the end
};

// Learns the tokenizer (or loads an existing one), trains, and writes tokenizer, weights, config, log.csv and
// checkpoint to the output folder. After a stop at any moment the same call resumes from the last checkpoint and ends
// with the same bytes. Throws Cancelled after saving a checkpoint when stopped.
void train(const TrainingOptions& options, const WorkContext& work);

}  // namespace kvatlas::trainer
