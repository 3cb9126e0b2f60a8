#include "core/trace/trace_check.h"

#include <algorithm>
#include <charconv>

#include "core/base/error.h"
#include "core/trace/schema.h"

namespace kvatlas::trace {
namespace {

namespace member = schema::member;

void require(bool holds, const std::string& target, std::string_view problem) {
  if (!holds) fail("{}: {}", target, problem);
}

void requireShort(const std::string& text, std::size_t most, const std::string& target, std::string_view member) {
  require(text.size() <= most, target, fmt::format("{}: has {} bytes, the limit is {}", member, text.size(), most));
}

void checkPrompt(const Prompt& prompt, const std::string& target) {
  const std::size_t tokens = prompt.ids.size();
  require(tokens > 0 && tokens <= schema::kMaxTokens, target, "/prompt/ids: must have at least one token");
  require(prompt.offsets.size() == tokens + 1, target, "/prompt/offsets: must have one entry per token plus one");
  require(prompt.text.size() <= schema::mostText(tokens), target, "/prompt/text: is too long for its tokens");
  require(prompt.spans.size() <= schema::kMaxSpans, target,
          fmt::format("/prompt/spans: has {} spans, the limit is {}", prompt.spans.size(), schema::kMaxSpans));
  const Question& question = prompt.question;
  require(question.ids.size() <= schema::kMaxTokens &&
              (question.ids.empty() ? question.offsets.empty() : question.offsets.size() == question.ids.size() + 1),
          target, "/prompt/question/offsets: must have one entry per token plus one");
  require(question.text.size() <= schema::mostText(question.ids.size()), target,
          "/prompt/question/text: is too long for its tokens");
  for (const Span& span : prompt.spans) {
    requireShort(span.name, schema::kMaxName, target, "/prompt/span_names");
    require(span.begin <= span.end && span.end <= tokens, target,
            fmt::format("/prompt/spans: '{}' lies outside the prompt", span.name));
  }
}

void checkPlan(const TraceHeader& header, const std::string& target) {
  const AttentionPlan& plan = header.attention;
  require(plan.window <= header.prompt.ids.size(), target,
          fmt::format("/attention: window {} is longer than the prompt of {} tokens", plan.window,
                      header.prompt.ids.size()));
  require(std::is_sorted(plan.layers.begin(), plan.layers.end()) &&
              std::adjacent_find(plan.layers.begin(), plan.layers.end()) == plan.layers.end(),
          target, "/attention: layers are not ascending");
  for (const LayerIndex layer : plan.layers) {
    require(layer.value < header.model.layers, target,
            fmt::format("/attention: the model has no layer {}", layer.value));
  }
  require(std::is_sorted(plan.heads.begin(), plan.heads.end()) &&
              std::adjacent_find(plan.heads.begin(), plan.heads.end()) == plan.heads.end(),
          target, "/attention: heads are not ascending");
  require(plan.heads.empty() || plan.heads.back().value < header.model.query_heads, target,
          "/attention: heads include one that the model does not have");
  require(std::is_sorted(plan.qk_layers.begin(), plan.qk_layers.end()) &&
              std::includes(plan.layers.begin(), plan.layers.end(), plan.qk_layers.begin(), plan.qk_layers.end()),
          target, "/attention: only recorded layers can keep queries and keys");
  require(plan.cells.size() <= schema::kMaxMapLevels, target, "/attention: too many map levels");
  for (const std::uint64_t cell : plan.cells) {
    require(cell > 0 && schema::mapSide(header.prompt.ids.size(), cell) <= schema::kMaxMapSize, target,
            fmt::format("/attention: {} tokens per map cell is out of range", cell));
  }
}

void checkRuns(const TraceHeader& header, const std::string& target) {
  require(header.runs.size() <= schema::kMaxRuns, target,
          fmt::format("/runs: has {} runs, the limit is {}", header.runs.size(), schema::kMaxRuns));
  for (const RunHeader& run : header.runs) {
    for (const std::string* name : {&run.method, &run.label, &run.budget})
      requireShort(*name, schema::kMaxName, target, "/runs: a name");
    requireShort(run.parameters, schema::kMaxParameters, target, "/runs: the parameters");
    const bool kv = run.granularity == schema::kKvHeadGranularity;
    require(kv || run.granularity == schema::kQueryHeadGranularity, target,
            fmt::format("/runs: granularity '{}' is neither kv-head nor query-head", run.granularity));
    require(run.heads == (kv ? header.model.kv_heads : header.model.query_heads), target,
            fmt::format("/runs: '{}' has {} heads, which does not match its granularity", run.label, run.heads));
    require(run.is_full == (&run == header.runs.data()), target,
            "/runs: run 000 must be the full cache, and no other run may be");
    require(run.attended <= schema::kMaxAttended, target,
            fmt::format("/runs: {} attended keys per head, at most {} can be recorded", run.attended,
                        schema::kMaxAttended));
  }
}

// The map level at the end of its path, "map/mean/0"; empty if the record lacks it.
LayerValues level(const std::vector<std::vector<std::uint16_t>>& levels, std::string_view path) {
  const std::string_view digits = path.substr(path.rfind('/') + 1);
  std::size_t index = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (code != std::errc() || end != digits.data() + digits.size()) fail("'{}' is not a map level", path);
  return index < levels.size() ? std::span(levels[index]) : std::span<const std::uint16_t>();
}

// Whether a record marked as everything keeps every token of the prompt.
bool keepsAll(const RunRecord& record, std::uint64_t tokens) {
  for (std::size_t row = 0; row < record.kept_offsets.size(); ++row)
    if (record.kept_offsets[row] != row * tokens) return false;
  return record.kept_positions == everyPosition(tokens);
}

}  // namespace

LayerValues layerMember(const LayerRecord& record, std::string_view path) {
  if (const auto signal = findSignal(path)) {
    if (infoOf(*signal).stored == SignalStored::F32) return std::span(record.values[*signal]);
    return std::span(record.codes[*signal]);
  }
  if (path == member::kQuery) return std::span(record.query);
  if (path == member::kKey) return std::span(record.key);
  if (path.starts_with("map/max/")) return level(record.map_max, path);
  if (path.starts_with("map/mean/")) return level(record.map_mean, path);
  fail("a layer has no dataset '{}'", path);
}

RunValues runMember(const RunRecord& record, std::string_view path) {
  if (path == member::kCapacity) return std::span(record.capacity);
  if (path == member::kKeptOffsets) return std::span(record.kept_offsets);
  if (path == member::kKeptPositions) return std::span(record.kept_positions);
  if (path == member::kDecodeIds) return std::span(record.decode_ids);
  if (path == member::kDecodeKl) return std::span(record.kl);
  if (path == member::kRetained) return std::span(record.retained);
  if (path == member::kOracle) return std::span(record.oracle);
  if (path == member::kDecodeOffsets) return std::span(record.decode_offsets);
  if (path == member::kAttended) return std::span(record.attended);
  if (path == member::kAttendedMass) return std::span(record.attended_mass);
  if (path == member::kQuestionAttended) return std::span(record.question_attended);
  if (path == member::kQuestionAttendedMass) return std::span(record.question_attended_mass);
  if (path == member::kMergedInto) return std::span(record.merged_into);
  if (path == member::kEvictedInto) return std::span(record.evicted_into);
  if (path == member::kDecodeBytes) return std::span(record.step_bytes);
  if (path == member::kDecodeText)
    return std::span(reinterpret_cast<const std::uint8_t*>(record.decode_text.data()), record.decode_text.size());
  fail("a run has no dataset '{}'", path);
}

std::optional<RunValues> blockMember(const StepBlock& block, std::string_view path) {
  if (path == member::kRetained) return std::span(block.retained);
  if (path == member::kOracle) return std::span(block.oracle);
  if (path == member::kAttended) return std::span(block.attended);
  if (path == member::kAttendedMass) return std::span(block.attended_mass);
  return std::nullopt;
}

void checkModel(const ModelInfo& model, const std::string& target) {
  require(model.layers > 0 && model.layers <= schema::kMaxLayers, target, "/model: layers out of range");
  require(model.query_heads > 0 && model.query_heads <= schema::kMaxHeads, target, "/model: query_heads out of range");
  require(model.kv_heads > 0 && model.query_heads % model.kv_heads == 0, target,
          "/model: query_heads is not a multiple of kv_heads");
  require(model.head_dim > 0 && model.head_dim <= schema::kMaxHeadDim, target, "/model: head_dim out of range");
  require(model.vocab_size > 0, target, "/model: vocab_size is 0");
  require(model.tokenizer_ids < model.vocab_size, target, "/model: tokenizer_ids is not below vocab_size");
  for (const std::string* name : {&model.name, &model.architecture, &model.compute_dtype, &model.weights_fingerprint})
    requireShort(*name, schema::kMaxName, target, "/model: a name");
  require(model.experts <= schema::kMaxExperts, target, "/model: experts out of range");
  require(model.experts_per_token <= model.experts && (model.experts_per_token > 0) == (model.experts > 0), target,
          "/model: experts_per_token is not among the experts");
}

void checkExperts(const ModelInfo& model, const ExpertUse& use, const std::string& target) {
  const std::size_t cells = std::size_t{model.layers} * model.experts;
  require(cells > 0 && use.tokens.size() == cells && use.weight.size() == cells, target,
          "/experts: must have one entry per layer and expert of the model");
}

void checkHeader(const TraceHeader& header, const std::string& target) {
  checkModel(header.model, target);
  checkPrompt(header.prompt, target);
  checkPlan(header, target);
  checkRuns(header, target);
}

void checkRunRecord(const TraceHeader& header, std::size_t run, const RunRecord& record, std::uint64_t positions,
                    const std::string& target, const WrittenSteps& before) {
  const RunHeader& head = header.runs[run];
  const std::string where = fmt::format("/runs/{}", schema::numbered(run));
  const std::size_t rows = std::size_t{header.model.layers} * head.heads, steps = record.decode_ids.size();
  require(record.capacity.size() == rows, target, where + "/capacity: must have one entry per layer and head");
  const auto& offsets = record.kept_offsets;
  require(offsets.size() == rows + 1 && offsets.front() == 0 && std::is_sorted(offsets.begin(), offsets.end()) &&
              offsets.back() == positions,
          target, where + "/kept: offsets and positions do not match");
  require(!record.everything || keepsAll(record, header.prompt.ids.size()), target,
          where + "/kept: is marked as everything, but some tokens are missing");
  const auto& bytes = record.decode_offsets;
  require(bytes.empty() || (bytes.size() == steps + 1 && std::is_sorted(bytes.begin(), bytes.end()) &&
                            bytes.back() <= record.decode_text.size()),
          target, where + "/decode/offsets: must have one byte range of the text per generated token");
  require(record.step_bytes.size() == (head.every > 0 ? steps : 0), target,
          where + "/decode/cache_bytes: must have one entry per generated token if the run decides again");
  const auto into = [&](const char* path, const std::vector<TokenIndex>& values, std::uint64_t evicted) {
    require(values.empty() || (head.merges && values.size() == evicted), target,
            fmt::format("{}/{}: must have one entry per evicted token of a run that merges", where, path));
  };
  into(member::kMergedInto, record.merged_into, rows * header.prompt.ids.size() - offsets.back());
  into(member::kEvictedInto, record.evicted_into, before.evicted + record.evicted.size());
  if (head.is_full) {
    require(record.kl.empty() && record.retained.empty() && record.oracle.empty(), target,
            where + ": the full run is its own reference, it has no kl, retained or oracle");
    return;
  }
  const std::size_t cells = (steps - std::min(steps, before.steps)) * header.model.layers * header.model.query_heads;
  require(record.kl.size() == steps, target, where + "/decode/kl: must have one entry per generated token");
  require(record.retained.size() == cells && record.oracle.size() == cells, target,
          where + "/retained: must have one entry per generated token, layer and head");
}

void checkAttended(const TraceHeader& header, std::size_t run, const RunRecord& record, const std::string& target,
                   const WrittenSteps& before) {
  const std::size_t steps = record.decode_ids.size(),
                    cells = std::size_t{header.model.layers} * header.model.query_heads * header.runs[run].attended;
  require(
      before.steps <= steps, target,
      fmt::format("/runs/{}: {} steps were written, {} tokens generated", schema::numbered(run), before.steps, steps));
  const std::size_t entries = (steps - before.steps) * cells;
  require(record.attended.size() == entries && record.attended_mass.size() == entries, target,
          fmt::format("/runs/{}/decode/attended: must have {} keys per generated token, layer and head",
                      schema::numbered(run), header.runs[run].attended));
  const std::size_t question = steps == 0 ? 0 : header.prompt.question.ids.size() * cells;
  require(record.question_attended.size() == question && record.question_attended_mass.size() == question, target,
          fmt::format("/runs/{}/decode/question_attended: must have {} keys per question token, layer and head",
                      schema::numbered(run), header.runs[run].attended));
}

std::uint64_t checkSteps(const TraceHeader& header, std::size_t run, const StepBlock& block,
                         const std::string& target) {
  const RunHeader& head = header.runs[run];
  const std::size_t cells = std::size_t{header.model.layers} * header.model.query_heads;
  const std::size_t steps =
      head.attended > 0 ? block.attended.size() / (cells * head.attended) : block.retained.size() / cells;
  const std::size_t mass = head.is_full ? 0 : steps * cells, keys = steps * cells * head.attended;
  require(steps > 0 && steps % kStepBlock == 0 && block.retained.size() == mass && block.oracle.size() == mass &&
              block.attended.size() == keys && block.attended_mass.size() == keys,
          target,
          fmt::format("/runs/{}: a block of steps must have all values of a multiple of {} steps",
                      schema::numbered(run), kStepBlock));
  return steps;
}

}  // namespace kvatlas::trace
