#include "views/models/items/eviction_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/base/error.h"
#include "core/policy/policy.h"
#include "views/models/map/kept_strip.h"

namespace kvatlas::views {
namespace {

struct Losses {
  std::size_t heads = 0, of_prompt = 0, later = 0;
  std::uint32_t first = UINT32_MAX, last = 0;  // steps of the later ones
};

Losses lossesOf(const RunView& view, LayerIndex layer, const HeadChoice& heads, std::uint64_t position,
                std::uint32_t step) {
  const std::vector<std::size_t> stored = storedHeadsOf(view, heads);
  Losses losses{.heads = stored.size()};
  for (const std::size_t head : stored)
    if (position < view.tokens && !view.everything() && !view.keeps(layer, head, static_cast<TokenIndex>(position)))
      ++losses.of_prompt;
  for (const trace::Eviction& one : view.run.record.evicted) {
    if (one.step > step) break;
    if (one.layer != layer.value || one.position != position || std::ranges::find(stored, one.head) == stored.end())
      continue;
    ++losses.later;
    losses.first = std::min(losses.first, one.step);
    losses.last = one.step;
  }
  return losses;
}

}  // namespace

std::string evictionReason(const RunView& view) {
  try {
    return policy::findMethod(view.run.header.method).score == nullptr ? "left the window" : "lowest score";
  } catch (const Error&) {  // a method of another version
    return "by its method";
  }
}

std::string evictionStory(const RunView& view, LayerIndex layer, const HeadChoice& heads, std::uint64_t position,
                          std::uint32_t step) {
  const Losses losses = lossesOf(view, layer, heads, position, step);
  if (losses.of_prompt + losses.later == 0) return {};
  std::string text = losses.heads == 1 ? "evicted " : fmt::format("of {} heads, evicted by ", losses.heads);
  const auto count = [&](std::size_t heads_of) { return losses.heads == 1 ? "" : fmt::format("{} ", heads_of); };
  if (losses.of_prompt > 0) text += fmt::format("{}at the end of the prompt", count(losses.of_prompt));
  if (losses.later == 0) return text;
  if (losses.of_prompt > 0) text += ", ";
  text += losses.first == losses.last
              ? fmt::format("{}after token {}", count(losses.later), losses.last)
              : fmt::format("{}after tokens {} to {}", count(losses.later), losses.first, losses.last);
  return text + fmt::format(" ({})", evictionReason(view));
}

std::vector<EvictedPosition> evictedAt(const RunView& view, std::uint32_t step) {
  std::map<TokenIndex, std::size_t> lists;
  for (const trace::Eviction& one : view.run.record.evicted)
    if (one.step == step) ++lists[one.position];
  std::vector<EvictedPosition> evicted;
  for (const auto& [position, count] : lists) evicted.push_back({position, count});
  std::ranges::stable_sort(evicted, std::greater<>{}, &EvictedPosition::lists);
  return evicted;
}

}  // namespace kvatlas::views
