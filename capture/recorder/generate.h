// Text of every branch, no trace: of one prompt, or of many that decode together.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "capture/recorder/capture.h"

namespace kvatlas::trace {
struct RunRecord;
}

namespace kvatlas::capture {

struct Branch;
struct MeanMass;

struct GenerateSummary {
  std::uint64_t tokens = 0;
  std::vector<RunSummary> runs;
};
// One question after the other.
[[nodiscard]] GenerateSummary runGenerate(const SessionOptions& options, const WorkContext& work);

// A row of a file of prompts.
struct PromptRow {
  std::string id;
  std::string where;     // "prompts.jsonl:3", names the row in errors
  PromptOptions prompt;  // a text with at most one question
};
struct PromptAnswers {
  const PromptRow* row = nullptr;
  std::uint64_t tokens = 0;
  std::vector<RunSummary> runs;
};

// The prompts of a batch are prefilled one after another and decode together; `each` gets their answers in the order of
// the rows. Error or UsageError of any row before anything is computed.
void generateAll(const SessionOptions& options, std::span<const PromptRow> rows, std::size_t batch,
                 const std::function<void(const PromptAnswers&)>& each, const WorkContext& work);

[[nodiscard]] RunSummary summarise(const Branch& branch, const trace::RunRecord& record, const MeanMass& mean);

}  // namespace kvatlas::capture
