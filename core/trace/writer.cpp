#include "core/trace/writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "core/trace/h5_write.h"
#include "core/trace/part_file.h"
#include "core/trace/schema.h"
#include "core/trace/trace_check.h"

namespace kvatlas::trace {
namespace {

namespace attribute = schema::attribute;
namespace member = schema::member;
using h5::Group;
using schema::DatasetSpec;

void writeModel(const Group& root, const ModelInfo& model) {
  const Group group = root.create(member::kModel);
  group.set(attribute::kName, model.name);
  group.set(attribute::kArchitecture, model.architecture);
  group.set(attribute::kLayers, model.layers);
  group.set(attribute::kQueryHeads, model.query_heads);
  group.set(attribute::kKvHeads, model.kv_heads);
  group.set(attribute::kHeadDim, model.head_dim);
  group.set(attribute::kHiddenSize, model.hidden_size);
  group.set(attribute::kVocabSize, model.vocab_size);
  group.set(attribute::kRopeTheta, model.rope_theta);
  group.set(attribute::kSlidingWindow, model.sliding_window);
  group.set(attribute::kComputeDtype, model.compute_dtype);
  group.set(attribute::kWeightsFingerprint, model.weights_fingerprint);
  if (model.tokenizer_ids > 0) group.set(attribute::kTokenizerIds, model.tokenizer_ids);
  if (model.experts == 0) return;
  group.set(attribute::kExperts, model.experts);
  group.set(attribute::kExpertsPerToken, model.experts_per_token);
  const Group use = root.create(member::kExperts);
  use.set(attribute::kRecorded, std::uint8_t{0});
  for (const DatasetSpec& spec : schema::expertDatasets(model)) use.createDataset(spec);
}

void writePrompt(const Group& root, const TraceHeader& header) {
  const Group group = root.create(member::kPrompt);
  const Prompt& prompt = header.prompt;
  group.writeFixed(member::kIds, {prompt.ids.size()}, std::span(prompt.ids));
  group.writeFixed(member::kText, {prompt.text.size()}, h5::bytesOf(prompt.text));
  group.writeFixed(member::kOffsets, {prompt.offsets.size()}, std::span(prompt.offsets));
  std::vector<std::uint64_t> ranges;
  std::vector<std::string> names;
  for (const Span& span : prompt.spans) {
    ranges.insert(ranges.end(), {span.begin, span.end});
    names.push_back(span.name);
  }
  group.writeFixed(member::kSpans, {prompt.spans.size(), 2}, std::span(ranges));
  group.writeStrings(member::kSpanNames, names);
  if (!prompt.chat.empty()) group.set(attribute::kChat, prompt.chat);
  if (const Question& question = prompt.question; !question.ids.empty()) {
    const Group behind = group.create(member::kQuestion);
    behind.writeFixed(member::kIds, {question.ids.size()}, std::span(question.ids));
    behind.writeFixed(member::kText, {question.text.size()}, h5::bytesOf(question.text));
    behind.writeFixed(member::kOffsets, {question.offsets.size()}, std::span(question.offsets));
  }
  group.createDataset(schema::nextLogits(header.model)).set(attribute::kRecorded, std::uint8_t{0});
}

void createLayers(const Group& root, const TraceHeader& header) {
  const Group attention = root.create(member::kAttention);
  attention.set(attribute::kWindow, header.attention.window);
  std::vector<std::uint32_t> heads;
  for (const HeadIndex head : header.attention.heads) heads.push_back(head.value);
  if (!heads.empty()) attention.setList(attribute::kHeads, heads);
  if (!header.attention.measured.empty())
    attention.set(attribute::kSignalParameters, header.attention.signal_parameters);
  for (const LayerIndex layer : header.attention.layers) {
    const Group group = attention.create(schema::numbered(layer.value));
    group.set(attribute::kRecorded, std::uint8_t{0});
    for (const DatasetSpec& spec : schema::layerDatasets(header, schema::keepsQk(header.attention, layer))) {
      const auto dataset = group.createDataset(spec);
      if (spec.cell) dataset.set(attribute::kCell, *spec.cell);
    }
  }
}

void createRun(const Group& runs, const TraceHeader& header, std::size_t index) {
  const RunHeader& run = header.runs[index];
  const Group group = runs.create(schema::numbered(index));
  group.set(attribute::kMethod, run.method);
  group.set(attribute::kLabel, run.label);
  group.set(attribute::kParameters, run.parameters);
  group.set(attribute::kBudget, run.budget);
  group.set(attribute::kBudgetNominal, run.budget_nominal);
  group.set(attribute::kGranularity, run.granularity);
  if (run.every > 0) group.set(attribute::kEvery, run.every);
  if (run.merges) group.set(attribute::kMerges, std::uint32_t{1});
  // Known once the run is done; placeholders until then.
  group.set(attribute::kBudgetRealised, std::numeric_limits<double>::quiet_NaN());
  group.set(attribute::kCacheBytes, std::uint64_t{0});
  group.set(attribute::kSeconds, std::numeric_limits<double>::quiet_NaN());
  group.set(attribute::kRecorded, std::uint8_t{0});
  for (const DatasetSpec& spec : schema::runDatasets(header, run)) group.createDataset(spec);
}

// [E, 4]
std::span<const std::uint32_t> evictedValues(std::span<const Eviction> evicted) {
  static_assert(sizeof(Eviction) == 4 * sizeof(std::uint32_t));
  return {reinterpret_cast<const std::uint32_t*>(evicted.data()), evicted.size() * 4};
}

// Writes what fills chunks of the evictions that came in blocks; the rest waits for more.
void appendEvicted(const Group& group, const DatasetSpec& spec, std::uint64_t total, std::vector<Eviction>& waiting) {
  const std::size_t whole = waiting.size() / spec.chunk[0] * spec.chunk[0];
  if (whole == 0) return;
  group.appendChunks(spec, total - waiting.size(), evictedValues(std::span(waiting).first(whole)));
  waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(whole));
}

std::string padded(const char* status) {
  std::string text = status;
  text.resize(std::string_view(schema::kRecording).size(), '\0');  // one attribute of fixed length holds either value
  return text;
}

void createAll(const Group& root, const TraceHeader& header) {
  root.set(attribute::kFormat, std::string(schema::kFormat));
  root.set(attribute::kFormatVersion, schema::kFormatVersion);
  root.set(attribute::kGenerator, header.generator);
  root.set(attribute::kCreated, header.created);
  root.set(attribute::kStatus, padded(schema::kRecording));
  writeModel(root, header.model);
  writePrompt(root, header);
  createLayers(root, header);
  const Group runs = root.create(member::kRuns);
  for (std::size_t index = 0; index < header.runs.size(); ++index) createRun(runs, header, index);
  root.createDataset({member::kNotes, schema::Type::U8, {0}, {4096}, true, {}, {}});
}

}  // namespace

