#include "core/results/record.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json_fields.h"

namespace kvatlas::results {
namespace {

constexpr double kMostTokens = 1e12;  // of a prompt; beyond, a number is damage
constexpr double kMostSeconds = 1e12;

// JSON has no NaN: it would be written as null and refused by the reader.
double finite(double value, const char* field, const NeedleRecord& record) {
  if (!std::isfinite(value)) fail("case {} of {}: '{}' is no finite number", record.case_id, record.label, field);
  return value;
}

}  // namespace

std::string printRecord(const NeedleRecord& record) {
  const auto number = [&](double value, const char* field) { return finite(value, field, record); };
  nlohmann::ordered_json scores = nlohmann::ordered_json::object();
  for (const auto& [name, value] : record.scores) scores[name] = number(value, name.c_str());
  const nlohmann::ordered_json line = {{"case_id", record.case_id},
                                       {"prompt_sha256", record.prompt_sha256},
                                       {"length", record.length},
                                       {"tokens", record.tokens},
                                       {"depth", number(record.depth, "depth")},
                                       {"trial", record.trial},
                                       {"kind", record.kind},
                                       {"method", record.method},
                                       {"label", record.label},
                                       {"budget", record.budget},
                                       {"budget_nominal", number(record.budget_nominal, "budget_nominal")},
                                       {"kept", number(record.kept, "kept")},
                                       {"question", record.question},
                                       {"expected", record.expected},
                                       {"answer", record.answer},
                                       {"score", number(record.score, "score")},
                                       {"scores", std::move(scores)},
                                       {"prefill_seconds", number(record.prefill_seconds, "prefill_seconds")},
                                       {"seconds", number(record.seconds, "seconds")}};
  std::string text = line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  if (text.size() > kMostLineBytes)
    fail("case {} of {}: the record has {} bytes, at most {} are possible", record.case_id, record.label, text.size(),
         kMostLineBytes);
  return text;
}

NeedleRecord parseRecord(std::string_view line, const std::string& where) {
  constexpr std::uint64_t kWhole = std::uint64_t{1} << 40;
  const nlohmann::json value = parseJson(line, where, 8);
  const JsonFields fields(where, value);
  NeedleRecord record;
  record.case_id = fields.text("case_id");
  record.prompt_sha256 = fields.text("prompt_sha256");
  record.length = fields.integer("length", 0, kWhole);
  record.tokens = fields.integer("tokens", 0, kWhole);
  record.depth = fields.number("depth", 0, 100);
  record.trial = static_cast<std::uint32_t>(fields.integer("trial", 0, std::numeric_limits<std::uint32_t>::max()));
  record.kind = fields.text("kind");
  record.method = fields.text("method");
  record.label = fields.text("label");
  record.budget = fields.text("budget");
  record.budget_nominal = fields.number("budget_nominal", 0, kMostTokens);
  record.kept = fields.number("kept", 0, kMostTokens);
  record.question = fields.text("question");
  record.expected = fields.text("expected");
  record.answer = fields.text("answer");
  record.score = fields.number("score", 0, 1);
  const JsonFields scores = fields.object("scores");
  for (const auto& [name, ignored] : value.at("scores").items())
    record.scores[name] = scores.number(name.c_str(), 0, 1);
  record.prefill_seconds = fields.number("prefill_seconds", 0, kMostSeconds);
  record.seconds = fields.number("seconds", 0, kMostSeconds);
  return record;
}

NeedleRecord withoutTimes(NeedleRecord record) {
  record.prefill_seconds = 0;
  record.seconds = 0;
  return record;
}

}  // namespace kvatlas::results
