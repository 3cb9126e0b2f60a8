#include "capture/recorder/trace_header.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>

#include "core/base/error.h"
#include "core/base/version.h"
#include "core/policy/merging.h"
#include "core/runs/run_header.h"
#include "core/trace/map_pyramid.h"

namespace kvatlas::capture {
namespace {

// The tokenizer's ids, if the model has more; else 0.
std::uint32_t paddedBeyond(const Session& session) {
  const std::size_t ids = session.tokenizer() ? session.tokenizer()->vocabularySize() : 0;
  return ids < session.config().vocab_size ? static_cast<std::uint32_t>(ids) : 0;
}

trace::ModelInfo modelInfo(const Session& session) {
  const ModelConfig& config = session.config();
  return {.name = config.name,
          .architecture = config.architecture,
          .compute_dtype = session.dtypeName(),
          .weights_fingerprint = session.decoder().weightsFingerprint(),
          .layers = config.layers,
          .query_heads = config.query_heads,
          .kv_heads = config.kv_heads,
          .head_dim = config.head_dim,
          .hidden_size = config.hidden_size,
          .vocab_size = config.vocab_size,
          .sliding_window = config.sliding_window,
          .rope_theta = config.rope.theta,
          .experts = config.experts,
          .experts_per_token = config.experts_per_token,
          .tokenizer_ids = paddedBeyond(session)};
}

trace::Prompt promptRecord(const PreparedPrompt& prompt) {
  trace::Prompt record{.ids = prompt.ids, .text = prompt.text, .offsets = prompt.offsets, .chat = prompt.chat};
  for (const PromptSpan& span : prompt.spans) record.spans.push_back({span.begin, span.end, span.name});
  return record;
}

trace::RunHeader runHeader(const Branch& branch) {
  trace::RunHeader header = runs::headerOf(branch, branch.label);
  header.attended = kAttendedKeys;
  header.merges = branch.request.method->merge->rule != policy::MergeRule::None;
  return header;
}

std::vector<trace::Eviction> evictionsOf(const StepRows& rows) {
  std::vector<trace::Eviction> evicted;
  for (const cache::Eviction& one : rows.evicted) evicted.push_back({one.step, one.layer, one.head, one.position});
  return evicted;
}

// The numbers of an option, sorted and unique; UsageError for one that the model does not have.
template <class Which>
std::vector<Which> chosen(const char* option, const char* what,
                          const std::optional<std::vector<std::uint32_t>>& numbers, std::uint32_t count) {
  std::vector<Which> all;
  for (const std::uint32_t number : numbers.value_or(std::vector<std::uint32_t>())) {
    if (number >= count)
      failUsage("{}: there is no {} {}, the model has {} (numbered from 0)", option, what, number, count);
    all.emplace_back(number);
  }
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace

trace::AttentionPlan makeAttentionPlan(const Session& session, const CaptureOptions& options) {
  trace::AttentionPlan plan{.window = session.window(),
                            .cells = trace::mapCells(session.prompt().ids.size(), options.map_size)};
  const ModelConfig& config = session.config();
  plan.layers = chosen<LayerIndex>("--layers", "layer", options.layers, config.layers);
  if (plan.layers.empty())
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) plan.layers.emplace_back(layer);
  plan.heads = chosen<HeadIndex>("--heads", "query head", options.heads, config.query_heads);
  for (const Branch& branch : session.plan()) plan.measured |= onDemandOf(branch.request.method->needs);
  plan.signal_parameters = policy::printSignalParameters(session.signalParameters());
  if (!options.keep_qk) return plan;
  plan.qk_layers = chosen<LayerIndex>("--keep-qk", "layer", options.qk_layers, config.layers);
  if (plan.qk_layers.empty()) plan.qk_layers = plan.layers;
  for (const LayerIndex layer : plan.qk_layers) {
    if (!std::ranges::binary_search(plan.layers, layer))
      failUsage("--keep-qk {}: that layer is not recorded, see --layers", layer.value);
  }
  return plan;
}

trace::TraceHeader makeTraceHeader(const Session& session, const trace::AttentionPlan& plan,
                                   const text::PreparedQuestion* question) {
  trace::TraceHeader header{.generator = std::string("KVAtlas ") + kVersion,
                            .created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))),
                            .model = modelInfo(session),
                            .prompt = promptRecord(session.prompt()),
                            .attention = plan};
  if (question != nullptr) header.prompt.question = {question->ids, question->text, question->offsets};
  for (const Branch& branch : session.plan()) header.runs.push_back(runHeader(branch));
  return header;
}

trace::StepBlock makeStepBlock(StepRows rows) {
  return {.retained = std::move(rows.retained),
          .oracle = std::move(rows.oracle),
          .attended = std::move(rows.attended.positions),
          .attended_mass = std::move(rows.attended.mass),
          .evicted = evictionsOf(rows)};
}

trace::RunRecord makeRunRecord(const Session& session, const SessionResult& result, std::size_t run) {
  const Branch& branch = result.branches[run];
  const DecodeTrack& track = result.tracks[run];
  trace::RunRecord record{
      .budget_realised = branch.decision.meanKept(),
      .cache_bytes = result.branch_bytes[run],
      .seconds = result.branch_seconds[run],
      .capacity = branch.decision.capacity,
      .kept_offsets = branch.decision.offsets,
      .kept_positions = branch.decision.positions,
      .decode_ids = track.ids,
      .kl = track.kl,
      .evicted = evictionsOf(track.rows),
      // The others grow by a row a step.
      .step_bytes = branch.decidesAgainEvery() > 0 ? track.held_bytes : std::vector<std::uint64_t>(),
      .merged_into = track.merged.of_prompt,
      .evicted_into = track.merged.of_evicted,
      .retained = track.rows.retained,
      .oracle = track.rows.oracle,
      .attended = track.rows.attended.positions,
      .attended_mass = track.rows.attended.mass,
      .question_attended = track.question_attended.positions,
      .question_attended_mass = track.question_attended.mass,
      .everything = branch.decision.everything};
  if (session.tokenizer() && !track.ids.empty()) {
    text::Decoded decoded = session.tokenizer()->decodeWithOffsets(track.ids, true);
    record.decode_text = std::move(decoded.text);
    record.decode_offsets = std::move(decoded.offsets);
  }
  return record;
}

}  // namespace kvatlas::capture
