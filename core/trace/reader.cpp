#include "core/trace/reader.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/trace/read_header.h"
#include "core/trace/stored_data.h"
#include "core/trace/trace_check.h"
#include "core/trace/vetting.h"
#include "kernels/log2_codec.h"

namespace kvatlas::trace {
namespace {

namespace attribute = schema::attribute;
namespace member = schema::member;
using h5::SourceDataset;
using h5::SourceGroup;
using schema::DatasetSpec;

constexpr std::size_t kMaxOpenDatasets = 64;

std::vector<float> decode(const std::vector<std::uint16_t>& codes) {
  std::vector<float> values(codes.size());
  kernels::decodeLog2(codes.data(), values.data(), codes.size());
  return values;
}

const DatasetSpec* find(const std::vector<DatasetSpec>& specs, std::string_view path) {
  const auto found =
      std::find_if(specs.begin(), specs.end(), [&](const DatasetSpec& spec) { return spec.path == path; });
  return found == specs.end() ? nullptr : &*found;
}

h5::Source openVetted(const std::filesystem::path& path) {
  requireVetted(path);
  return std::make_shared<h5::SourceFile>(path);
}

}  // namespace

struct Reader::Impl {
  explicit Impl(const std::filesystem::path& given) : path(given), source(openVetted(given)) {
    OpenedHeader opened = readHeader(source);
    header = std::move(opened.header);
    complete = opened.complete;
    layer_specs = schema::layerDatasets(header, !header.attention.qk_layers.empty());
  }

  [[nodiscard]] bool planned(LayerIndex layer) const {
    return std::binary_search(header.attention.layers.begin(), header.attention.layers.end(), layer);
  }
  [[nodiscard]] SourceGroup layerGroup(LayerIndex layer) const {
    return SourceGroup::root(source).group(member::kAttention).group(schema::numbered(layer.value));
  }
  [[nodiscard]] SourceGroup runGroup(std::size_t index) const {
    if (index >= header.runs.size()) fail("{}: has no run {}, only {}", source->name(), index, header.runs.size());
    return SourceGroup::root(source).group(member::kRuns).group(schema::numbered(index));
  }
  [[nodiscard]] bool recorded(LayerIndex layer) const {
    h5::quiet();
    return planned(layer) && layerGroup(layer).integer(attribute::kRecorded) != 0;
  }

  // A checked dataset of a recorded layer; null if it was not captured. Error if it is absent, though the format
  // requires it, or unreadable. Valid until the next call.
  const SourceDataset* layerDataset(LayerIndex layer, const std::string& name) {
    h5::quiet();
    const DatasetSpec* spec = find(layer_specs, name);
    if (!planned(layer) || spec == nullptr) return nullptr;
    const std::string key = schema::numbered(layer.value) + "/" + name;
    // HDF5 1.10 reads stale chunks from a refreshed dataset while another handle to it is open.
    if (source->live()) open.clear();
    if (const auto known = open.find(key); known != open.end()) return &known->second;
    const SourceGroup group = layerGroup(layer);
    if (group.integer(attribute::kRecorded) == 0) return nullptr;
    const bool optional = (name == member::kQuery || name == member::kKey) && !schema::keepsQk(header.attention, layer);
    if (optional && !group.has(name)) return nullptr;
    SourceDataset dataset = group.dataset(name);
    dataset.expect(*spec);
    if (spec->cell && dataset.integer(attribute::kCell) != *spec->cell) {
      dataset.fail("has another cell size than the first layer");
    }
    if (dataset.storedBytes() == 0) return nullptr;
    dataset.requireStored(neededBytes(*spec, dataset.dims()));
    if (open.size() >= kMaxOpenDatasets) open.clear();
    return &open.insert_or_assign(key, std::move(dataset)).first->second;
  }

  // The slab [head, …] of a layer's dataset, or of its second axis [first, first + length) only.
  template <class T>
  std::optional<std::vector<T>> head(LayerIndex layer, const std::string& name, std::uint32_t index,
                                     std::uint64_t first = 0, std::uint64_t length = UINT64_MAX) {
    const SourceDataset* dataset = layerDataset(layer, name);
    if (dataset == nullptr) return std::nullopt;
    if (index >= dataset->dims()[0]) {
      dataset->fail(fmt::format("has no head {}, only {}", index, dataset->dims()[0]));
    }
    if (!schema::stored(*find(layer_specs, name), index)) return std::nullopt;
    std::vector<std::uint64_t> start(dataset->dims().size(), 0), count = dataset->dims();
    start[0] = index;
    count[0] = 1;
    if (length != UINT64_MAX) {
      if (first > count[1] || length > count[1] - first) {
        dataset->fail(fmt::format("tokens {}+{} lie outside its {}", first, length, count[1]));
      }
      start[1] = first;
      count[1] = length;
    }
    return dataset->read<T>(start, count);
  }

