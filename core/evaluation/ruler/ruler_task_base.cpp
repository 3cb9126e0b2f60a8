#include "core/evaluation/ruler/ruler_task_base.h"

namespace kvatlas::evaluation {
namespace {

using nlohmann::json;
using results::Case;

const metrics::Dataset& datasetOf(const Case& wanted) {
  return *metrics::findDataset(wanted.facets.text("task"));
}

AnswerKey keyFor(const Case& wanted, std::vector<std::string> answers) {
  return {.answers = std::move(answers), .classes = {}, .metric = &metrics::findMetric(datasetOf(wanted).metric)};
}

json facetOf(const char* name, const char* type) {
  return {{"name", name}, {"type", type}};
}

}  // namespace

RulerTaskBase::RulerTaskBase(RulerOptions options, const TaskModel& model)
    : m_options(std::move(options)), m_tokenizer(model.tokenizer), m_positions(model.positions) {}

json RulerTaskBase::settings() const {
  json values = rulerJson(m_options);
  values["score"] = "string match";
  values["case_id"] = "{task}-L{length}-{row}";
  values["facets"] = {facetOf("task", "text"), facetOf("length", "whole"), facetOf("row", "whole")};
  values["cases"] = cases();
  values["task"] = kRulerTask;
  for (const auto& [name, source] : m_sources) values[name] = {{"name", source.name}, {"sha256", source.sha256}};
  return values;
}

std::string RulerTaskBase::answerOf(const Case&, std::string_view generated) const {
  return std::string(generated);
}

std::map<std::string, double> RulerTaskBase::scores(const Case& wanted, std::string_view answer) const {
  return scoresOf(keyFor(wanted, answersFor(wanted)), answer);
}

std::string RulerTaskBase::mainScore(const Case& wanted) const {
  return std::string(datasetOf(wanted).metric);
}

std::uint32_t RulerTaskBase::newTokens(const Case& wanted) const {
  return m_options.new_tokens > 0 ? m_options.new_tokens : datasetOf(wanted).new_tokens;
}

EvaluationPrompt RulerTaskBase::promptOf(const Case& wanted, text::PreparedPrompt prepared, std::string question,
                                         std::vector<std::string> answers) const {
  EvaluationPrompt made;
  made.prepared = std::move(prepared);
  made.question = std::move(question);
  made.most_new_tokens = newTokens(wanted);
  describeKey(keyFor(wanted, std::move(answers)), made);
  made.sha256 = hashOfIds(made.prepared.ids);
  return made;
}

}  // namespace kvatlas::evaluation
