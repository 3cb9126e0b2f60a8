// What decides the outcome of a needle run, as the settings of its folder of results, and back. Knows no tensors.
#pragma once

#include "capture/evaluation/needle_options.h"
#include "capture/session/branches.h"
#include "core/evaluation/haystack.h"
#include "core/evaluation/plan.h"

namespace kvatlas::evaluation {

// What the options do not say themselves.
struct RunIdentity {
  std::string model, weights_fingerprint, tokenizer_sha256, device, dtype;
};

[[nodiscard]] results::Settings settingsOf(const NeedleOptions& options, const RunIdentity& identity,
                                           const HaystackText& haystack, const std::vector<capture::Branch>& branches);

// The method with its parameters: "snapkv:kernel=5" of the branch "snapkv:kernel=5 64".
[[nodiscard]] std::string methodLabel(const capture::Branch& branch);

[[nodiscard]] NeedleCase caseOf(const results::Case& planned);

// The plan and the session (but for model, device and prompt) of a folder's run. Error naming `where` and what is
// missing.
struct RecordedRun {
  PromptPlan plan;
  capture::SessionOptions session;
};
[[nodiscard]] RecordedRun recordedRun(const results::Settings& settings, const std::string& where);

// Where a run found its model and haystack: beside the settings, since it does not decide the outcome.
struct Origin {
  std::filesystem::path model;
  std::vector<std::filesystem::path> haystack;
};
void writeOrigin(const std::filesystem::path& results, const Origin& origin);
[[nodiscard]] Origin readOrigin(const std::filesystem::path& results);

}  // namespace kvatlas::evaluation
