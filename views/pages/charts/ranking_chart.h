// The scores of one layer and head in descending order: how steep the ranking is,
// and where the budget of the focused run cuts it off.
#pragma once

#include <array>

#include "views/pages/charts/run_chart.h"

namespace kvatlas::views {

class RankingChart : public RunChart {
  Q_OBJECT
 public:
  RankingChart(Document& document, Selection& selection, QWidget* parent = nullptr);

 protected:
  void fillLines() override;
  void choose(const ChartPoint& point) override;
  [[nodiscard]] QString describe(const ChartPoint& point) const override;

 private:
  // Positions by descending score, and the scores, of the selected head or heads.
  struct Ranking {
    std::vector<TokenIndex> order;
    std::vector<float> score;
  };
  using Rankings = std::array<Ranking, 2>;  // attention received from all queries, and from the last ones

  void requestRankings();
  static Rankings read(const trace::Reader& reader, LayerIndex layer, const HeadChoice& head);

  std::optional<Rankings> m_rankings;
  std::vector<std::size_t> m_ranks;  // ranks drawn, of the longest line
  RequestId m_request = 0;
};

// About `most` of the ranks 0 … count−1: every small rank, then evenly spaced on a log scale.
[[nodiscard]] std::vector<std::size_t> logSpaced(std::size_t count, std::size_t most);

}  // namespace kvatlas::views
