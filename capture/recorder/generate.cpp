#include "capture/recorder/generate.h"

#include <algorithm>
#include <cmath>

#include "capture/recorder/trace_header.h"
#include "capture/session/session.h"
#include "core/base/error.h"
#include "core/base/mean.h"

namespace kvatlas::capture {
namespace {

// A mean, −1 for that of no values.
double measured(double mean) {
  return std::isnan(mean) ? -1 : mean;
}

// Only the means are printed.
void forgetRows(std::size_t /*branch*/, StepRows /*rows*/) {}

std::shared_ptr<LoadedModel> openForText(const SessionOptions& options, const WorkContext& work) {
  auto model = openModel(options);
  reportNotices(*model, work);
  if (!model->tokenizer && options.prompt.ids_file.empty()) fail("{}: has no tokenizer", options.model.string());
  return model;
}

std::vector<RunSummary> summariesOf(const Session& session, const SessionResult& result, const std::string& question) {
  std::vector<RunSummary> runs;
  for (std::size_t run = 0; run < result.branches.size(); ++run) {
    runs.push_back(summarise(result.branches[run], makeRunRecord(session, result, run), result.tracks[run].mean));
    runs.back().question = question;
  }
  return runs;
}

std::unique_ptr<Session> sessionOf(const SessionOptions& options, const PromptRow& row,
                                   const std::shared_ptr<LoadedModel>& model, const WorkContext& work) {
  SessionOptions one = options;
  one.prompt = row.prompt;
  try {
    PreparedPrompt prompt = preparePrompt(one.prompt, one.model, model->config, model->tokenizer);
    for (const std::string& notice : prompt.notices) work.progress->warn(fmt::format("{}: {}", row.where, notice));
    return std::make_unique<Session>(one, model, std::move(prompt), work);
  } catch (const UsageError& error) {
    failUsage("{}: {}", row.where, error.what());
  } catch (const Error& error) {
    fail("{}: {}", row.where, error.what());
  }
}

void generateBatch(const SessionOptions& options, std::span<const PromptRow> rows,
                   std::span<std::unique_ptr<Session>> sessions, const std::function<void(const PromptAnswers&)>& each,
                   const WorkContext& work) {
  std::vector<std::unique_ptr<PendingAnswer>> answers;
  for (const auto& session : sessions) {
    session->prefill(work);
    const auto& questions = session->prompt().questions;
    AnswerRequest request{.max_new_tokens = options.max_new_tokens, .step_rows = forgetRows};
    if (!questions.empty()) request.question = questions.front().ids;
    answers.push_back(session->prepare(request, work));
  }
  const std::vector<SessionResult> results = decodeAnswers(answers, work);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::vector<std::string>& questions = rows[i].prompt.questions;
    each({.row = &rows[i],
          .tokens = sessions[i]->prompt().ids.size(),
          .runs = summariesOf(*sessions[i], results[i], questions.empty() ? "" : questions.front())});
    sessions[i].reset();
  }
}

}  // namespace

RunSummary summarise(const Branch& branch, const trace::RunRecord& record, const MeanMass& mean) {
  return {.label = branch.label,
          .method = std::string(branch.request.method->name),
          .budget = branch.budget.text,
          .text = record.decode_text,
          .kept_tokens = record.budget_realised,
          .cache_bytes = record.cache_bytes,
          .retained = measured(mean.retained.value()),
          .oracle = measured(mean.oracle.value()),
          .kl = measured(meanOfMeasured(record.kl)),
          .seconds = record.seconds};
}

GenerateSummary runGenerate(const SessionOptions& options, const WorkContext& work) {
  const auto model = openForText(options, work);
  GenerateSummary summary;
  std::size_t question = 0;
  for (const PreparedPrompt& prompt : preparePrompts(options.prompt, options.model, model->config, model->tokenizer)) {
    for (const std::string& notice : prompt.notices) work.progress->warn(notice);
    Session session(options, model, prompt, work);
    session.setStepSink([](std::size_t, std::size_t branch, StepRows rows) { forgetRows(branch, std::move(rows)); });
    session.loadWeights(work);
    summary.tokens = prompt.ids.size();
    for (const SessionResult& result : session.runAll(work)) {
      const auto& asked = options.prompt.questions;
      for (RunSummary& run : summariesOf(session, result, question < asked.size() ? asked[question] : ""))
        summary.runs.push_back(std::move(run));
      ++question;
    }
  }
  return summary;
}

void generateAll(const SessionOptions& options, std::span<const PromptRow> rows, std::size_t batch,
                 const std::function<void(const PromptAnswers&)>& each, const WorkContext& work) {
  const auto model = openForText(options, work);
  std::vector<std::unique_ptr<Session>> sessions;
  std::uint64_t longest = 0;
  for (const PromptRow& row : rows) {
    sessions.push_back(sessionOf(options, row, model, work));
    longest = std::max<std::uint64_t>(longest, sessions.back()->prompt().ids.size());
  }
  placeModel(*model, {.tokens = longest, .new_tokens = options.max_new_tokens, .branches = batch, .kept_share = 1.0},
             work);
  loadWeights(*model, work);
  for (std::size_t begin = 0; begin < rows.size(); begin += batch) {
    const std::size_t count = std::min(batch, rows.size() - begin);
    generateBatch(options, rows.subspan(begin, count), std::span(sessions).subspan(begin, count), each, work);
  }
}

}  // namespace kvatlas::capture
