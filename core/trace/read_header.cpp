#include "core/trace/read_header.h"

#include <algorithm>

#include "core/trace/trace_check.h"

namespace kvatlas::trace {
namespace {

namespace attribute = schema::attribute;
namespace member = schema::member;
using h5::SourceDataset;
using h5::SourceGroup;

constexpr std::uint64_t kU32 = UINT32_MAX;

void checkFormat(const SourceGroup& root) {
  if (root.text(attribute::kFormat) != schema::kFormat) root.fail("not a KVAtlas trace");
  const std::uint64_t version = root.integer(attribute::kFormatVersion);
  if (version == 0 || version > schema::kFormatVersion) {
    root.fail(
        fmt::format("trace format version {}, this program reads up to version {}", version, schema::kFormatVersion));
  }
}

std::uint32_t u32(const SourceGroup& group, const char* name) {
  return static_cast<std::uint32_t>(group.integer(name, kU32));
}

ModelInfo readModel(const SourceGroup& group) {
  const bool experts = group.hasAttribute(attribute::kExperts), padded = group.hasAttribute(attribute::kTokenizerIds);
  return {.name = group.text(attribute::kName),
          .architecture = group.text(attribute::kArchitecture),
          .compute_dtype = group.text(attribute::kComputeDtype),
          .weights_fingerprint = group.text(attribute::kWeightsFingerprint),
          .layers = u32(group, attribute::kLayers),
          .query_heads = u32(group, attribute::kQueryHeads),
          .kv_heads = u32(group, attribute::kKvHeads),
          .head_dim = u32(group, attribute::kHeadDim),
          .hidden_size = u32(group, attribute::kHiddenSize),
          .vocab_size = u32(group, attribute::kVocabSize),
          .sliding_window = group.integer(attribute::kSlidingWindow),
          .rope_theta = group.number(attribute::kRopeTheta),
          .experts = experts ? u32(group, attribute::kExperts) : 0,
          .experts_per_token = experts ? u32(group, attribute::kExpertsPerToken) : 0,
          .tokenizer_ids = padded ? u32(group, attribute::kTokenizerIds) : 0};
}

template <class T>
std::vector<T> readList(const SourceGroup& group, const char* name, schema::Type type, std::uint64_t limit) {
  const SourceDataset dataset = group.dataset(name);
  dataset.expect(type, 1);
  if (dataset.dims()[0] > limit)
    dataset.fail(fmt::format("has {} entries, at most {} were expected", dataset.dims()[0], limit));
  dataset.requireStored(dataset.dims()[0] * sizeof(T));
  return dataset.readAll<T>();
}

std::vector<Span> readSpans(const SourceGroup& group, std::uint64_t tokens) {
  const SourceDataset dataset = group.dataset(member::kSpans);
  dataset.expect(schema::Type::U64, 2);
  if (dataset.dims()[1] != 2 || dataset.dims()[0] > schema::kMaxSpans)
    dataset.fail(fmt::format("is not a list of at most {} token ranges", schema::kMaxSpans));
  dataset.requireStored(dataset.dims()[0] * 2 * sizeof(std::uint64_t));
  const auto ranges = dataset.readAll<std::uint64_t>();
  const auto names = group.dataset(member::kSpanNames).readStrings(schema::kMaxSpans, schema::kMaxName);
  if (names.size() * 2 != ranges.size()) dataset.fail("has a different number of ranges than there are span names");
  std::vector<Span> spans;
  for (std::size_t index = 0; index < names.size(); ++index) {
    const std::uint64_t begin = ranges[2 * index], end = ranges[2 * index + 1];
    if (begin > end || end > tokens) dataset.fail(fmt::format("range {} lies outside the prompt", index));
    spans.push_back({static_cast<TokenIndex>(begin), static_cast<TokenIndex>(end), names[index]});
  }
  return spans;
}

// Ids, text and offsets of a prompt or a question.
template <class Tokens>
void readTokens(const SourceGroup& group, Tokens& tokens) {
  tokens.ids = readList<TokenId>(group, member::kIds, schema::Type::U32, schema::kMaxTokens);
  const auto text = readList<std::uint8_t>(group, member::kText, schema::Type::U8, schema::mostText(tokens.ids.size()));
  tokens.text.assign(text.begin(), text.end());
  tokens.offsets = readList<std::uint64_t>(group, member::kOffsets, schema::Type::U64, schema::kMaxTokens + 1);
  if (!std::is_sorted(tokens.offsets.begin(), tokens.offsets.end()) ||
      (!tokens.offsets.empty() && tokens.offsets.back() > tokens.text.size())) {
    group.dataset(member::kOffsets).fail("is not ascending within the text");
  }
}

Prompt readPrompt(const SourceGroup& group) {
  Prompt prompt;
  readTokens(group, prompt);
  prompt.spans = readSpans(group, prompt.ids.size());
  if (group.hasAttribute(attribute::kChat)) prompt.chat = group.text(attribute::kChat);
  if (!group.has(member::kQuestion)) return prompt;
  const SourceGroup question = group.group(member::kQuestion);
  readTokens(question, prompt.question);
  if (prompt.question.ids.empty()) question.fail("has no token");
  return prompt;
}

AttentionPlan readPlan(const SourceGroup& group, const ModelInfo& model) {
  AttentionPlan plan;
  plan.window = u32(group, attribute::kWindow);
  if (group.hasAttribute(attribute::kHeads)) {
    for (const std::uint32_t head : group.integers(attribute::kHeads, model.query_heads)) plan.heads.emplace_back(head);
    if (plan.heads.empty()) group.fail("attribute 'heads' is empty");
  }
  for (std::size_t layer = 0; layer < model.layers; ++layer) {
    if (group.has(schema::numbered(layer))) plan.layers.emplace_back(layer);
  }
  if (plan.layers.empty()) return plan;
  const SourceGroup first = group.group(schema::numbered(plan.layers.front().value));
  for (const SignalInfo& info : signalTable())
    if (info.onDemand() && first.has(std::string(info.name))) plan.measured |= SignalSet{info.signal};
  if (group.hasAttribute(attribute::kSignalParameters))
    plan.signal_parameters = group.text(attribute::kSignalParameters);
  for (std::size_t level = 0; level < schema::kMaxMapLevels && first.has(schema::mapPath(false, level)); ++level) {
    plan.cells.push_back(first.dataset(schema::mapPath(false, level)).integer(attribute::kCell, schema::kMaxTokens));
  }
  for (const LayerIndex layer : plan.layers) {
    if (group.group(schema::numbered(layer.value)).has(member::kQuery)) plan.qk_layers.push_back(layer);
  }
  return plan;
}

// K of /runs/<n>/decode/attended [T, layers, query heads, K]; 0 in a file without it.
std::uint32_t readAttendedKeys(const SourceGroup& group) {
  if (!group.has(member::kAttended)) return 0;
  const SourceDataset dataset = group.dataset(member::kAttended);
  dataset.expect(schema::Type::U32, 4);
  const std::uint64_t keys = dataset.dims()[3];
  if (keys == 0 || keys > schema::kMaxAttended)
    dataset.fail(fmt::format("has {} keys per head, 1 … {} were expected", keys, schema::kMaxAttended));
  return static_cast<std::uint32_t>(keys);
}

RunHeader readRun(const SourceGroup& group, const ModelInfo& model, bool first) {
  RunHeader run;
  run.method = group.text(attribute::kMethod);
  run.label = group.text(attribute::kLabel);
  run.parameters = group.text(attribute::kParameters, schema::kMaxParameters);
  run.budget = group.text(attribute::kBudget);
  run.granularity = group.text(attribute::kGranularity);
  run.budget_nominal = group.number(attribute::kBudgetNominal);
  run.heads = run.granularity == schema::kQueryHeadGranularity ? model.query_heads : model.kv_heads;
  run.is_full = first;
  run.attended = readAttendedKeys(group);
  run.merges = group.hasAttribute(attribute::kMerges) && u32(group, attribute::kMerges) != 0;
  if (group.hasAttribute(attribute::kEvery)) run.every = u32(group, attribute::kEvery);
  return run;
}

}  // namespace

OpenedHeader readHeader(const h5::Source& source) {
  const SourceGroup root = SourceGroup::root(source);
  checkFormat(root);
  OpenedHeader opened;
  opened.complete = root.text(attribute::kStatus) == schema::kComplete;
  TraceHeader& header = opened.header;
  header.generator = root.text(attribute::kGenerator);
  header.created = root.text(attribute::kCreated);
  header.model = readModel(root.group(member::kModel));
  checkModel(header.model, source->name());
  header.prompt = readPrompt(root.group(member::kPrompt));
  header.attention = readPlan(root.group(member::kAttention), header.model);
  const SourceGroup runs = root.group(member::kRuns);
  const std::uint64_t count = runs.size();
  if (count > schema::kMaxRuns)
    runs.fail(fmt::format("has {} runs, at most {} were expected", count, schema::kMaxRuns));
  for (std::size_t run = 0; run < count; ++run) {
    // A gap would hide the runs after it.
    if (!runs.has(schema::numbered(run)))
      runs.fail(fmt::format("'{}' is missing, though there are {} runs", schema::numbered(run), count));
    header.runs.push_back(readRun(runs.group(schema::numbered(run)), header.model, run == 0));
  }
  checkHeader(header, source->name());
  return opened;
}

}  // namespace kvatlas::trace
