// A training run's JSON recipe: model shape, optimiser, stages.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kvatlas::trainer {

struct ModelShape {
  std::uint32_t layers = 8, hidden = 256, intermediate = 640, query_heads = 8, kv_heads = 4, head_dim = 32;
  std::uint32_t vocabulary = 4096, positions = 4096;
  double rope_theta = 10000, norm_eps = 1e-5;
};

// The layers whose heads the lesson teaches while the first circuits form; 0-based. Previous: attend to the previous
// two tokens. Induction: attend to the token after earlier occurrences of the current token (or of the last two
// tokens).
struct LessonPlan {
  std::vector<std::uint32_t> previous_layers, induction_layers;
};

struct OptimiserPlan {
  double matrix_rate = 0.02, vector_rate = 3e-3;  // Muon, AdamW
  double momentum = 0.95, beta1 = 0.9, beta2 = 0.95, decay = 0.02, clip = 1.0;
  std::uint32_t warm_up_steps = 50;
};

// Rates and lesson weight change linearly from their first to their last value.
struct Stage {
  std::string name;
  std::uint32_t sequence = 128, batch = 32, steps = 100;
  double repeats = 0, text = 0.2;  // shares of rows; the others are texts with facts and questions
  double rate_first = 1, rate_last = 1;
  double lesson_first = 0, lesson_last = 0;
  std::uint32_t most_facts = 4;
};

struct Recipe {
  ModelShape model;
  LessonPlan lesson;
  OptimiserPlan optimiser;
  std::vector<Stage> stages;
  std::vector<std::string> held_out;  // names of text files excluded from training
  std::uint64_t seed = 0;
  std::uint32_t evaluate_every = 100, checkpoint_every = 100;  // steps
  std::string source;                                          // the JSON text, for the checkpoint

  [[nodiscard]] std::uint64_t totalSteps() const;
};

// A position in the run. After the last stage: stage == stages.size().
struct StagePosition {
  std::size_t stage = 0;
  std::uint32_t step = 0;  // within the stage
  double part = 0;         // [0, 1] completed part of the stage
};
[[nodiscard]] StagePosition positionOf(const Recipe& recipe, std::uint64_t step);

// Error names file and field: unknown names, wrong types, values that give no valid model.
[[nodiscard]] Recipe loadRecipe(const std::filesystem::path& path);
[[nodiscard]] Recipe parseRecipe(const std::string& json_text, const std::string& name);

}  // namespace kvatlas::trainer
