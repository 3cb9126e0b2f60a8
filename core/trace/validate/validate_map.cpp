#include "core/trace/validate/validate_map.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "core/base/error.h"
#include "core/trace/schema.h"

namespace kvatlas::trace {
namespace {

// Visible (query, key) pairs of each cell: causal, inside the sliding window, inside the prompt.
std::vector<float> visiblePairs(std::uint64_t tokens, std::uint64_t cell, std::uint64_t sliding) {
  const std::uint64_t side = schema::mapSide(tokens, cell);
  std::vector<float> pairs(side * side, 0.0F);
  for (std::uint64_t query = 0; query < tokens; ++query) {
    const std::uint64_t first = sliding > 0 && query + 1 > sliding ? query + 1 - sliding : 0;
    for (std::uint64_t column = first / cell; column <= query / cell; ++column) {
      const std::uint64_t begin = std::max(column * cell, first), end = std::min((column + 1) * cell, query + 1);
      pairs[query / cell * side + column] += static_cast<float>(end - begin);
    }
  }
  return pairs;
}

struct Level {
  std::uint64_t side = 0;
  std::vector<float> mean, max;
  std::span<const float> pairs;
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
  for (std::size_t at = 0; at < level.mean.size(); ++at) sum += double(level.mean[at]) * double(level.pairs[at]);
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
      sum += double(cells[r * fine.side + c]) * double(fine.pairs[r * fine.side + c]);
      pairs += double(fine.pairs[r * fine.side + c]);
    }
  }
  return max ? best : pairs > 0 ? sum / pairs : 0;
}

std::string checkStep(const Level& fine, const Level& level, bool max) {
  const std::vector<float>& from = max ? fine.max : fine.mean;
  const std::vector<float>& cells = max ? level.max : level.mean;
  if (from.empty() || cells.empty()) return "";
  for (std::uint64_t row = 0; row < level.side; ++row) {
    for (std::uint64_t column = 0; column <= row; ++column) {
      const double expected = coarse(fine, from, row, column, max);
      const double stored = cells[row * level.side + column];
      if (std::abs(expected - stored) <= 1e-3 * expected + 1e-9) continue;
      return fmt::format("cell {}, {} is {}, expected {} from the finer level", row, column, stored, expected);
    }
  }
  return "";
}

}  // namespace

MapCheck::MapCheck(const Reader& reader, double tolerance) : m_reader(reader), m_tolerance(tolerance) {
  const TraceHeader& header = reader.header();
  for (const std::uint64_t cell : header.attention.cells)
    m_pairs.push_back(visiblePairs(reader.tokens(), cell, header.model.sliding_window));
}

std::vector<MapProblem> MapCheck::check(LayerIndex layer, HeadIndex head) const {
  std::vector<MapProblem> problems;
  const auto note = [&](bool max, std::size_t level, const std::string& problem) {
    if (!problem.empty() && (problems.empty() || problems.back().member != schema::mapPath(max, level))) {
      problems.push_back({schema::mapPath(max, level), problem});
    }
  };
  const std::vector<std::uint64_t>& cells = m_reader.header().attention.cells;
  const double tokens = double(m_reader.tokens());
  Level finer;
  for (std::size_t k = 0; k < cells.size(); ++k) {
    Level level{.side = schema::mapSide(m_reader.tokens(), cells[k]),
                .mean = m_reader.map(layer, head, Reduction::Mean, k).value_or(std::vector<float>()),
                .max = m_reader.map(layer, head, Reduction::Max, k).value_or(std::vector<float>()),
                .pairs = m_pairs[k]};
    for (const bool max : {false, true}) {
      note(max, k, checkLevel(level, max));
      if (k > 0 && cells[k] == 2 * cells[k - 1]) note(max, k, checkStep(finer, level, max));
    }
    if (k == 0 && !level.mean.empty()) note(false, k, checkSum(level, tokens, m_tolerance));
    finer = std::move(level);
  }
  return problems;
}

}  // namespace kvatlas::trace
