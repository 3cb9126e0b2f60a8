#include "core/policy/allocation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/policy/parameters.h"
#include "core/policy/pyramid.h"

namespace kvatlas::policy {

std::vector<std::uint32_t> everyHead(const Setting& setting, const std::vector<std::uint32_t>& per_layer) {
  std::vector<std::uint32_t> capacity;
  capacity.reserve(per_layer.size() * setting.heads());
  for (const std::uint32_t kept : per_layer) capacity.insert(capacity.end(), setting.heads(), kept);
  return capacity;
}

std::vector<std::uint32_t> pyramidPerLayer(const Setting& setting) {
  if (setting.budget >= setting.shape.tokens)
    return std::vector<std::uint32_t>(setting.shape.layers, setting.shape.tokens);
  const PyramidShape shape{.layers = setting.shape.layers,
                           .tokens = setting.shape.tokens,
                           .window = setting.window,
                           .budget = setting.budget,
                           .beta = numberParameter(setting, kBetaParameter.name)};
  if (setting.preset == Preset::Kvpress) return kvpressPyramid(shape);
  return setting.preset == Preset::Exact ? exactPyramid(shape) : publishedPyramid(shape);
}

std::vector<std::uint64_t> spread(std::uint64_t total, std::size_t lists, std::uint64_t most) {
  std::vector<std::uint64_t> each(lists, 0);
  for (std::size_t i = 0; i < lists; ++i)
    each[i] = std::min<std::uint64_t>(most, total / lists + (i < total % lists ? 1 : 0));
  return each;
}

std::vector<std::uint32_t> roundedToSum(std::span<const double> wanted, std::uint64_t sum) {
  std::vector<std::uint32_t> rounded;
  std::vector<std::pair<double, std::size_t>> rest;
  std::uint64_t given = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double whole = std::floor(wanted[i] + 1e-9);
    rounded.push_back(static_cast<std::uint32_t>(whole));
    rest.emplace_back(whole - wanted[i], i);
    given += rounded.back();
  }
  std::ranges::sort(rest);
  for (std::size_t i = 0; given < sum && i < rest.size(); ++i, ++given) ++rounded[rest[i].second];
  return rounded;
}

std::vector<std::uint32_t> boundedToSum(std::span<const double> wanted, std::uint64_t sum, std::uint32_t lowest,
                                        std::uint32_t highest) {
  // min(highest, lowest + scale · wanted) grows with the scale: find the one that gives the sum.
  const auto sized = [&](double scale) {
    std::vector<double> sizes;
    for (const double one : wanted) sizes.push_back(std::min<double>(highest, lowest + scale * one));
    return sizes;
  };
  const auto total = [&](double scale) {
    const std::vector<double> sizes = sized(scale);
    return std::accumulate(sizes.begin(), sizes.end(), 0.0);
  };
  double low = 0, high = 1;
  while (total(high) < static_cast<double>(sum) && high < 1e18) high *= 2;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (total(middle) < static_cast<double>(sum) ? low : high) = middle;
  }
  const auto reached = static_cast<std::uint64_t>(std::llround(total(low)));
  std::vector<std::uint32_t> sizes = roundedToSum(sized(low), std::min(sum, reached));
  // Lists without a wish share what is left where the others are full.
  std::uint64_t given = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
  for (bool grew = true; given < sum && grew;) {
    grew = false;
    for (std::uint32_t& size : sizes) {
      if (given == sum) break;
      if (size >= highest) continue;
      ++size, ++given;
      grew = true;
    }
  }
  return sizes;
}

}  // namespace kvatlas::policy
