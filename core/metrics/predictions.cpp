#include "core/metrics/predictions.h"

#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/json_field.h"
#include "core/base/line_reader.h"
#include "core/metrics/datasets.h"
#include "core/metrics/metrics.h"

namespace kvatlas::metrics {
namespace {

std::vector<std::string> textsOf(const JsonField& fields, const char* field) {
  const nlohmann::json* value = fields.raw(field);
  if (value != nullptr && value->is_string()) return {value->get<std::string>()};
  if (value == nullptr || !value->is_array()) fields.refuse(field, "a text or a list of texts");
  std::vector<std::string> texts;
  for (const nlohmann::json& one : *value) {
    if (!one.is_string()) fields.refuse(field, "a text or a list of texts");
    texts.push_back(one.get<std::string>());
  }
  return texts;
}

std::string datasetOf(const JsonField& fields, const std::filesystem::path& file) {
  if (fields.has("dataset")) return fields.text("dataset");
  for (const std::string& name : {file.stem().string(), file.parent_path().filename().string()})
    if (findDataset(name) != nullptr) return name;
  return {};
}

const Metric& metricOf(const JsonField& fields, const Dataset* dataset, const std::string& name) {
  if (fields.has("metric")) return findMetric(fields.text("metric"));
  if (dataset != nullptr) return findMetric(dataset->metric);
  if (name.empty()) fields.refuse("dataset", "the name of a LongBench set or RULER task, or a field 'metric'");
  fields.refuse("metric", fmt::format("the name of a metric, because '{}' is no LongBench set or RULER task", name));
}

ScoredLine scoreLine(const std::string& line, const std::filesystem::path& file, const std::string& where) {
  nlohmann::json value = parseJson(line, where);
  const JsonField fields(where, value);
  ScoredLine scored{.dataset = datasetOf(fields, file), .text = line};
  const Dataset* dataset = findDataset(scored.dataset);
  const Metric& metric = metricOf(fields, dataset, scored.dataset);
  if (scored.dataset.empty()) scored.dataset = metric.name;
  const std::string prediction = fields.text("pred");
  const std::vector<std::string> answers = textsOf(fields, fields.has("answers") ? "answers" : "outputs");
  const std::vector<std::string> classes =
      metric.name == "classification" ? textsOf(fields, "all_classes") : std::vector<std::string>{};
  try {
    const std::string_view counted = dataset == nullptr ? prediction : countedPart(*dataset, prediction);
    scored.score = metric.score(counted, {answers, classes});
  } catch (const Error& error) {
    fail("{}: {}", where, error.what());
  }
  scored.row = std::move(value);
  return scored;
}

}  // namespace

std::string scorePredictions(const std::filesystem::path& file, const std::function<void(const ScoredLine&)>& take) {
  std::error_code code;
  if (std::filesystem::is_directory(file, code)) fail("{}: is a folder, expected a file of predictions", file.string());
  LineReader lines(file, kMostRowBytes);
  std::size_t scored = 0;
  for (std::string line; lines.next(line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (!lines.ended() && !nlohmann::json::accept(line) && scored > 0)
      return fmt::format("{}: the last line is incomplete and was skipped", lines.where());
    take(scoreLine(line, file, lines.where()));
    ++scored;
  }
  if (scored == 0) fail("{}: contains no predictions", file.string());
  return {};
}

}  // namespace kvatlas::metrics
