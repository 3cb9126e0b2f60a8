#include "core/trace/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

namespace kvatlas::trace::schema {
namespace {

using Dims = std::vector<std::uint64_t>;

// Equal chunks up to `limit` long: 2,000 tokens form one chunk of 2,000, not one of 16,384 that is mostly padding.
std::uint64_t balanced(std::uint64_t length, std::uint64_t limit) {
  if (length == 0) return 1;
  const std::uint64_t parts = (length + limit - 1) / limit;
  return (length + parts - 1) / parts;
}

DatasetSpec signalDataset(const SignalInfo& info, const TraceHeader& header) {
  const std::uint64_t tokens = header.prompt.ids.size(), window = header.attention.window;
  const std::uint64_t heads = info.heads == SignalHeads::Query ? header.model.query_heads : header.model.kv_heads;
  DatasetSpec spec{
      std::string(info.name), info.stored == SignalStored::F32 ? Type::F32 : Type::U16, {}, {}, false, {}, {}};
  if (info.extent == SignalExtent::WindowByToken) {
    spec.dims = {heads, window, tokens};
    spec.chunk = {1, balanced(window, 64), balanced(tokens, 4096)};
    spec.diagonal = tokens - window;
  } else {
    spec.dims = {heads, tokens};
    spec.chunk = {1, balanced(tokens, 16'384)};
  }
  return spec;
}

DatasetSpec mapLevel(bool max, std::size_t level, std::uint64_t heads, std::uint64_t tokens, std::uint64_t cell) {
  const std::uint64_t side = mapSide(tokens, cell);
  // 128: the staircase of chunks follows the diagonal closely (5/8 of the square at 512), and a 256² tile is 4 reads.
  const std::uint64_t edge = balanced(side, 128);
  return {mapPath(max, level), Type::U16, {heads, side, side}, {1, edge, edge}, false, 0, cell};
}

DatasetSpec bits(const char* path, std::uint64_t heads, std::uint64_t tokens, std::uint64_t dim) {
  return {path, Type::U16, {heads, tokens, dim}, {1, balanced(tokens, 512), dim}, false, {}, {}};
}

DatasetSpec growing(const char* path, Type type, Dims dims, std::uint64_t limit) {
  Dims chunk = dims;
  chunk[0] = std::clamp<std::uint64_t>(dims[0], 1, limit);
  return {path, type, std::move(dims), std::move(chunk), true, {}, {}};
}

// How many steps of `step_bytes` fill a chunk of about `bytes`. Divides kStepBlock.
std::uint64_t stepsOfChunk(std::uint64_t bytes, std::uint64_t step_bytes, std::uint64_t most) {
  static_assert(std::has_single_bit(kStepBlock));
  return std::bit_floor(std::clamp<std::uint64_t>(bytes / std::max<std::uint64_t>(step_bytes, 1), 1, most));
}

// Views read all steps of one layer; small chunks, because most runs generate few tokens.
DatasetSpec attended(const char* path, Type type, const TraceHeader& header, std::uint32_t keys, std::uint64_t steps) {
  const std::uint64_t heads = header.model.query_heads;
  const std::uint64_t together = stepsOfChunk(8192, heads * keys * 4, 16);
  DatasetSpec spec = growing(path, type, {steps, header.model.layers, heads, keys}, together);
  spec.chunk[0] = together;
  spec.chunk[1] = 1;
  return spec;
}

// The recorded rows where only some query heads are recorded: theirs, or those of the KV heads they read.
std::vector<std::uint32_t> querySlabs(const TraceHeader& header) {
  std::vector<std::uint32_t> slabs;
  for (const HeadIndex head : header.attention.heads) slabs.push_back(head.value);
  return slabs;
}

std::vector<std::uint32_t> keySlabs(const TraceHeader& header) {
  const std::uint32_t group = header.model.query_heads / std::max(header.model.kv_heads, 1U);
  std::vector<std::uint32_t> slabs;
  for (const HeadIndex head : header.attention.heads) {
    const std::uint32_t slab = head.value / std::max(group, 1U);
    if (slabs.empty() || slabs.back() != slab) slabs.push_back(slab);
  }
  return slabs;
}

}  // namespace

std::size_t sizeOf(Type type) {
  switch (type) {
    case Type::U8:
      return 1;
    case Type::U16:
      return 2;
    case Type::U64:
      return 8;
    case Type::U32:
    case Type::F32:
      return 4;
  }
  throw std::logic_error("unknown type of a trace dataset");
}

const char* nameOf(Type type) {
  switch (type) {
    case Type::U8:
      return "u8";
    case Type::U16:
      return "u16";
    case Type::U32:
      return "u32";
    case Type::U64:
      return "u64";
    case Type::F32:
      return "f32";
  }
  throw std::logic_error("unknown type of a trace dataset");
}

std::string numbered(std::size_t index) {
  return fmt::format("{:03}", index);
}

std::uint64_t mapSide(std::uint64_t tokens, std::uint64_t cell) {
  return (tokens + cell - 1) / cell;
}

std::string mapPath(bool max, std::size_t level) {
  return fmt::format("map/{}/{}", max ? "max" : "mean", level);
}

DatasetSpec nextLogits(const ModelInfo& model) {
  return {member::kNextLogits, Type::F32, {model.vocab_size}, {balanced(model.vocab_size, 65'536)}, false, {}, {}};
}

std::vector<DatasetSpec> expertDatasets(const ModelInfo& model) {
  const Dims dims{model.layers, model.experts}, chunk{balanced(model.layers, 64), balanced(model.experts, 64)};
  return {{member::kExpertTokens, Type::U32, dims, chunk, false, {}, {}},
          {member::kExpertWeight, Type::F32, dims, chunk, false, {}, {}}};
}

std::vector<DatasetSpec> layerDatasets(const TraceHeader& header, bool keep_qk) {
  const std::uint64_t tokens = header.prompt.ids.size(), heads = header.model.query_heads;
  const std::vector<std::uint32_t> of_queries = querySlabs(header);
  std::vector<DatasetSpec> all;
  const auto add = [&](DatasetSpec spec, const std::vector<std::uint32_t>& slabs) {
    spec.slabs = slabs;
    all.push_back(std::move(spec));
  };
  for (const SignalInfo& info : signalTable()) {
    if (info.needsWindow() && header.attention.window == 0) continue;
    if (info.onDemand() && !header.attention.measured.contains(info.signal)) continue;
    // There are few KV heads, so all are recorded.
    add(signalDataset(info, header), info.heads == SignalHeads::Query ? of_queries : std::vector<std::uint32_t>());
  }
  for (const bool max : {false, true}) {
    for (std::size_t level = 0; level < header.attention.cells.size(); ++level) {
      add(mapLevel(max, level, heads, tokens, header.attention.cells[level]), of_queries);
    }
  }
  if (keep_qk) {
    add(bits(member::kQuery, heads, tokens, header.model.head_dim), of_queries);
    add(bits(member::kKey, header.model.kv_heads, tokens, header.model.head_dim), keySlabs(header));
  }
  return all;
}

bool recordsHead(const AttentionPlan& plan, HeadIndex head) {
  return plan.heads.empty() || std::binary_search(plan.heads.begin(), plan.heads.end(), head);
}

bool keepsQk(const AttentionPlan& plan, LayerIndex layer) {
  return std::binary_search(plan.qk_layers.begin(), plan.qk_layers.end(), layer);
}

std::vector<DatasetSpec> runDatasets(const TraceHeader& header, const RunHeader& run, std::uint64_t new_tokens) {
  const std::uint64_t layers = header.model.layers, rows = layers * run.heads, query_heads = header.model.query_heads;
  // Of a file that may be damaged; it only sizes chunks.
  const double nominal = std::isfinite(run.budget_nominal) ? std::clamp(run.budget_nominal, 0.0, 1e9) : 0.0;
  const auto kept = static_cast<std::uint64_t>(nominal * static_cast<double>(rows));
  std::vector<DatasetSpec> all = {
      {member::kCapacity, Type::U32, {layers, run.heads}, {layers, run.heads}, false, {}, {}},
      {member::kKeptOffsets, Type::U64, {rows + 1}, {balanced(rows + 1, 16'384)}, false, {}, {}},
      growing(member::kKeptPositions, Type::U32, {std::max<std::uint64_t>(kept, 256)}, 65'536),
      growing(member::kDecodeIds, Type::U32, {new_tokens}, 64),
      growing(member::kDecodeText, Type::U8, {new_tokens * 6}, 512),
      growing(member::kDecodeOffsets, Type::U64, {new_tokens + 1}, 64)};
  if (run.attended > 0) {
    all.push_back(attended(member::kAttended, Type::U32, header, run.attended, new_tokens));
    all.push_back(attended(member::kAttendedMass, Type::F32, header, run.attended, new_tokens));
    if (const std::uint64_t question = header.prompt.question.ids.size(); question > 0) {
      all.push_back(attended(member::kQuestionAttended, Type::U32, header, run.attended, question));
      all.push_back(attended(member::kQuestionAttendedMass, Type::F32, header, run.attended, question));
    }
  }
  if (!run.is_full) all.push_back(growing(member::kDecodeKl, Type::F32, {new_tokens}, 64));
  if (run.every > 0) all.push_back(growing(member::kDecodeBytes, Type::U64, {new_tokens}, 64));
  all.push_back(growing(member::kDecodeEvicted, Type::U32, {new_tokens * rows, 4}, 256));
  if (run.merges) {
    const std::uint64_t evicted = rows * header.prompt.ids.size() - std::min(kept, rows * header.prompt.ids.size());
    all.push_back(growing(member::kMergedInto, Type::U32, {std::max<std::uint64_t>(evicted, 256)}, 65'536));
    all.push_back(growing(member::kEvictedInto, Type::U32, {new_tokens * rows}, 256));
  }
  if (run.is_full) return all;
  for (const char* path : {member::kRetained, member::kOracle}) {
    DatasetSpec spec = growing(path, Type::F32, {new_tokens, layers, query_heads}, kStepBlock);
    spec.chunk[0] = stepsOfChunk(32'768, layers * query_heads * 4, kStepBlock);
    all.push_back(std::move(spec));
  }
  return all;
}

bool stored(const DatasetSpec& spec, std::uint64_t slab) {
  return spec.slabs.empty() || std::binary_search(spec.slabs.begin(), spec.slabs.end(), slab);
}

std::uint64_t slabCount(const DatasetSpec& spec, std::uint64_t length) {
  return spec.slabs.empty() ? length : spec.slabs.size();
}

std::uint64_t storedBytes(const DatasetSpec& spec) {
  const std::size_t rank = spec.dims.size();
  const auto chunksAlong = [&](std::size_t axis) {
    const std::uint64_t length = axis == 0 ? slabCount(spec, spec.dims[0]) : spec.dims[axis];
    return (length + spec.chunk[axis] - 1) / spec.chunk[axis];
  };
  std::uint64_t chunks = 1;
  for (std::size_t axis = 0; axis + (spec.diagonal ? 2 : 0) < rank; ++axis) chunks *= chunksAlong(axis);
  if (spec.diagonal) {
    std::uint64_t plane = 0;
    for (std::uint64_t row = 0; row < spec.dims[rank - 2]; row += spec.chunk[rank - 2]) {
      const std::uint64_t last = std::min(row + spec.chunk[rank - 2], spec.dims[rank - 2]) - 1;
      plane += std::min(chunksAlong(rank - 1), (last + *spec.diagonal) / spec.chunk[rank - 1] + 1);
    }
    chunks *= plane;
  }
  std::uint64_t bytes = chunks * sizeOf(spec.type);
  for (const std::uint64_t length : spec.chunk) bytes *= length;
  return bytes;
}

}  // namespace kvatlas::trace::schema
