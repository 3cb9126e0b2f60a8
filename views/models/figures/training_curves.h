// The CSV log of a training run as curves over the tokens seen; no Qt Gui.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kvatlas::views {

// The measured points of a column; tokens ascend.
struct MeasuredCurve {
  std::vector<double> tokens, values;
};

struct TrainingStage {
  std::string name;
  double tokens = 0;  // seen at its start
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

// Reads columns by name: tokens, stage, loss_text, heldout_bits_per_byte, accuracy_<length>; ignores other columns and
// empty cells. After a resume from a checkpoint, the new lines replace the old ones. Skips a truncated last line with a
// warning. Error naming file, line and column.
[[nodiscard]] TrainingCurves readTrainingCurves(const std::filesystem::path& path);

}  // namespace kvatlas::views
