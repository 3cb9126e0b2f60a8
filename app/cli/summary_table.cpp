#include "app/cli/summary_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace kvatlas::app {
namespace {

std::string bytesText(std::uint64_t bytes) {
  if (bytes >= 10'000'000'000) return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
  if (bytes >= 10'000'000) return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
  return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
}

std::string measureText(double value, int digits) {
  return value < 0 ? "–" : fmt::format("{:.{}f}", value, digits);
}

// One line of at most `width` bytes: stops at a line break; truncation never splits a character.
std::string oneLine(const std::string& text, std::size_t width) {
  const auto begin = text.find_first_not_of(" \n");
  if (begin == std::string::npos) return {};
  std::string line = text.substr(begin, text.find('\n', begin) - begin);
  if (line.size() <= width) return line;
  std::size_t cut = width;
  while (cut > 0 && (static_cast<unsigned char>(line[cut]) & 0xC0U) == 0x80U) --cut;
  return line.substr(0, cut) + "…";
}

bool isRight(const capture::RunSummary& run, const std::string& answer) {
  return run.text.find(answer) != std::string::npos;
}

nlohmann::json measured(double value) {
  return value < 0 ? nlohmann::json(nullptr) : nlohmann::json(value);
}

}  // namespace

std::string summaryTable(const capture::CaptureSummary& summary, const std::string& answer) {
  std::size_t width = 6;
  for (const auto& run : summary.runs) width = std::max(width, run.label.size());
  const bool judged = !answer.empty();
  std::string table = fmt::format("{:<{}}  {:>9}  {:>9}  {:>8}  {:>7}  {:>8}  {}{}\n", "run", width, "kept/head",
                                  "cache", "retained", "oracle", "KL, nats", judged ? "answer   " : "", "text");
  for (const auto& run : summary.runs)
    table += fmt::format("{:<{}}  {:>9.1f}  {:>9}  {:>8}  {:>7}  {:>8}  {}{}\n", run.label, width, run.kept_tokens,
                         bytesText(run.cache_bytes), measureText(run.retained, 3), measureText(run.oracle, 3),
                         measureText(run.kl, 3),
                         !judged                ? ""
                         : isRight(run, answer) ? "right    "
                                                : "wrong    ",
                         oneLine(run.text, 60));
  const std::string question =
      summary.question_tokens == 0 ? "" : fmt::format(" of context, {} of the question", summary.question_tokens);
  const std::string pass =
      summary.pass_seconds > 0 ? fmt::format("a second pass over the prompt {:.2f} s, ", summary.pass_seconds) : "";
  table += fmt::format("\n{} tokens{}; prefill {:.2f} s, {}decoding {:.2f} s, all {:.2f} s; {} ({})\n", summary.tokens,
                       question, summary.prefill_seconds, pass, summary.decode_seconds, summary.total_seconds,
                       summary.output.string(), bytesText(summary.file_bytes));
  return table;
}

nlohmann::json runsJson(const std::vector<capture::RunSummary>& runs) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& run : runs)
    list.push_back({{"label", run.label},
                    {"method", run.method},
                    {"budget", run.budget},
                    {"kept_tokens", run.kept_tokens},
                    {"cache_bytes", run.cache_bytes},
                    {"retained", measured(run.retained)},
                    {"oracle", measured(run.oracle)},
                    {"kl", measured(run.kl)},
                    {"seconds", run.seconds},
                    {"text", run.text}});
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (!runs[i].question.empty()) list[i]["question"] = runs[i].question;
  return list;
}

nlohmann::json summaryJson(const capture::CaptureSummary& summary, const std::string& answer) {
  nlohmann::json runs = runsJson(summary.runs);
  for (std::size_t i = 0; !answer.empty() && i < runs.size(); ++i) runs[i]["right"] = isRight(summary.runs[i], answer);
  nlohmann::json question = summary.question.empty() ? nlohmann::json(nullptr) : nlohmann::json(summary.question);
  return {{"output", summary.output.string()},          {"question", std::move(question)},
          {"question_tokens", summary.question_tokens}, {"tokens", summary.tokens},
          {"file_bytes", summary.file_bytes},           {"prefill_seconds", summary.prefill_seconds},
          {"pass_seconds", summary.pass_seconds},       {"decode_seconds", summary.decode_seconds},
          {"total_seconds", summary.total_seconds},     {"runs", runs}};
}

}  // namespace kvatlas::app
