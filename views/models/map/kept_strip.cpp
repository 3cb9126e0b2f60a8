#include "views/models/map/kept_strip.h"

#include <algorithm>

namespace kvatlas::views {
namespace {

policy::Reason whyKept(const RunView& run, TokenIndex position) {
  return run.rule ? run.rule->reason(position, true) : policy::Reason::Score;
}

}  // namespace

std::vector<std::size_t> storedHeadsOf(const RunView& run, const HeadChoice& head) {
  std::vector<std::size_t> stored;
  for (const HeadIndex query_head : headsOf(head, run.model)) {
    const std::size_t index = storedHead(run.run.header, run.model, query_head.value);
    if (stored.empty() || stored.back() != index) stored.push_back(index);
  }
  return stored;
}

KeptStrip keptStripOf(const RunView& run, LayerIndex layer, const HeadChoice& head, Theme theme) {
  KeptStrip strip{run.run.title + " " + run.run.header.budget, methodColour(run.run.header.method, theme), {}, {}};
  strip.share.assign(run.tokens, run.everything() ? 1.0F : 0.0F);
  strip.reasons.assign(run.tokens, run.everything() ? policy::Reason::Everything : policy::Reason::Evicted);
  if (run.everything()) return strip;
  const std::vector<std::size_t> heads = storedHeadsOf(run, head);
  const float each = 1.0F / static_cast<float>(std::max<std::size_t>(heads.size(), 1));
  for (const std::size_t stored : heads) {
    for (const TokenIndex position : run.kept(layer, stored)) {
      if (position >= run.tokens) continue;
      strip.share[position] = std::min(strip.share[position] + each, 1.0F);
      strip.reasons[position] = whyKept(run, position);
    }
  }
  return strip;
}

std::shared_ptr<const PositionCounts> keptColumnsOf(const RunView& run, LayerIndex layer, const HeadChoice& head) {
  if (run.everything()) return nullptr;
  std::vector<TokenIndex> kept;
  for (const std::size_t stored : storedHeadsOf(run, head)) {
    const auto positions = run.kept(layer, stored);
    kept.insert(kept.end(), positions.begin(), positions.end());
  }
  return std::make_shared<const PositionCounts>(run.tokens, kept);
}

}  // namespace kvatlas::views