  // A run's growing dataset, checked to have all its rows in the file.
  [[nodiscard]] SourceDataset runDataset(const SourceGroup& group, const DatasetSpec& spec) const {
    SourceDataset dataset = group.dataset(spec.path);
    dataset.expect(spec);
    std::uint64_t row = schema::sizeOf(spec.type);
    for (std::size_t axis = 1; axis < spec.dims.size(); ++axis) row *= spec.dims[axis];
    if (dataset.dims()[0] > source->bytes()) dataset.fail("claims more entries than the file can hold");
    dataset.requireStored(dataset.dims()[0] * row);
    return dataset;
  }

  template <class T>
  std::vector<T> runList(const SourceGroup& group, const std::vector<DatasetSpec>& specs, const char* name) const {
    const DatasetSpec* spec = find(specs, name);
    return spec == nullptr ? std::vector<T>() : runDataset(group, *spec).template readAll<T>();
  }

  // Steps [first, first + count) of one layer of a dataset [T, layers, …].
  template <class T>
  std::vector<T> stepsOfLayer(const SourceGroup& group, const DatasetSpec& spec, LayerIndex layer, std::uint64_t first,
                              std::uint64_t count) const {
    const SourceDataset dataset = runDataset(group, spec);
    const std::uint64_t steps = dataset.dims()[0];
    if (first > steps || (count != UINT64_MAX && count > steps - first))
      dataset.fail(fmt::format("steps {}+{} lie outside its {}", first, count, steps));
    std::vector<std::uint64_t> start(dataset.dims().size(), 0), counts = dataset.dims();
    start[0] = first;
    start[1] = layer.value;
    counts[0] = std::min(count, steps - first);
    counts[1] = 1;
    return dataset.read<T>(start, counts);
  }

  struct AttendedPaths {
    const char *positions, *mass;
  };
  std::optional<AttendedLayer> attended(std::size_t run, LayerIndex layer, const AttendedPaths& paths,
                                        std::uint64_t first, std::uint64_t count) const {
    h5::quiet();
    const SourceGroup group = runGroup(run);
    if (layer.value >= header.model.layers) group.fail(fmt::format("has no layer {}", layer.value));
    if (header.runs[run].attended == 0 || group.integer(attribute::kRecorded) == 0) return std::nullopt;
    const std::vector<DatasetSpec> specs = schema::runDatasets(header, header.runs[run]);
    AttendedLayer result{.query_heads = header.model.query_heads, .per_head = header.runs[run].attended};
    result.positions = stepsOfLayer<TokenIndex>(group, *find(specs, paths.positions), layer, first, count);
    result.mass = stepsOfLayer<float>(group, *find(specs, paths.mass), layer, first, count);
    if (result.mass.size() != result.positions.size())
      group.dataset(paths.mass).fail(fmt::format("has a different number of entries than {}", paths.positions));
    return result;
  }

  std::filesystem::path path;
  h5::Source source;
  TraceHeader header;
  bool complete = false;
  std::vector<DatasetSpec> layer_specs;
  std::map<std::string, SourceDataset> open;
};

Reader::Reader(const std::filesystem::path& path) : m_impl(std::make_unique<Impl>(path)) {}
Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;

const std::filesystem::path& Reader::path() const {
  return m_impl->path;
}
bool Reader::complete() const {
  return m_impl->complete;
}
const TraceHeader& Reader::header() const {
  return m_impl->header;
}
std::uint64_t Reader::tokens() const {
  return m_impl->header.prompt.ids.size();
}
bool Reader::hasLayer(LayerIndex layer) const {
  return m_impl->recorded(layer);
}

bool Reader::holds(LayerIndex layer, const std::string& member) const {
  return m_impl->layerDataset(layer, member) != nullptr;
}

bool Reader::hasHead(HeadIndex head) const {
  return head.value < m_impl->header.model.query_heads && schema::recordsHead(m_impl->header.attention, head);
}

std::optional<std::vector<float>> Reader::signal(LayerIndex layer, Signal which) const {
  const std::string name = nameOf(which);
  const SourceDataset* dataset = m_impl->layerDataset(layer, name);
  if (dataset == nullptr) return std::nullopt;
  std::vector<float> values =
      infoOf(which).stored == SignalStored::F32 ? dataset->readAll<float>() : decode(dataset->readAll<std::uint16_t>());
  const DatasetSpec& spec = *find(m_impl->layer_specs, name);
  const std::size_t heads = dataset->dims()[0], row = values.size() / heads;
  for (std::size_t head = 0; head < heads; ++head) {
    if (!schema::stored(spec, head)) std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(head * row), row, NAN);
  }
  return values;
}

