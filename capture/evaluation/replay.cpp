#include "capture/evaluation/replay.h"

#include "capture/evaluation/needle_model.h"
#include "capture/evaluation/needle_settings.h"
#include "capture/session/session.h"
#include "core/base/error.h"
#include "core/evaluation/prompts.h"
#include "core/results/reader.h"

namespace kvatlas::evaluation {
namespace {

// The session's options as the run had them; where it finds its model, device and threads are this call's.
capture::SessionOptions sessionOf(const ReplayOptions& options, const RecordedRun& run, const Origin& origin) {
  capture::SessionOptions session = run.session;
  const capture::SessionOptions& asked = options.capture.session;
  session.model = asked.model.empty() ? origin.model : asked.model;
  if (asked.device != "auto") session.device = asked.device;
  session.threads = asked.threads;
  if (session.model.empty()) failUsage("{}: does not say where its model is; give --model", options.results.string());
  return session;
}

void checkSame(const std::filesystem::path& results, const char* what, const std::string& recorded,
               const std::string& found, const char* option) {
  if (recorded != found)
    fail("{}: its {} is not the one found now ({} and {}); name the right one with {}", results.string(), what,
         recorded, found, option);
}

const results::NeedleRecord& recordOf(const results::ResultsReader& reader, const std::string& case_id) {
  const auto records = reader.find(case_id);
  if (records.empty()) fail("{}: case {} was not run", reader.folder().string(), case_id);
  return records.front();
}

}  // namespace

capture::CaptureSummary captureCase(const ReplayOptions& options, const WorkContext& work) {
  const results::ResultsReader reader(options.results);
  const results::NeedleRecord& record = recordOf(reader, options.case_id);
  const RecordedRun run = recordedRun(reader.settings(), (options.results / results::kSettingsFile).string());
  const Origin origin = readOrigin(options.results);

  capture::CaptureOptions capture = options.capture;
  capture.session = sessionOf(options, run, origin);
  const auto model = openForPrompts(capture.session);
  const auto& recorded = reader.settings().values();
  checkSame(options.results, "model", recorded.at("model").at("weights_fingerprint"),
            identityOf(*model).weights_fingerprint, "--model");
  const HaystackText haystack = readHaystack(options.haystack.empty() ? origin.haystack : options.haystack);
  checkSame(options.results, "haystack", recorded.at("haystack").at("sha256"), haystack.sha256, "--haystack");

  const PromptMaker maker(run.plan, haystack, *model->tokenizer);
  const NeedlePrompt prompt = maker.make({.id = record.case_id,
                                          .length = static_cast<std::uint32_t>(record.length),
                                          .depth = record.depth,
                                          .kind = parseNeedleKind(record.kind),
                                          .trial = record.trial});
  checkSame(options.results, "prompt", record.prompt_sha256, prompt.sha256, "--model");
  capture::Session session(capture.session, model, prompt.prepared, work);
  session.setFinished(finishedTest(run.plan, prompt, *model->tokenizer));
  session.loadWeights(work);
  return capture::recordSession(session, capture, work);
}

}  // namespace kvatlas::evaluation
