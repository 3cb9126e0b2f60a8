#include "core/evaluation/ruler/published_ruler.h"

#include <algorithm>
#include <numeric>

#include "core/base/error.h"

namespace kvatlas::evaluation {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using results::Case;

std::vector<std::string> outputsOf(const Row& row) {
  return textsIn(row, row.fields().has("outputs") ? "outputs" : "answers");
}

fs::path fileOf(const fs::path& folder, std::uint64_t length, const std::string& task) {
  std::error_code code;
  const fs::path part = folder / fmt::format("{}", length);
  for (const fs::path& path :
       {part / (task + ".jsonl"), part / task / "validation.jsonl", part / "data" / task / "validation.jsonl"})
    if (fs::exists(path, code)) return path;
  fail("{}: contains neither {}/{}.jsonl nor {}/{}/validation.jsonl", folder.string(), length, task, length, task);
}

void checkRow(const Row& row) {
  (void)row.fields().text("input");
  if (outputsOf(row).empty()) row.fields().refuse("outputs", "at least one text");
}

}  // namespace

PublishedRuler::PublishedRuler(RulerOptions options, const TaskModel& model, const fs::path& folder)
    : RulerTaskBase(std::move(options), model), m_cleans_up(cleansUp(model.folder)) {
  Sha256 sha;
  for (const std::uint64_t length : m_options.lengths)
    for (const std::string& task : m_options.tasks) {
      std::vector<Row> rows = readRows(fileOf(folder, length, task), m_options.rows, sha);
      for (const Row& row : rows) checkRow(row);
      m_rows.emplace(std::pair{task, length}, std::move(rows));
    }
  const fs::path named = folder.lexically_normal();
  m_sources[kDataSource] = {(named.has_filename() ? named : named.parent_path()).filename().string(), sha.hex()};
}

std::uint64_t PublishedRuler::tokensOf(const Case& wanted) const {
  return wanted.facets.whole("length");
}

void PublishedRuler::check(const Case& wanted) const {
  (void)rowOf(wanted);
}

EvaluationPrompt PublishedRuler::prompt(const Case& wanted) const {
  const Row& row = rowOf(wanted);
  const TextFrame& frame = m_options.frame;
  const bool is_framed = frame.place != TextFrame::Place::None;
  const std::string input = row.fields().text("input");
  const std::uint64_t taken = std::min<std::uint64_t>(newTokens(wanted), m_positions / 2);
  std::string text = cutInTheMiddle(input, m_positions - taken, {m_tokenizer, m_cleans_up});
  if (is_framed) text = framed(frame, text);
  text += row.fields().text("answer_prefix", "");
  text::PreparedPrompt prepared = encodedPrompt(std::move(text), !is_framed || frame.adds_special, m_tokenizer);
  const std::string question = input.substr(input.rfind('\n') + 1);  // npos + 1 is 0
  addLastSpan(prepared, "question", question);
  return promptOf(wanted, std::move(prepared), question, outputsOf(row));
}

json PublishedRuler::cases() const {
  json blocks = json::array();
  for (const std::string& task : m_options.tasks)
    for (const std::uint64_t length : m_options.lengths) {
      std::vector<std::uint64_t> rows(m_rows.at({task, length}).size());
      std::iota(rows.begin(), rows.end(), 0);
      blocks.push_back({{"task", {task}}, {"length", {length}}, {"row", rows}});
    }
  return blocks;
}

std::vector<std::string> PublishedRuler::answersFor(const Case& wanted) const {
  return outputsOf(rowOf(wanted));
}

const Row& PublishedRuler::rowOf(const Case& wanted) const {
  const auto found = m_rows.find({wanted.facets.text("task"), wanted.facets.whole("length")});
  const std::uint64_t row = wanted.facets.whole("row");
  if (found == m_rows.end() || row >= found->second.size()) fail("case {}: the files have no such row", wanted.id);
  return found->second[row];
}

}  // namespace kvatlas::evaluation
