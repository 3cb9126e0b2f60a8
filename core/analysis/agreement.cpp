#include "core/analysis/agreement.h"

#include <algorithm>
#include <limits>

#include "core/analysis/mass.h"

namespace kvatlas::analysis {
namespace {

bool comparable(const RunData& a, const RunData& b) {
  return a.tokens == b.tokens && a.model.layers == b.model.layers && a.model.query_heads == b.model.query_heads &&
         a.heads() > 0 && b.heads() > 0;
}

double headAgreement(const RunData& a, const RunData& b, LayerIndex layer, std::size_t head_a, std::size_t head_b) {
  if (a.everything() && b.everything()) return 1;
  const auto tokens = static_cast<double>(a.tokens);
  if (a.everything()) return static_cast<double>(b.kept(layer, head_b).size()) / tokens;
  if (b.everything()) return static_cast<double>(a.kept(layer, head_a).size()) / tokens;
  return jaccard(a.kept(layer, head_a), b.kept(layer, head_b));
}

}  // namespace

double agreement(const RunData& a, const RunData& b, LayerIndex layer) {
  if (!comparable(a, b)) return std::numeric_limits<double>::quiet_NaN();
  const std::size_t heads = std::max(a.heads(), b.heads());
  double sum = 0;
  for (std::size_t head = 0; head < heads; ++head)
    sum += headAgreement(a, b, layer, head * a.heads() / heads, head * b.heads() / heads);
  return sum / static_cast<double>(heads);
}

std::vector<double> agreementPerLayer(const RunData& a, const RunData& b) {
  std::vector<double> layers;
  for (std::size_t layer = 0; layer < a.model.layers; ++layer) layers.push_back(agreement(a, b, LayerIndex(layer)));
  return layers;
}

}  // namespace kvatlas::analysis
