#include "core/trace/validate_map.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/trace/schema.h"

namespace kvatlas::trace {
namespace {

// Visible (query, key) pairs of each cell: causal, inside the sliding window, inside the prompt.
std::vector<double> visiblePairs(std::uint64_t tokens, std::uint64_t cell, std::uint64_t sliding) {
  const std::uint64_t side = schema::mapSide(tokens, cell);
  std::vector<double> pairs(side * side, 0.0);
  for (std::uint64_t query = 0; query < tokens; ++query) {
    const std::uint64_t first = sliding > 0 && query + 1 > sliding ? query + 1 - sliding : 0;
    for (std::uint64_t column = first / cell; column <= query / cell; ++column) {
      const std::uint64_t begin = std::max(column * cell, first), end = std::min((column + 1) * cell, query + 1);
      pairs[query / cell * side + column] += double(end - begin);
    }
  }
  return pairs;
}

struct Level {
  std::uint64_t side = 0;
  std::vector<float> mean, max;
  std::vector<double> pairs;
};

std::string checkLevel(const Level& level, bool max) {
  const std::vector<float>& cells = max ? level.max : level.mean;
  for (std::size_t at = 0; at < cells.size(); ++at) {
    if (cells[at] > 0 && level.pairs[at] == 0)
      return fmt::format("cell {}, {} has a value where no query sees a key", at / level.side, at % level.side);
    if (!max && !level.max.empty() && cells[at] > level.max[at] * 1.001F) {
      return fmt::format("cell {}, {} has a mean above its maximum", at / level.side, at % level.side);
    }
  }
  return "";
}

std::string checkSum(const Level& level, double tokens, double tolerance) {
  double sum = 0;
  for (std::size_t at = 0; at < level.mean.size(); ++at) sum += level.mean[at] * level.pairs[at];
  return std::abs(sum - tokens) <= tokens * tolerance
             ? ""
             : fmt::format("holds a mass of {}, the number of queries is {}", sum, tokens);
}

// One coarse cell from the up to four fine ones below it.
double coarse(const Level& fine, const std::vector<float>& cells, std::uint64_t row, std::uint64_t column, bool max) {
  double best = 0, sum = 0, pairs = 0;
  for (std::uint64_t r = 2 * row; r < std::min(2 * row + 2, fine.side); ++r) {
    for (std::uint64_t c = 2 * column; c < std::min(2 * column + 2, fine.side); ++c) {
      best = std::max<double>(best, cells[r * fine.side + c]);
      sum += cells[r * fine.side + c] * fine.pairs[r * fine.side + c];
      pairs += fine.pairs[r * fine.side + c];
    }
  }
  return max ? best : pairs > 0 ? sum / pairs : 0;
}

std::string checkStep(const Level& fine, const Level& level, bool max) {
  const std::vector<float>& from = max ? fine.max : fine.mean;
  const std::vector<float>& cells = max ? level.max : level.mean;
  for (std::size_t at = 0; !from.empty() && at < cells.size(); ++at) {
    const double expected = coarse(fine, from, at / level.side, at % level.side, max);
    if (std::abs(expected - cells[at]) <= 1e-3 * expected + 1e-9) continue;
    return fmt::format("cell {}, {} is {}, the finer level gives {}", at / level.side, at % level.side, cells[at],
                       expected);
  }
  return "";
}

}  // namespace

std::vector<MapProblem> checkMaps(const Reader& reader, LayerIndex layer, HeadIndex head, double tolerance) {
  std::vector<MapProblem> problems;
  const auto note = [&](bool max, std::size_t level, const std::string& problem) {
    if (!problem.empty() && (problems.empty() || problems.back().member != schema::mapPath(max, level))) {
      problems.push_back({schema::mapPath(max, level), problem});
    }
  };
  const TraceHeader& header = reader.header();
  Level finer;
  for (std::size_t k = 0; k < header.attention.cells.size(); ++k) {
    const std::uint64_t cell = header.attention.cells[k];
    Level level{.side = schema::mapSide(reader.tokens(), cell),
                .mean = reader.map(layer, head, Reduction::Mean, k).value_or(std::vector<float>()),
                .max = reader.map(layer, head, Reduction::Max, k).value_or(std::vector<float>()),
                .pairs = visiblePairs(reader.tokens(), cell, header.model.sliding_window)};
    for (const bool max : {false, true}) {
      note(max, k, checkLevel(level, max));
      if (k > 0 && cell == 2 * header.attention.cells[k - 1]) note(max, k, checkStep(finer, level, max));
    }
    if (k == 0 && !level.mean.empty()) note(false, k, checkSum(level, double(reader.tokens()), tolerance));
    finer = std::move(level);
  }
  return problems;
}

}  // namespace kvatlas::trace
