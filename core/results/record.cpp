#include "core/results/record.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json_field.h"

namespace kvatlas::results {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr double kMostTokens = 1e12;  // per prompt; larger values mean a damaged file
constexpr double kMostSeconds = 1e12;
constexpr std::uint64_t kMostWhole = std::uint64_t{1} << 40;

constexpr std::array<std::string_view, 17> kFields{
    "case_id",  "prompt_sha256", "tokens",     "method",  "label", "budget", "budget_nominal",  "kept",   "question",
    "expected", "answer",        "also_right", "details", "score", "scores", "prefill_seconds", "seconds"};

// JSON has no NaN: it would be written as null, which the reader refuses.
double finite(double value, const char* field, const Record& record) {
  if (!std::isfinite(value)) fail("case {} of {}: '{}' is not a finite number", record.case_id, record.label, field);
  return value;
}

ordered_json jsonOf(const FacetValue& value, const std::string& name, const Record& record) {
  if (const auto* number = std::get_if<double>(&value)) return finite(*number, name.c_str(), record);
  if (const auto* whole = std::get_if<std::uint64_t>(&value)) return *whole;
  return std::get<std::string>(value);
}

// Puts the requested length beside the actual tokens.
void printPrompt(ordered_json& line, const Record& record) {
  const auto print = [&](const auto& facet) { line[facet.first] = jsonOf(facet.second, facet.first, record); };
  const auto isLength = [](const auto& facet) { return facet.first == "length"; };
  line["case_id"] = record.case_id;
  line["prompt_sha256"] = record.prompt_sha256;
  for (const auto& facet : record.facets)
    if (isLength(facet)) print(facet);
  line["tokens"] = record.tokens;
  for (const auto& facet : record.facets)
    if (!isLength(facet) && typeOf(facet.second) != FacetType::Text) print(facet);
  for (const auto& facet : record.facets)
    if (!isLength(facet) && typeOf(facet.second) == FacetType::Text) print(facet);
}

void printAnswer(ordered_json& line, const Record& record) {
  const auto number = [&](double value, const char* field) { return finite(value, field, record); };
  line["method"] = record.method;
  line["label"] = record.label;
  line["budget"] = record.budget;
  line["budget_nominal"] = number(record.budget_nominal, "budget_nominal");
  line["kept"] = number(record.kept, "kept");
  line["question"] = record.question;
  line["expected"] = record.expected;
  if (!record.also_right.empty()) line["also_right"] = record.also_right;
  line["answer"] = record.answer;
  for (const auto& [name, value] : record.details) line["details"][name] = jsonOf(value, name, record);
  line["score"] = number(record.score, "score");
  ordered_json scores = ordered_json::object();
  for (const auto& [name, value] : record.scores) scores[name] = number(value, name.c_str());
  line["scores"] = std::move(scores);
  line["prefill_seconds"] = number(record.prefill_seconds, "prefill_seconds");
  line["seconds"] = number(record.seconds, "seconds");
}

FacetValue facetOf(const JsonField& fields, const FacetSpec& spec) {
  const char* name = spec.name.c_str();
  switch (spec.type) {
    case FacetType::Whole:
      return fields.integer(name, static_cast<std::uint64_t>(spec.least), static_cast<std::uint64_t>(spec.most));
    case FacetType::Number:
      return fields.number(name, spec.least, spec.most);
    case FacetType::Text:
      break;
  }
  return fields.text(name);
}

std::map<std::string, FacetValue> detailsOf(const json& line, const JsonField& fields) {
  std::map<std::string, FacetValue> details;
  if (!fields.has("details")) return details;
  const JsonField values = fields.object("details");
  for (const auto& [name, value] : line.at("details").items()) {
    if (value.is_number_unsigned())
      details[name] = value.get<std::uint64_t>();
    else if (value.is_number())
      details[name] = value.get<double>();
    else if (value.is_string())
      details[name] = value.get<std::string>();
    else
      values.refuse(name.c_str(), "a number or a text");
  }
  return details;
}

std::vector<std::string> alsoRightOf(const JsonField& fields) {
  std::vector<std::string> answers;
  if (!fields.has("also_right")) return answers;
  for (const json& answer : fields.array("also_right")) {
    if (!answer.is_string()) fields.refuse("also_right", "a list of texts");
    answers.push_back(answer.get<std::string>());
  }
  return answers;
}

}  // namespace

std::string printRecord(const Record& record) {
  ordered_json line = ordered_json::object();
  printPrompt(line, record);
  printAnswer(line, record);
  std::string text = line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  if (text.size() > kMostLineBytes)
    fail("case {} of {}: the record has {} bytes, more than the limit of {}", record.case_id, record.label, text.size(),
         kMostLineBytes);
  return text;
}

Record parseRecord(std::string_view line, std::span<const FacetSpec> facets, const std::string& where) {
  const json value = parseJson(line, where, 8);
  const JsonField fields(where, value);
  Record record;
  record.case_id = fields.text("case_id");
  record.prompt_sha256 = fields.text("prompt_sha256");
  for (const FacetSpec& spec : facets) record.facets.add(spec.name, facetOf(fields, spec));
  record.tokens = fields.integer("tokens", 0, kMostWhole);
  record.method = fields.text("method");
  record.label = fields.text("label");
  record.budget = fields.text("budget");
  record.budget_nominal = fields.number("budget_nominal", 0, kMostTokens);
  record.kept = fields.number("kept", 0, kMostTokens);
  record.question = fields.text("question");
  record.expected = fields.text("expected");
  record.answer = fields.text("answer");
  record.also_right = alsoRightOf(fields);
  record.details = detailsOf(value, fields);
  record.score = fields.number("score", 0, 1);
  const JsonField scores = fields.object("scores");
  for (const auto& [name, ignored] : value.at("scores").items())
    record.scores[name] = scores.number(name.c_str(), 0, 1);
  record.prefill_seconds = fields.number("prefill_seconds", 0, kMostSeconds);
  record.seconds = fields.number("seconds", 0, kMostSeconds);
  return record;
}

bool isRecordField(std::string_view name) {
  return std::ranges::find(kFields, name) != kFields.end();
}

Record withoutTimes(Record record) {
  record.prefill_seconds = 0;
  record.seconds = 0;
  return record;
}

}  // namespace kvatlas::results
