#include "app/trainer/training_log.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::trainer {
namespace {

std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : "";
}

}  // namespace

TrainingLog::TrainingLog(std::filesystem::path path, std::vector<std::string> measured_columns, std::uint64_t last_step)
    : m_path(std::move(path)), m_columns(std::move(measured_columns)) {
  const std::string header =
      fmt::format("step,tokens,stage,sequence,learning_rate,loss_text,loss_answer,loss_repeat,{},seconds\n",
                  fmt::join(m_columns, ","));
  std::string kept = header;
  if (last_step > 0 && std::filesystem::exists(m_path)) {
    std::istringstream lines(readFile(m_path));
    std::string line;
    std::getline(lines, line);
    if (line + "\n" != header) fail("{}: its columns are not those of this run; move it away", m_path.string());
    while (std::getline(lines, line) && std::strtoull(line.c_str(), nullptr, 10) <= last_step) kept += line + "\n";
  }
  writeFileAtomically(m_path, kept);
}

void TrainingLog::append(const LogLine& line) {
  std::string text = fmt::format("{},{},{},{},{},{},{},{}", line.step, line.tokens, line.stage, line.sequence,
                                 number(line.rate), number(line.text), number(line.answer), number(line.repeat));
  for (const std::string& column : m_columns) {
    const auto found = line.measured.find(column);
    text += fmt::format(",{}", found == line.measured.end() ? "" : number(found->second));
  }
  std::ofstream file(m_path, std::ios::app);
  file << text << fmt::format(",{:.1f}\n", line.seconds) << std::flush;
  if (!file) fail("{}: cannot be written", m_path.string());
}

}  // namespace kvatlas::trainer