struct Writer::Impl {
  Impl(std::filesystem::path target, TraceHeader given, ClaimedFile::Existing existing)
      : part(std::move(target), existing),
        header(std::move(given)),
        name(part.target().string()),
        written(header.runs.size()),
        evicted(header.runs.size()) {}

  void flush() {
    if (H5Fflush(file.get(), H5F_SCOPE_GLOBAL) < 0) failHdf5("flush");
    part.throwIfFailed();
  }
  // The disk's own error, if any, says more than HDF5's.
  [[noreturn]] void failHdf5(std::string_view verb) {
    const std::string words = h5::lastMessage();
    part.throwIfFailed();
    h5::failAt(
        name, "",
        fmt::format("cannot {} the trace{}{}{}", verb, words.empty() ? "" : " (", words, words.empty() ? "" : ")"));
  }
  [[nodiscard]] Group root() const { return Group::openRoot(file, name); }
  void requireOpen() const {
    if (file.get() < 0) fail("{}: the trace is finished, nothing more can be written", name);
    part.throwIfFailed();
  }

  // Writes data first, then the mark that it is complete, so that a reader never accepts a partly written group.
  template <class Body>
  void record(const Body& body) {
    requireOpen();
    h5::quiet();
    const h5::Object marked = body();
    flush();
    marked.update(attribute::kRecorded, std::uint8_t{1});
    flush();
  }

  PartFile part;
  TraceHeader header;
  std::string name;
  std::vector<WrittenSteps> written;           // of each run, that came in blocks
  std::vector<std::vector<Eviction>> evicted;  // of each run, of these: those that fill no chunk yet
  h5::Handle file;                             // after `part`: must close before the file driver's file does
};

Writer::Writer(std::filesystem::path target, const TraceHeader& header, ClaimedFile::Existing existing) {
  h5::quiet();
  checkHeader(header, target.string());
  m_impl = std::make_unique<Impl>(std::move(target), header, existing);
  Impl& self = *m_impl;
  const h5::Handle access = self.part.accessList();
  const h5::Handle creation = h5::creationList(H5P_FILE_CREATE, self.name);
  self.file = h5::Handle(H5Fcreate(self.part.newPath().c_str(), H5F_ACC_TRUNC, creation.get(), access.get()));
  if (self.file.get() < 0) self.failHdf5("create");
  createAll(self.root(), header);
  self.flush();
  if (H5Fstart_swmr_write(self.file.get()) < 0) self.failHdf5("start writing");
  self.flush();
  self.part.publish();
}

Writer::~Writer() = default;

