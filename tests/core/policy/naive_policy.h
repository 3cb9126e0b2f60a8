// A deliberately naive second implementation of the eviction methods: full attention matrices in double precision,
// integer fractions, stable sorts. Shares only core/policy's plain structs; intentionally slow.
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

// One layer of a random model: the full attention matrix of every query head.
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

struct Request {
  std::string method, pooling = "max", group = "mean";
  int layers = 3, query_heads = 4, kv_heads = 2, tokens = 0, window = 8, budget = 0, kernel = 7, beta = 20, sinks = 4;
  bool kv_granularity = true, paper = false;
};

inline double asFloat(double value) {
  return static_cast<float>(value);
}

// Scores of the tokens before the window, by definition. `rounded`: rounds every intermediate score to float,
// as the implementation does; otherwise all stay in double.
inline Matrix scores(const Request& request, const Matrix& signal, bool rounded) {
  const auto keep = [&](double value) { return rounded ? asFloat(value) : value; };
  const int candidates = request.tokens - request.window, group = request.query_heads / request.kv_heads;
  Matrix joined;
  if (!request.kv_granularity) {
    for (const Row& row : signal) joined.emplace_back(row.begin(), row.begin() + candidates);
  } else {
    for (int kv = 0; kv < request.kv_heads; ++kv) {
      Row row(candidates);
      for (int j = 0; j < candidates; ++j) {
        double sum = 0, highest = -1;
        for (int g = 0; g < group; ++g) {
          sum += signal[kv * group + g][j];
          highest = std::max(highest, signal[kv * group + g][j]);
        }
        row[j] = keep(request.group == "max" ? highest : request.group == "sum" ? sum : sum / group);
      }
      joined.push_back(row);
    }
  }
  if (request.method == "h2o" || request.pooling == "none") return joined;
  Matrix pooled = joined;
  for (std::size_t head = 0; head < joined.size(); ++head)
    for (int j = 0; j < candidates; ++j) {
      double sum = 0, highest = -std::numeric_limits<double>::infinity();
      for (int i = j - request.kernel / 2; i <= j + request.kernel / 2; ++i) {
        if (i < 0 || i >= candidates) continue;
        sum += joined[head][i];
        highest = std::max(highest, joined[head][i]);
      }
      pooled[head][j] = keep(request.pooling == "max" ? highest : sum / request.kernel);
    }
  return pooled;
}

// Kept tokens per layer, window included.
inline std::vector<int> capacities(const Request& request) {
  if (request.method == "full" || request.budget >= request.tokens)
    return std::vector<int>(request.layers, request.tokens);
  std::vector<int> kept(request.layers, request.budget);
  if (request.method != "pyramidkv" || request.layers == 1) return kept;
  const int mean = request.budget - request.window, gaps = request.layers - 1;
  if (request.paper) {
    if (request.tokens < 2 * mean) return kept;
    int low = mean / request.beta, high = 2 * mean - low;
    if (high >= request.tokens - request.window) {
      high = request.tokens - request.window;
      low = 2 * mean - high;
    }
    for (int layer = 0; layer < request.layers; ++layer)
      kept[layer] = high - layer * ((high - low) / gaps) + request.window;
    return kept;
  }
  // The line from C + spread to C − spread, each point rounded to the nearest integer, halves away from C.
  const int spread = std::min(mean - std::max(1, mean / request.beta), request.tokens - request.budget);
  for (int layer = 0; layer < request.layers; ++layer) {
    const int lean = std::abs(gaps - 2 * layer) * spread;  // the offset times gaps
    int nearest = 0;
    for (int offset = 1; offset <= spread; ++offset)
      if (std::abs(offset * gaps - lean) <= std::abs(nearest * gaps - lean)) nearest = offset;
    kept[layer] += 2 * layer < gaps ? nearest : -nearest;
  }
  return kept;
}

// The positions one head keeps, ascending. Methods without scores ignore head_scores.
inline std::vector<std::uint32_t> select(const Request& request, const Row& head_scores, int capacity) {
  std::set<std::uint32_t> kept;
  if (capacity >= request.tokens || request.method == "streamingllm") {
    for (int j = 0; j < request.tokens; ++j)
      if (capacity >= request.tokens || j < request.sinks || j >= request.tokens - (capacity - request.sinks))
        kept.insert(j);
  } else {
    std::vector<std::pair<double, int>> ranked;
    for (std::size_t j = 0; j < head_scores.size(); ++j) ranked.emplace_back(-head_scores[j], static_cast<int>(j));
    std::sort(ranked.begin(), ranked.end());
    for (int i = 0; i < capacity - request.window; ++i) kept.insert(ranked[i].second);
    for (int j = request.tokens - request.window; j < request.tokens; ++j) kept.insert(j);
  }
  return {kept.begin(), kept.end()};
}

}  // namespace kvatlas::policy::naive
