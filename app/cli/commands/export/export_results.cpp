// The tables of a folder of results: the records themselves, the needle grid, accuracy by budget.
#include <algorithm>
#include <array>
#include <set>

#include "app/cli/commands/export/export_parts.h"
#include "app/cli/commands/export/export_table.h"
#include "app/cli/table_writer.h"
#include "core/base/console.h"
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/results/reader.h"
#include "core/results/tables.h"

namespace kvatlas::app {
namespace {

using nlohmann::json;
using results::ResultsReader;

json cellOf(const results::FacetValue& value) {
  return std::visit([](const auto& one) { return json(one); }, value);
}

// The union over all records: each dataset may have its own scores.
std::set<std::string> scoreNames(const ResultsReader& reader) {
  std::set<std::string> names;
  for (const results::Record& record : reader.records())
    for (const auto& [name, value] : record.scores) names.insert(name);
  return names;
}

void writeRecords(const ResultsReader& reader, const ExportRequest&, TableWriter& table) {
  std::vector<std::string> columns{"case_id"};
  for (const results::FacetSpec& facet : reader.settings().plan().facets) columns.push_back(facet.name);
  columns.insert(columns.end(), {"tokens", "method", "label", "budget", "budget_nominal", "kept", "question",
                                 "expected", "answer", "score"});
  const std::set<std::string> scores = scoreNames(reader);
  columns.insert(columns.end(), scores.begin(), scores.end());
  columns.insert(columns.end(), {"prefill_seconds", "seconds"});
  table.columns(columns);
  for (const results::Record& record : reader.records()) {
    std::vector<json> row{record.case_id};
    for (const auto& [name, value] : record.facets) row.push_back(cellOf(value));
    row.insert(row.end(), {record.tokens, record.method, record.label, record.budget, record.budget_nominal,
                           record.kept, record.question, record.expected, record.answer, record.score});
    for (const std::string& name : scores) {
      const auto score = record.scores.find(name);
      row.push_back(score == record.scores.end() ? json(nullptr) : json(score->second));
    }
    row.insert(row.end(), {record.prefill_seconds, record.seconds});
    table.row(row);
  }
}

// One row per method, budget, length and depth; an empty score: no case in that cell.
void writeNeedle(const ResultsReader& reader, const ExportRequest& request, TableWriter& table) {
  table.columns({"method", "label", "budget", "length", "depth", "score"});
  for (const results::Grid& grid :
       results::gridsOf(reader.settings().plan(), reader.records(), results::kLengthByDepth, {request.score, {}}))
    for (std::size_t l = 0; l < grid.rows.size(); ++l)
      for (std::size_t d = 0; d < grid.columns.size(); ++d)
        table.row({grid.branch.method, grid.branch.label, grid.branch.budget, cellOf(grid.rows[l]),
                   cellOf(grid.columns[d]), grid.at(l, d) ? json(*grid.at(l, d)) : json(nullptr)});
}

void writeAccuracy(const ResultsReader& reader, const ExportRequest& request, TableWriter& table) {
  table.columns({"method", "label", "budget", "budget_nominal", "kept", "records", "score", "low", "high"});
  for (const results::Accuracy& row :
       results::accuracyOf(reader.settings().plan(), reader.records(), {request.score, {}}))
    table.row({row.branch.method, row.branch.label, row.branch.budget, row.nominal, row.kept, row.records, row.mean,
               row.interval.low, row.interval.high});
}

struct Part {
  const char* name;
  void (*write)(const ResultsReader&, const ExportRequest&, TableWriter&);
};

constexpr const char* kTable = "table";
constexpr std::array kParts = {Part{"needle", writeNeedle}, Part{"accuracy", writeAccuracy},
                               Part{"records", writeRecords}};

}  // namespace

std::vector<std::string> resultsPartNames() {
  std::vector<std::string> names;
  for (const Part& part : kParts) names.emplace_back(part.name);
  names.emplace_back(kTable);
  return names;
}

void exportResultsPart(const ExportRequest& request) {
  const auto part =
      std::find_if(kParts.begin(), kParts.end(), [&](const Part& one) { return request.what == one.name; });
  const bool is_table = request.what == kTable;
  if (!is_table && !request.beside.empty()) failUsage("--beside belongs to the table of results");
  if (!is_table && part == kParts.end())
    failUsage("'{}': unknown table of a results folder{}", request.what, suggestion(request.what, resultsPartNames()));
  if (!is_table) requireTableName(request.output);
  const ResultsReader reader(request.file);
  for (const std::string& warning : reader.warnings()) say(fmt::format("kvatlas: warning: {}\n", printable(warning)));
  if (reader.records().empty()) fail("{}: has no finished case", request.file);
  if (is_table) return exportTable(reader, request);
  TableWriter table(request.output);
  part->write(reader, request, table);
  table.complete();
}

}  // namespace kvatlas::app
