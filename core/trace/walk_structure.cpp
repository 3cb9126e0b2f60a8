// Touches everything of a trace that has a structure, without reading it all.

#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/trace/h5_read.h"
#include "core/trace/reader.h"
#include "core/trace/schema.h"
#include "core/trace/vetting.h"

namespace kvatlas::trace {
namespace {

// A damaged member stops no look at the others; the program names it when it is asked for.
template <class Look>
void attempt(const Look& look) {
  try {
    look();
  } catch (const Error&) {
  }
}

// The first and the last recorded head: their chunks stand at both ends of the index.
void walkLayer(const Reader& reader, LayerIndex layer) {
  const TraceHeader& header = reader.header();
  if (!reader.hasLayer(layer)) return;
  for (const schema::DatasetSpec& spec : schema::layerDatasets(header, schema::keepsQk(header.attention, layer)))
    attempt([&] { static_cast<void>(reader.holds(layer, spec.path)); });
  const std::uint64_t tokens = reader.tokens();
  for (const HeadIndex head : {HeadIndex(0), HeadIndex(header.model.query_heads - 1)}) {
    for (const SignalInfo& info : signalTable()) {
      const std::uint64_t rows = info.extent == SignalExtent::Token ? tokens : header.attention.window;
      if (info.heads != SignalHeads::Query || rows == 0 || !reader.hasHead(head)) continue;
      attempt([&] { static_cast<void>(reader.signalOfHead(layer, info.signal, head, 0, 1)); });
      attempt([&] { static_cast<void>(reader.signalOfHead(layer, info.signal, head, rows - 1, 1)); });
    }
    for (std::size_t level = 0; level < header.attention.cells.size(); ++level) {
      const std::uint64_t last = schema::mapSide(tokens, header.attention.cells[level]) - 1;
      for (const Reduction reduction : {Reduction::Mean, Reduction::Max}) {
        attempt([&] { static_cast<void>(reader.mapTile(layer, head, reduction, level, 0, 0, 1, 1)); });
        attempt([&] { static_cast<void>(reader.mapTile(layer, head, reduction, level, last, last, 1, 1)); });
      }
    }
    attempt([&] { static_cast<void>(reader.queryBits(layer, head, tokens - 1, 1)); });
  }
  attempt([&] { static_cast<void>(reader.keyBits(layer, KvHeadIndex(header.model.kv_heads - 1), tokens - 1, 1)); });
}

// The chunks between both ends, too: an index may lie about one of its pages.
void walkChunks(const std::filesystem::path& path, const TraceHeader& header) {
  const auto source = std::make_shared<h5::SourceFile>(path);
  for (const std::string& each : walkedArrays(header))
    attempt([&] { h5::SourceGroup::root(source).dataset(each).touchChunks(); });
}

}  // namespace

// By their names: a list of members would end at the first damaged one.
std::vector<std::string> walkedArrays(const TraceHeader& header) {
  using namespace schema::member;
  constexpr std::array kOfRun{kCapacity,     kKeptOffsets,      kKeptPositions,        kDecodeIds,     kDecodeText,
                              kDecodeKl,     kDecodeEvicted,    kDecodeBytes,          kDecodeOffsets, kAttended,
                              kAttendedMass, kQuestionAttended, kQuestionAttendedMass, kRetained,      kOracle,
                              kMergedInto,   kEvictedInto};
  std::vector<std::string> paths;
  for (const LayerIndex layer : header.attention.layers)
    for (const schema::DatasetSpec& spec : schema::layerDatasets(header, true))
      paths.push_back(fmt::format("{}/{}/{}", kAttention, schema::numbered(layer.value), spec.path));
  for (std::size_t run = 0; run < header.runs.size(); ++run)
    for (const char* const name : kOfRun) paths.push_back(fmt::format("{}/{}/{}", kRuns, schema::numbered(run), name));
  for (const schema::DatasetSpec& spec : schema::expertDatasets(header.model))
    paths.push_back(fmt::format("{}/{}", kExperts, spec.path));
  paths.push_back(fmt::format("{}/{}", kPrompt, kNextLogits));
  return paths;
}

void walkStructure(const std::filesystem::path& path) {
  const Reader reader(path);
  for (const LayerIndex layer : reader.header().attention.layers) attempt([&] { walkLayer(reader, layer); });
  for (std::size_t run = 0; run < reader.header().runs.size(); ++run) {
    attempt([&] { static_cast<void>(reader.run(run, RunParts::WithoutPositions)); });
    attempt([&] { static_cast<void>(reader.attended(run, LayerIndex(0), 0, 1)); });
  }
  attempt([&] { static_cast<void>(reader.nextLogits()); });
  attempt([&] { static_cast<void>(reader.experts()); });
  attempt([&] { static_cast<void>(reader.notes()); });
  walkChunks(path, reader.header());
}

}  // namespace kvatlas::trace
