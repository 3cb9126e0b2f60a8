#include "views/models/document/retained_estimate.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "core/analysis/mass.h"

namespace kvatlas::views {
namespace {

constexpr std::uint64_t kMostValues = std::uint64_t{1} << 26;  // 256 MB

}  // namespace

bool canEstimate(const trace::TraceHeader& header) {
  const std::uint64_t tokens = header.prompt.ids.size();
  return header.attention.window > 0 && tokens * header.model.layers * header.model.query_heads <= kMostValues;
}

std::vector<float> windowSumsOf(const trace::Reader& reader, LayerIndex layer) {
  if (!reader.hasLayer(layer)) return {};
  auto sums = reader.signal(layer, trace::Signal::WindowSum);
  return sums ? std::move(*sums) : std::vector<float>();
}

RunPointer withRetainedEstimate(const RunView& run, const WindowSums& sums, std::uint32_t window) {
  auto estimated = std::make_shared<RunView>(run);
  estimated->retained_estimated = true;
  const std::size_t heads = run.model.query_heads;
  const auto tokens = static_cast<std::uint32_t>(run.tokens);
  std::vector<float>&retained = estimated->run.record.retained, &oracle = estimated->run.record.oracle;
  retained.assign(run.model.layers * heads, std::numeric_limits<float>::quiet_NaN());
  oracle = retained;
  for (std::size_t layer = 0; layer < run.model.layers && layer < sums.size(); ++layer) {
    if (sums[layer].size() != heads * tokens) continue;
    for (std::size_t head = 0; head < heads; ++head) {
      const std::span<const float> row(sums[layer].data() + head * tokens, tokens);
      const auto kept = run.kept(LayerIndex(layer), analysis::storedHead(run.run.header, run.model, head));
      const std::array size{static_cast<std::uint32_t>(run.everything() ? tokens : kept.size())};
      const double all = run.everything() ? window : analysis::retainedMass(row, tokens, kept);
      retained[layer * heads + head] = static_cast<float>(std::min(all / window, 1.0));
      oracle[layer * heads + head] =
          static_cast<float>(std::min(analysis::oracleMass(row, tokens, size).front() / window, 1.0));
    }
  }
  return estimated;
}

}  // namespace kvatlas::views
