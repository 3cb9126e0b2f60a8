// The CSV log of a training as curves over the tokens seen; knows no Qt Gui and no model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kvatlas::views {

// Points where a column was measured; tokens ascend.
struct MeasuredCurve {
  std::vector<double> tokens, values;
};

struct TrainingStage {
  std::string name;
  double tokens = 0;  // seen when it began
};

struct TrainingCurves {
  std::string file;  // name without folder
  std::size_t rows = 0;
  double last_tokens = 0;
  MeasuredCurve text_loss;                                        // nats per token
  MeasuredCurve held_out;                                         // bits per byte
  std::vector<std::pair<std::uint64_t, MeasuredCurve>> accuracy;  // by context length, ascending
  std::vector<TrainingStage> stages;
  std::vector<std::string> warnings;
};

// Columns are found by name: tokens, stage, loss_text, heldout_bits_per_byte, accuracy_<length>; others are passed over
// and empty cells are no points. Lines of a training that went back to a checkpoint replace what it did before; a torn
// last line is left out with a warning. Error naming file, line and column.
[[nodiscard]] TrainingCurves readTrainingCurves(const std::filesystem::path& path);

}  // namespace kvatlas::views
