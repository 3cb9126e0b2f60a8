// How the tensor-core probe schedules its work: heads in passes, a head's query blocks in
// stripes.
#pragma once

#include "kernels/cuda/tile_geometry.h"

namespace kvatlas::kernels {

// Splits heads into passes so that the partial results fit this many bytes, for every N.
inline constexpr std::size_t kMostPassBytes = std::size_t{1} << 29;
inline constexpr std::size_t kMostStripes = 16;  // thread blocks per head
// Of an H100 or H200, one resident block each. Not queried from the device: the order of sums, and so every
// bit, must depend on the shape alone.
inline constexpr std::size_t kMultiprocessors = 132;

// Deals the query blocks of a head to `stripes` thread blocks in zigzag order, the last (longest) block first, so that
// all get about the same number of pairs. The v-th block of stripe s; `blocks` when there is none.
KVATLAS_HOST_DEVICE constexpr std::size_t stripeBlock(std::size_t blocks, std::size_t stripes, std::size_t stripe,
                                                      std::size_t visit) {
  const std::size_t dealt = visit % 2 == 0 ? visit * stripes + stripe : (visit + 1) * stripes - 1 - stripe;
  return dealt < blocks ? blocks - 1 - dealt : blocks;
}

struct PassPlan {
  std::size_t stripes = 1, pass_heads = 1;
};

// Time of all passes, in units of the pairs of one query block with its own keys. The first stripe is never
// shorter than the others.
constexpr std::size_t passTime(std::size_t query_heads, std::size_t blocks, const PassPlan& plan) {
  std::size_t longest = 0;
  for (std::size_t visit = 0; stripeBlock(blocks, plan.stripes, 0, visit) < blocks; ++visit) {
    longest += stripeBlock(blocks, plan.stripes, 0, visit) + 1;
  }
  const auto rounds = [&](std::size_t heads) { return divideUp(heads * plan.stripes, kMultiprocessors); };
  return (query_heads / plan.pass_heads * rounds(plan.pass_heads) + rounds(query_heads % plan.pass_heads)) * longest;
}

// The plan that leaves the fewest multiprocessors idle; ties go to the fewest stripes and passes,
// which needs the least memory. `stripe_bytes` and `head_bytes`: partial results of each.
constexpr PassPlan planPasses(std::size_t query_heads, std::size_t blocks, std::size_t stripe_bytes,
                              std::size_t head_bytes) {
  PassPlan best;
  std::size_t best_time = ~std::size_t{0};
  for (std::size_t stripes = 1; stripes <= smaller(blocks, kMostStripes); ++stripes) {
    const std::size_t fit = larger(1, kMostPassBytes / larger(1, stripes * stripe_bytes + head_bytes));
    const std::size_t fewest = divideUp(query_heads, fit);
    for (std::size_t passes = fewest; passes <= smaller(query_heads, fewest + 2); ++passes) {
      const PassPlan plan{stripes, divideUp(query_heads, passes)};
      const std::size_t time = passTime(query_heads, blocks, plan);
      if (time < best_time) {
        best = plan;
        best_time = time;
      }
    }
  }
  return best;
}

}  // namespace kvatlas::kernels
