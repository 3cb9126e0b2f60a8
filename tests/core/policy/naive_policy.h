// A deliberately naive second implementation of the eviction methods: full attention matrices in double precision,
// integer fractions, stable sorts. Shares nothing with core/policy but its plain structs; slow on purpose.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kvatlas::policy::naive {

using Row = std::vector<double>;
using Matrix = std::vector<Row>;

// One layer of a random model: every query head's whole attention matrix.
struct Layer {
  std::vector<Matrix> attention;  // [query_heads][N][N]
};

inline Layer randomLayer(std::uint32_t seed, int query_heads, int kv_heads, int tokens, int dim) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  const auto draw = [&](int heads) {
    std::vector<Matrix> vectors(heads, Matrix(tokens, Row(dim)));
    for (Matrix& head : vectors)
      for (Row& row : head)
        for (double& x : row) x = normal(random) * 1.4;
    return vectors;
  };
  const auto query = draw(query_heads), key = draw(kv_heads);
  Layer layer{std::vector<Matrix>(query_heads, Matrix(tokens, Row(tokens, 0.0)))};
  for (int h = 0; h < query_heads; ++h)
    for (int i = 0; i < tokens; ++i) {
      double total = 0;
      for (int j = 0; j <= i; ++j) {
        const Row &q = query[h][i], &k = key[h / (query_heads / kv_heads)][j];
        const double logit = std::inner_product(q.begin(), q.end(), k.begin(), 0.0) / std::sqrt(dim);
        total += layer.attention[h][i][j] = std::exp(logit);
      }
      for (int j = 0; j <= i; ++j) layer.attention[h][i][j] /= total;
    }
  return layer;
}

// Σ over the last `rows` queries, for each key: [query_heads][N].
inline Matrix columnSums(const Layer& layer, int rows) {
  Matrix sums;
  for (const Matrix& head : layer.attention) {
    const int tokens = static_cast<int>(head.size());
    Row sum(tokens, 0.0);
    for (int j = 0; j < tokens; ++j)
      for (int i = tokens - rows; i < tokens; ++i) sum[j] += head[i][j];
    sums.push_back(sum);
  }
  return sums;
}

struct Ask {
  std::string method, pooling = "max", group = "mean";
  int layers = 3, query_heads = 4, kv_heads = 2, tokens = 0, window = 8, budget = 0, kernel = 7, beta = 20, sinks = 4;
  bool kv_granularity = true, paper = false;
};

inline double asFloat(double value) {
  return static_cast<float>(value);
}

// Scores of the tokens before the window, by the definitions. `rounded`: every intermediate score is kept as a float,
// which is what a score is; else all stays in double.
inline Matrix scores(const Ask& ask, const Matrix& signal, bool rounded) {
  const auto keep = [&](double value) { return rounded ? asFloat(value) : value; };
  const int candidates = ask.tokens - ask.window, group = ask.query_heads / ask.kv_heads;
  Matrix joined;
  if (!ask.kv_granularity) {
    for (const Row& row : signal) joined.emplace_back(row.begin(), row.begin() + candidates);
  } else {
    for (int kv = 0; kv < ask.kv_heads; ++kv) {
      Row row(candidates);
      for (int j = 0; j < candidates; ++j) {
        double sum = 0, highest = -1;
        for (int g = 0; g < group; ++g) {
          sum += signal[kv * group + g][j];
          highest = std::max(highest, signal[kv * group + g][j]);
        }
        row[j] = keep(ask.group == "max" ? highest : ask.group == "sum" ? sum : sum / group);
      }
      joined.push_back(row);
    }
  }
  if (ask.method == "h2o" || ask.pooling == "none") return joined;
  Matrix pooled = joined;
  for (std::size_t head = 0; head < joined.size(); ++head)
    for (int j = 0; j < candidates; ++j) {
      double sum = 0, highest = -std::numeric_limits<double>::infinity();
      for (int i = j - ask.kernel / 2; i <= j + ask.kernel / 2; ++i) {
        if (i < 0 || i >= candidates) continue;
        sum += joined[head][i];
        highest = std::max(highest, joined[head][i]);
      }
      pooled[head][j] = keep(ask.pooling == "max" ? highest : sum / ask.kernel);
    }
  return pooled;
}

// Kept tokens of each layer, window included.
inline std::vector<int> capacities(const Ask& ask) {
  if (ask.method == "full" || ask.budget >= ask.tokens) return std::vector<int>(ask.layers, ask.tokens);
  std::vector<int> kept(ask.layers, ask.budget);
  if (ask.method != "pyramidkv" || ask.layers == 1) return kept;
  const int mean = ask.budget - ask.window, gaps = ask.layers - 1;
  if (ask.paper) {
    if (ask.tokens < 2 * mean) return kept;
    int low = mean / ask.beta, high = 2 * mean - low;
    if (high >= ask.tokens - ask.window) {
      high = ask.tokens - ask.window;
      low = 2 * mean - high;
    }
    for (int layer = 0; layer < ask.layers; ++layer) kept[layer] = high - layer * ((high - low) / gaps) + ask.window;
    return kept;
  }
  // The line from C + spread to C − spread, each point the nearest whole number, halves away from C.
  const int spread = std::min(mean - std::max(1, mean / ask.beta), ask.tokens - ask.budget);
  for (int layer = 0; layer < ask.layers; ++layer) {
    const int lean = std::abs(gaps - 2 * layer) * spread;  // the offset times gaps
    int nearest = 0;
    for (int offset = 1; offset <= spread; ++offset)
      if (std::abs(offset * gaps - lean) <= std::abs(nearest * gaps - lean)) nearest = offset;
    kept[layer] += 2 * layer < gaps ? nearest : -nearest;
  }
  return kept;
}

// The positions one head keeps, ascending. head_scores is not looked at by methods without scores.
inline std::vector<std::uint32_t> select(const Ask& ask, const Row& head_scores, int capacity) {
  std::set<std::uint32_t> kept;
  if (capacity >= ask.tokens || ask.method == "streamingllm") {
    for (int j = 0; j < ask.tokens; ++j)
      if (capacity >= ask.tokens || j < ask.sinks || j >= ask.tokens - (capacity - ask.sinks)) kept.insert(j);
  } else {
    std::vector<std::pair<double, int>> ranked;
    for (std::size_t j = 0; j < head_scores.size(); ++j) ranked.emplace_back(-head_scores[j], static_cast<int>(j));
    std::sort(ranked.begin(), ranked.end());
    for (int i = 0; i < capacity - ask.window; ++i) kept.insert(ranked[i].second);
    for (int j = ask.tokens - ask.window; j < ask.tokens; ++j) kept.insert(j);
  }
  return {kept.begin(), kept.end()};
}

}  // namespace kvatlas::policy::naive