std::optional<std::vector<float>> Reader::signalOfHead(LayerIndex layer, Signal which, HeadIndex head) const {
  return signalOfHead(layer, which, head, 0, UINT64_MAX);
}

std::optional<std::vector<float>> Reader::signalOfHead(LayerIndex layer, Signal which, HeadIndex head,
                                                       std::uint64_t first, std::uint64_t count) const {
  const std::string name = nameOf(which);
  if (infoOf(which).stored == SignalStored::F32) return m_impl->head<float>(layer, name, head.value, first, count);
  const auto codes = m_impl->head<std::uint16_t>(layer, name, head.value, first, count);
  return codes ? std::optional(decode(*codes)) : std::nullopt;
}

std::optional<std::vector<float>> Reader::windowRows(LayerIndex layer, HeadIndex head) const {
  return signalOfHead(layer, Signal::WindowRows, head);
}

std::optional<std::vector<float>> Reader::windowRow(LayerIndex layer, HeadIndex head, std::uint64_t row) const {
  return signalOfHead(layer, Signal::WindowRows, head, row, 1);
}

std::optional<std::vector<float>> Reader::map(LayerIndex layer, HeadIndex head, Reduction reduction,
                                              std::size_t level) const {
  const auto codes =
      m_impl->head<std::uint16_t>(layer, schema::mapPath(reduction == Reduction::Max, level), head.value);
  if (!codes) return std::nullopt;
  return decode(*codes);
}

std::optional<std::vector<std::uint16_t>> Reader::mapTile(LayerIndex layer, HeadIndex head, Reduction reduction,
                                                          std::size_t level, std::size_t row, std::size_t column,
                                                          std::size_t rows, std::size_t columns) const {
  const SourceDataset* dataset = m_impl->layerDataset(layer, schema::mapPath(reduction == Reduction::Max, level));
  if (dataset == nullptr) return std::nullopt;
  const std::uint64_t heads = dataset->dims()[0], side = dataset->dims()[1];
  if (head.value >= heads) dataset->fail(fmt::format("has no head {}, only {}", head.value, heads));
  if (!schema::recordsHead(m_impl->header.attention, head)) return std::nullopt;
  if (row > side || rows > side - row || column > side || columns > side - column) {
    dataset->fail(fmt::format("tile {}+{}, {}+{} lies outside its {} cells", row, rows, column, columns, side));
  }
  return dataset->read<std::uint16_t>({head.value, row, column}, {1, rows, columns});
}

std::optional<std::vector<std::uint16_t>> Reader::queryBits(LayerIndex layer, HeadIndex head) const {
  return m_impl->head<std::uint16_t>(layer, member::kQuery, head.value);
}

std::optional<std::vector<std::uint16_t>> Reader::keyBits(LayerIndex layer, KvHeadIndex head) const {
  return m_impl->head<std::uint16_t>(layer, member::kKey, head.value);
}

std::optional<std::vector<std::uint16_t>> Reader::queryBits(LayerIndex layer, HeadIndex head, std::uint64_t first,
                                                            std::uint64_t count) const {
  return m_impl->head<std::uint16_t>(layer, member::kQuery, head.value, first, count);
}

std::optional<std::vector<std::uint16_t>> Reader::keyBits(LayerIndex layer, KvHeadIndex head, std::uint64_t first,
                                                          std::uint64_t count) const {
  return m_impl->head<std::uint16_t>(layer, member::kKey, head.value, first, count);
}

std::optional<std::vector<float>> Reader::nextLogits() const {
  h5::quiet();
  const DatasetSpec spec = schema::nextLogits(m_impl->header.model);
  const SourceDataset dataset = SourceGroup::root(m_impl->source).group(member::kPrompt).dataset(spec.path);
  dataset.expect(spec);
  if (dataset.integer(attribute::kRecorded) == 0) return std::nullopt;
  dataset.requireStored(neededBytes(spec, dataset.dims()));
  return dataset.readAll<float>();
}

