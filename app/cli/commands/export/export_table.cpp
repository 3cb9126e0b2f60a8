#include "app/cli/commands/export/export_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "core/base/csv.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/results/comparison.h"

namespace kvatlas::app {
namespace {

using results::BesideRow;
using results::ComparedBranch;
using results::ComparedCell;
using results::Comparison;

constexpr const char* kMinus = "−";

std::string signedText(double value) {
  return fmt::format("{}{:.2f}", value < 0 ? kMinus : "+", std::abs(100 * value));
}

// "41.00 (−2.21, −4.02 … −0.31)*"
std::string cellText(const ComparedCell& cell) {
  if (cell.count == 0) return "";
  std::string text = fmt::format("{:.2f}", 100 * cell.mean);
  if (!cell.difference) return text;
  const auto& [mean, interval, marked] = *cell.difference;
  if (!interval) return text + fmt::format(" ({})", signedText(mean));
  return text + fmt::format(" ({}, {} … {}){}", signedText(mean), signedText(interval->low), signedText(interval->high),
                            marked ? "*" : "");
}

std::string budgetText(const ComparedBranch& row) {
  return row.branch.budget == "full" ? "" : row.branch.budget;
}

std::string countsText(const Comparison& comparison) {
  std::vector<std::string> counts;
  for (const ComparedCell& cell : comparison.branches.front().cells) counts.push_back(fmt::format("{}", cell.count));
  return fmt::format("{}", fmt::join(counts, ", "));
}

// What the marks mean, and what they do not.
std::vector<std::string> notesOf(const Comparison& comparison) {
  std::size_t compared = 0;
  for (const ComparedBranch& row : comparison.branches)
    for (const ComparedCell& cell : row.cells)
      if (cell.difference && cell.count >= results::kLeastMarked) ++compared;
  std::vector<std::string> notes{
      "Scores in percent; in brackets the difference to the full cache on the same prompts and its 95 % interval "
      "(paired bootstrap).",
      fmt::format("Prompts per set: {}. The average is the mean of the sets.", countsText(comparison))};
  if (compared == 0)
    notes.push_back(fmt::format("No set has the {} prompts that a mark needs.", results::kLeastMarked));
  else
    notes.push_back(
        fmt::format("*: the interval excludes 0, of at least {} prompts. Of {} such comparisons about {} would "
                    "be marked by chance.",
                    results::kLeastMarked, compared, (compared + 10) / 20));
  return notes;
}

std::string besideText(const std::optional<double>& value) {
  return value ? fmt::format("{:.2f}", *value) : "";
}

std::string averageOf(const BesideRow& row) {
  double sum = 0;
  for (const auto& value : row.values) {
    if (!value) return "";
    sum += *value;
  }
  return fmt::format("{:.2f}", sum / static_cast<double>(row.values.size()));
}

using Lines = std::vector<std::vector<std::string>>;

Lines linesOf(const Comparison& comparison, const std::vector<BesideRow>& beside) {
  Lines lines{{"method", "budget", "kept/head"}};
  lines.front().insert(lines.front().end(), comparison.sets.begin(), comparison.sets.end());
  lines.front().emplace_back("average");
  for (const ComparedBranch& row : comparison.branches) {
    lines.push_back({row.branch.label, budgetText(row), fmt::format("{:.1f}", row.kept)});
    for (const ComparedCell& cell : row.cells) lines.back().push_back(cellText(cell));
    lines.back().push_back(cellText(row.average));
  }
  for (const BesideRow& row : beside) {
    lines.push_back({row.name + " (published)", "", ""});
    for (const auto& value : row.values) lines.back().push_back(besideText(value));
    lines.back().push_back(averageOf(row));
  }
  return lines;
}

std::string escaped(const std::string& text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string markdown(const Lines& lines, const std::vector<std::string>& notes) {
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (const std::string& cell : lines[i]) text += "| " + escaped(cell, "|*_") + " ";
    text += "|\n";
    if (i > 0) continue;
    for (std::size_t column = 0; column < lines[i].size(); ++column) text += column < 2 ? "|---" : "|--:";
    text += "|\n";
  }
  for (const std::string& note : notes) text += "\n" + escaped(note, "*") + "\n";
  return text;
}

std::string replacedAll(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string latexText(const std::string& text) {
  return replacedAll(replacedAll(escaped(text, "&%$#_{}"), kMinus, "$-$"), "…", "\\ldots{}");
}

// Needs booktabs.
std::string latex(const Lines& lines, const std::vector<std::string>& notes) {
  std::string text = "% " + fmt::format("{}", fmt::join(notes, "\n% ")) + "\n\\begin{tabular}{ll" +
                     std::string(lines.front().size() - 2, 'r') + "}\n\\toprule\n";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::vector<std::string> cells;
    for (const std::string& cell : lines[i]) cells.push_back(latexText(cell));
    text += fmt::format("{} \\\\\n", fmt::join(cells, " & "));
    if (i == 0) text += "\\midrule\n";
  }
  return text + "\\bottomrule\n\\end{tabular}\n";
}

void addCsvCell(std::string& text, const std::string& front, const std::string& set, const ComparedCell& cell) {
  if (cell.count == 0) return;
  text += fmt::format("{},{},{},{}", front, csvCell(set), cell.count, cell.mean);
  const auto& difference = cell.difference;
  if (!difference)
    text += ",,,,\n";
  else if (!difference->interval)
    text += fmt::format(",{},,,0\n", difference->mean);
  else
    text += fmt::format(",{},{},{},{}\n", difference->mean, difference->interval->low, difference->interval->high,
                        difference->marked ? 1 : 0);
}

// One line per branch and set, scores 0 to 1.
std::string csv(const Comparison& comparison, const std::vector<BesideRow>& beside) {
  std::string text = "method,label,budget,kept,set,prompts,score,difference,low,high,marked\n";
  for (const ComparedBranch& row : comparison.branches) {
    const std::string front = fmt::format("{},{},{},{}", csvCell(row.branch.method), csvCell(row.branch.label),
                                          csvCell(row.branch.budget), row.kept);
    for (std::size_t i = 0; i < row.cells.size(); ++i) addCsvCell(text, front, comparison.sets[i], row.cells[i]);
    addCsvCell(text, front, "average", row.average);
  }
  for (const BesideRow& row : beside)
    for (std::size_t i = 0; i < row.values.size(); ++i)
      if (row.values[i])
        text += fmt::format("published,{},,,{},,{},,,,\n", csvCell(row.name), csvCell(comparison.sets[i]),
                            *row.values[i] / 100);
  return text;
}

}  // namespace

void exportTable(const results::ResultsReader& reader, const ExportRequest& request) {
  const std::filesystem::path output(request.output);
  const std::string kind = output.extension().string();
  if (kind != ".md" && kind != ".csv" && kind != ".tex")
    failUsage("{}: expected a name ending in .md, .csv or .tex", request.output);
  const Comparison comparison = results::compare(reader.settings().plan(), reader.records(), request.score);
  std::vector<BesideRow> beside;
  if (!request.beside.empty()) beside = results::readBeside(readFile(request.beside), request.beside, comparison.sets);
  const std::vector<std::string> notes = notesOf(comparison);
  if (kind == ".csv") return writeFileAtomically(output, csv(comparison, beside));
  const Lines lines = linesOf(comparison, beside);
  writeFileAtomically(output, kind == ".md" ? markdown(lines, notes) : latex(lines, notes));
}

}  // namespace kvatlas::app