void Writer::writeLayer(const LayerRecord& record) {
  Impl& self = *m_impl;
  const auto& layers = self.header.attention.layers;
  if (std::find(layers.begin(), layers.end(), record.layer) == layers.end()) {
    fail("{}: layer {} is not in the recording plan", self.name, record.layer.value);
  }
  self.record([&]() -> h5::Object {
    Group group = self.root().open(member::kAttention).open(schema::numbered(record.layer.value));
    for (const DatasetSpec& spec :
         schema::layerDatasets(self.header, schema::keepsQk(self.header.attention, record.layer))) {
      std::visit(
          [&](const auto& values) {
            if (!values.empty()) group.writeChunks(spec, values);
          },
          layerMember(record, spec.path));
    }
    return group;
  });
}

void Writer::writeSignal(LayerIndex layer, Signal signal, std::span<const float> values) {
  Impl& self = *m_impl;
  self.record([&]() -> h5::Object {
    Group group = self.root().open(member::kAttention).open(schema::numbered(layer.value));
    for (const DatasetSpec& spec : schema::layerDatasets(self.header, schema::keepsQk(self.header.attention, layer)))
      if (spec.path == infoOf(signal).name) group.writeChunks(spec, values);
    return group;
  });
}

void Writer::writeNextLogits(const std::vector<float>& logits) {
  Impl& self = *m_impl;
  self.record([&]() -> h5::Object {
    const Group prompt = self.root().open(member::kPrompt);
    return prompt.writeChunks(schema::nextLogits(self.header.model), std::span(logits));
  });
}

void Writer::writeExperts(const ExpertUse& use) {
  Impl& self = *m_impl;
  checkExperts(self.header.model, use, self.name);
  self.record([&]() -> h5::Object {
    Group group = self.root().open(member::kExperts);
    const std::vector<DatasetSpec> specs = schema::expertDatasets(self.header.model);
    group.writeChunks(specs[0], std::span(use.tokens));
    group.writeChunks(specs[1], std::span(use.weight));
    return group;
  });
}

void Writer::appendSteps(std::size_t run, const StepBlock& block) {
  Impl& self = *m_impl;
  if (run >= self.header.runs.size()) fail("{}: has no run {}", self.name, run);
  const std::uint64_t steps = checkSteps(self.header, run, block, self.name);
  self.requireOpen();
  h5::quiet();
  const Group group = self.root().open(member::kRuns).open(schema::numbered(run));
  WrittenSteps& written = self.written[run];
  std::vector<Eviction>& waiting = self.evicted[run];
  waiting.insert(waiting.end(), block.evicted.begin(), block.evicted.end());
  written.evicted += block.evicted.size();
  for (const DatasetSpec& spec : schema::runDatasets(self.header, self.header.runs[run])) {
    if (const auto values = blockMember(block, spec.path))
      std::visit([&](const auto& rows) { group.appendChunks(spec, written.steps, rows); }, *values);
    if (spec.path == member::kDecodeEvicted) appendEvicted(group, spec, written.evicted, waiting);
  }
  written.steps += steps;
  self.part.throwIfFailed();
}

void Writer::writeRun(std::size_t run, const RunRecord& record) {
  Impl& self = *m_impl;
  if (run >= self.header.runs.size()) fail("{}: has no run {}", self.name, run);
  const std::uint64_t positions = record.everything ? record.keptTokens() : record.kept_positions.size();
  const WrittenSteps before = self.written[run];
  checkRunRecord(self.header, run, record, positions, self.name, before);
  checkAttended(self.header, run, record, self.name, before);
  std::vector<Eviction> evicted = std::exchange(self.evicted[run], {});
  const std::uint64_t evicted_before = before.evicted - evicted.size();
  evicted.insert(evicted.end(), record.evicted.begin(), record.evicted.end());
  self.record([&]() -> h5::Object {
    Group group = self.root().open(member::kRuns).open(schema::numbered(run));
    for (const DatasetSpec& spec : schema::runDatasets(self.header, self.header.runs[run])) {
      if (record.everything && spec.path == member::kKeptPositions)
        group.writeRepeated(spec, std::span(record.kept_positions), record.capacity.size());
      else if (spec.path == member::kDecodeEvicted)
        group.appendChunks(spec, evicted_before, evictedValues(evicted));
      else
        std::visit(
            [&](const auto& values) {
              group.appendChunks(spec, blockMember({}, spec.path) ? before.steps : 0, values);
            },
            runMember(record, spec.path));
    }
    group.update(attribute::kBudgetRealised, record.budget_realised);
    group.update(attribute::kCacheBytes, record.cache_bytes);
    group.update(attribute::kSeconds, record.seconds);
    return group;
  });
}

void Writer::finish() {
  Impl& self = *m_impl;
  self.requireOpen();
  h5::quiet();
  self.flush();
  self.root().update(attribute::kStatus, padded(schema::kComplete));
  self.flush();
  if (H5Fclose(self.file.release()) < 0) self.failHdf5("close");
  self.part.complete();
}

const std::filesystem::path& Writer::partPath() const {
  return m_impl->part.partPath();
}

}  // namespace kvatlas::trace