std::optional<ExpertUse> Reader::experts() const {
  h5::quiet();
  const ModelInfo& model = m_impl->header.model;
  if (model.experts == 0) return std::nullopt;
  const SourceGroup group = SourceGroup::root(m_impl->source).group(member::kExperts);
  if (group.integer(attribute::kRecorded) == 0) return std::nullopt;
  const auto values = [&]<class T>(const DatasetSpec& spec, std::vector<T>& out) {
    const SourceDataset dataset = group.dataset(spec.path);
    dataset.expect(spec);
    dataset.requireStored(neededBytes(spec, dataset.dims()));
    out = dataset.readAll<T>();
  };
  const std::vector<DatasetSpec> specs = schema::expertDatasets(model);
  ExpertUse use;
  values(specs[0], use.tokens);
  values(specs[1], use.weight);
  return use;
}

bool Reader::hasRun(std::size_t index) const {
  h5::quiet();
  return m_impl->runGroup(index).integer(attribute::kRecorded) != 0;
}

std::optional<RunRecord> Reader::run(std::size_t index, RunParts parts) const {
  h5::quiet();
  const TraceHeader& header = m_impl->header;
  const std::string& name = m_impl->source->name();
  const SourceGroup group = m_impl->runGroup(index);
  if (group.integer(attribute::kRecorded) == 0) return std::nullopt;
  const std::vector<DatasetSpec> specs = schema::runDatasets(header, header.runs[index]);
  const auto list = [&]<class T>(const char* path, std::vector<T>& out) {
    out = m_impl->runList<T>(group, specs, path);
  };
  RunRecord record;
  record.budget_realised = group.number(attribute::kBudgetRealised);
  record.cache_bytes = group.integer(attribute::kCacheBytes);
  record.seconds = group.number(attribute::kSeconds);
  list(member::kCapacity, record.capacity);
  list(member::kKeptOffsets, record.kept_offsets);
  // Checked in any case: a run whose positions cannot be found is damaged.
  const SourceDataset positions = m_impl->runDataset(group, *find(specs, member::kKeptPositions));
  if (parts == RunParts::Everything) {
    record.everything = keepsEverything(positions, record.kept_offsets, tokens());
    record.kept_positions = record.everything ? everyPosition(tokens()) : positions.readAll<TokenIndex>();
  }
  list(member::kDecodeIds, record.decode_ids);
  list(member::kDecodeKl, record.kl);
  list(member::kRetained, record.retained);
  list(member::kOracle, record.oracle);
  if (header.runs[index].every > 0) list(member::kDecodeBytes, record.step_bytes);
  if (header.runs[index].merges) list(member::kMergedInto, record.merged_into);
  if (header.runs[index].merges) list(member::kEvictedInto, record.evicted_into);
  if (group.has(member::kDecodeOffsets)) list(member::kDecodeOffsets, record.decode_offsets);
  const auto text = m_impl->runList<std::uint8_t>(group, specs, member::kDecodeText);
  record.decode_text.assign(text.begin(), text.end());
  const auto evicted = m_impl->runList<std::uint32_t>(group, specs, member::kDecodeEvicted);
  for (std::size_t i = 0; i + 3 < evicted.size(); i += 4) {
    record.evicted.push_back({evicted[i], evicted[i + 1], evicted[i + 2], evicted[i + 3]});
  }
  checkRunRecord(header, index, record, positions.dims().at(0), name);
  return record;
}

std::optional<AttendedLayer> Reader::attended(std::size_t run, LayerIndex layer, std::uint64_t first,
                                              std::uint64_t count) const {
  return m_impl->attended(run, layer, {member::kAttended, member::kAttendedMass}, first, count);
}

std::optional<AttendedLayer> Reader::questionAttended(std::size_t run, LayerIndex layer) const {
  if (header().prompt.question.ids.empty()) return std::nullopt;
  return m_impl->attended(run, layer, {member::kQuestionAttended, member::kQuestionAttendedMass}, 0, UINT64_MAX);
}

std::string Reader::notes() const {
  h5::quiet();
  const SourceDataset dataset = notesOf(SourceGroup::root(m_impl->source));
  dataset.requireStored(dataset.dims()[0]);
  const auto bytes = dataset.readAll<std::uint8_t>();
  return {bytes.begin(), bytes.end()};
}

}  // namespace kvatlas::trace
