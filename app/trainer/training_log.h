// Writes the CSV log of a training run, one line per evaluation or report.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace kvatlas::trainer {

struct LogLine {
  std::uint64_t step = 0, tokens = 0;
  std::string stage;
  std::uint32_t sequence = 0;
  double rate = 0;
  double text = 0, answer = 0, repeat = 0;  // mean training loss since the last line, nats per token; NaN: none
  std::map<std::string, double> measured;   // held-out results by column
  double seconds = 0;
};

// Columns: step,tokens,stage,sequence,learning_rate,loss_text,loss_answer,loss_repeat,<measured…>,seconds. Cells
// without a value are empty.
class TrainingLog {
 public:
  // Keeps an earlier run's lines up to and including `last_step` and drops later ones. Error when the columns differ.
  TrainingLog(std::filesystem::path path, std::vector<std::string> measured_columns, std::uint64_t last_step);
  void append(const LogLine& line);

 private:
  std::filesystem::path m_path;
  std::vector<std::string> m_columns;
};

}  // namespace kvatlas::trainer
