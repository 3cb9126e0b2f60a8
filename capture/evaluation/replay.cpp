#include "capture/evaluation/replay.h"

#include "capture/evaluation/evaluation_model.h"
#include "capture/evaluation/run_settings.h"
#include "capture/session/session.h"
#include "core/base/error.h"
#include "core/evaluation/origin.h"
#include "core/evaluation/question_split.h"
#include "core/evaluation/text_prompt.h"
#include "core/results/reader.h"

namespace kvatlas::evaluation {
namespace {

// The session options of the run; model folder, device and threads come from this call.
capture::SessionOptions sessionOf(const ReplayOptions& options, capture::SessionOptions session, const Origin& origin) {
  const capture::SessionOptions& asked = options.capture.session;
  session.model = asked.model.empty() ? origin.model : asked.model;
  if (asked.device != "auto") session.device = asked.device;
  session.threads = asked.threads;
  if (session.model.empty()) failUsage("{}: does not say where its model is; give --model", options.results.string());
  return session;
}

void checkSame(const std::filesystem::path& results, const std::string& what, const std::string& recorded,
               const std::string& found, const std::string& option) {
  if (recorded != found)
    fail("{}: its {} is not the one found now ({} and {}); name the right one with {}", results.string(), what,
         recorded, found, option);
}

const results::Record& recordOf(const results::ResultsReader& reader, const std::string& case_id) {
  const auto records = reader.find(case_id);
  if (records.empty()) fail("{}: case {} was not run", reader.folder().string(), case_id);
  return records.front();
}

TaskRequest requestOf(const ReplayOptions& options, const results::Settings& settings, const std::string& where,
                      Sources sources) {
  for (const auto& [name, paths] : options.sources)
    if (!paths.empty()) sources[name] = paths;
  return {.name = settings.plan().task, .values = settings.values(), .where = where, .sources = std::move(sources)};
}

// Finds what the right answers say in the prompt, so that a view can point to it.
void addAnswerSpans(const results::Record& record, text::PreparedPrompt& prompt) {
  constexpr std::size_t kLeastBytes = 2, kMostSpans = 32;
  std::vector<std::string> answers = record.also_right;
  answers.insert(answers.begin(), record.expected);
  std::size_t count = 0;
  for (const std::string& answer : answers) {
    if (answer.size() < kLeastBytes) continue;
    for (auto at = prompt.text.find(answer); at != std::string::npos && count < kMostSpans;
         at = prompt.text.find(answer, at + answer.size()), ++count)
      addSpan(prompt, "answer", at, at + answer.size());
  }
}

// A case of a run with the prompt that it had.
struct OpenedCase {
  capture::SessionOptions session;
  std::shared_ptr<capture::LoadedModel> model;
  std::unique_ptr<Task> task;  // what the prompt's stop rule refers to
  EvaluationPrompt prompt;
};

OpenedCase openCase(const ReplayOptions& options) {
  const results::ResultsReader reader(options.results);
  const results::Record& record = recordOf(reader, options.case_id);
  const std::string where = (options.results / results::kSettingsFile).string();
  const auto names = sourcesOf(reader.settings().plan().task, reader.settings().values());
  const Origin origin = readOrigin(options.results, names);

  OpenedCase opened{.session = sessionOf(options, recordedSession(reader.settings(), where), origin)};
  opened.model = openForPrompts(opened.session);
  const auto& recorded = reader.settings().values();
  checkSame(options.results, "model", recorded.at("model").at("weights_fingerprint"),
            identityOf(*opened.model).weights_fingerprint, "--model");
  opened.task = openTask(requestOf(options, reader.settings(), where, origin.sources),
                         taskModelOf(*opened.model, opened.session.max_new_tokens), silentProgress());
  const auto found = opened.task->settings();
  for (const std::string& name : names)
    checkSame(options.results, name, recorded.at(name).at("sha256"), found.at(name).at("sha256"), "--" + name);

  opened.prompt = opened.task->prompt({.id = record.case_id, .facets = record.facets});
  checkSame(options.results, "prompt", record.prompt_sha256, opened.prompt.sha256, "--model");
  if (opened.prompt.most_new_tokens > 0) opened.session.max_new_tokens = opened.prompt.most_new_tokens;
  addAnswerSpans(record, opened.prompt.prepared);
  return opened;
}

}  // namespace

text::PreparedPrompt promptOfCase(const ReplayOptions& options) {
  return openCase(options).prompt.prepared;
}

capture::CaptureSummary captureCase(const ReplayOptions& options, const WorkContext& work) {
  OpenedCase opened = openCase(options);
  capture::CaptureOptions capture = options.capture;
  capture.session = opened.session;
  const bool context = capture.session.prompt.compress == capture::Compress::Context;
  text::PreparedPrompt& prompt = opened.prompt.prepared;
  capture::Session session(capture.session, opened.model,
                           context ? splitAtQuestion(std::move(prompt), options.case_id) : std::move(prompt), work);
  session.setFinished(opened.prompt.finished);
  session.loadWeights(work);
  return std::move(capture::recordSession(session, capture, work).front());
}

}  // namespace kvatlas::evaluation
