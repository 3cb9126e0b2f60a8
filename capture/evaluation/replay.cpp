#include "capture/evaluation/replay.h"

#include "capture/evaluation/evaluation_model.h"
#include "capture/evaluation/run_settings.h"
#include "capture/session/session.h"
#include "core/base/error.h"
#include "core/evaluation/origin.h"
#include "core/evaluation/question_split.h"
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

}  // namespace

capture::CaptureSummary captureCase(const ReplayOptions& options, const WorkContext& work) {
  const results::ResultsReader reader(options.results);
  const results::Record& record = recordOf(reader, options.case_id);
  const std::string where = (options.results / results::kSettingsFile).string();
  const auto names = sourcesOf(reader.settings().plan().task, reader.settings().values());
  const Origin origin = readOrigin(options.results, names);

  capture::CaptureOptions capture = options.capture;
  capture.session = sessionOf(options, recordedSession(reader.settings(), where), origin);
  const auto model = openForPrompts(capture.session);
  const auto& recorded = reader.settings().values();
  checkSame(options.results, "model", recorded.at("model").at("weights_fingerprint"),
            identityOf(*model).weights_fingerprint, "--model");
  const auto task = openTask(requestOf(options, reader.settings(), where, origin.sources),
                             taskModelOf(*model, capture.session.max_new_tokens), silentProgress());
  const auto found = task->settings();
  for (const std::string& name : names)
    checkSame(options.results, name, recorded.at(name).at("sha256"), found.at(name).at("sha256"), "--" + name);

  const EvaluationPrompt prompt = task->prompt({.id = record.case_id, .facets = record.facets});
  checkSame(options.results, "prompt", record.prompt_sha256, prompt.sha256, "--model");
  if (prompt.most_new_tokens > 0) capture.session.max_new_tokens = prompt.most_new_tokens;
  const bool context = capture.session.prompt.compress == capture::Compress::Context;
  capture::Session session(capture.session, model,
                           context ? splitAtQuestion(prompt.prepared, record.case_id) : prompt.prepared, work);
  session.setFinished(prompt.finished);
  session.loadWeights(work);
  return std::move(capture::recordSession(session, capture, work).front());
}

}  // namespace kvatlas::evaluation
