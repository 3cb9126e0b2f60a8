// Leverage of keys and values as CurDKV estimates it (Sengupta et al., arXiv:2509.15038): squared norms, each as a
// share of its neighbourhood, multiplied. The first tokens are always kept.
#include <algorithm>

#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {{.name = "of",
                                          .values = "product|mean|key|value",
                                          .default_value = "product",
                                          .paper_value = "product",
                                          .meaning = "how the shares of keys and values are joined"},
                                         {.name = "local",
                                          .values = "a whole number from 0 to 65536",
                                          .default_value = "16",
                                          .paper_value = "16",
                                          .meaning = "tokens of a neighbourhood, 0: the whole prompt",
                                          .kind = ParameterKind::Integer,
                                          .lowest = 0,
                                          .highest = 65536},
                                         sinksParameter("first tokens, always kept", true)};

// Squared norms of one head's row as shares of their neighbourhood.
std::vector<double> shares(std::span<const float> norms, std::size_t local) {
  std::vector<double> share;
  for (const float norm : norms) share.push_back(static_cast<double>(norm) * static_cast<double>(norm));
  if (local == 0) return share;
  for (std::size_t begin = 0; begin < share.size(); begin += local) {
    const std::size_t end = std::min(begin + local, share.size());
    double sum = 0;
    for (std::size_t j = begin; j < end; ++j) sum += share[j];
    for (std::size_t j = begin; j < end; ++j) share[j] = sum > 0 ? share[j] / sum : 0.0;
  }
  return share;
}

double joined(std::string_view how, double key, double value) {
  if (how == "key") return key;
  if (how == "value") return value;
  return how == "mean" ? (key + value) / 2 : key * value;
}

LayerScores score(const Setting& setting, LayerIndex, const LayerSignals& signals) {
  LayerScores scores = emptyScores(setting);
  const auto local = static_cast<std::size_t>(integerParameter(setting, "local"));
  const std::string_view how = textParameter(setting, "of");
  for (std::uint32_t head = 0; head < scores.heads; ++head) {
    const std::vector<double> key = shares(kvRow(setting, signals[Signal::KeyNorm], head), local),
                              value = shares(kvRow(setting, signals[Signal::ValueNorm], head), local);
    std::vector<double> product;
    for (std::size_t j = 0; j < key.size(); ++j) product.push_back(joined(how, key[j], value[j]));
    double sum = 0;
    for (const double one : product) sum += one;
    for (std::uint32_t j = 0; j < scores.candidates; ++j)
      scores.values.push_back(static_cast<float>(sum > 0 ? product[j] / sum : 0.0));
  }
  putFirst(setting, 1.0F, scores);
  return scores;
}

}  // namespace

ScorePart curScore() {
  return {.name = "cur",
          .meaning = "squared norms of key and value as shares of their neighbourhood",
          .needs = {Signal::KeyNorm, Signal::ValueNorm},
          .parameters = kParameters,
          .score = score};
}

}  // namespace kvatlas::policy
