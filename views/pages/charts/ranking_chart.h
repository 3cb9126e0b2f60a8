// The scores of one layer and head in falling order: how steep the ranking is that methods cut off, and where the run
// in focus cuts. Knows document and selection.
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
  // Positions by falling score, and the scores; of the head or heads that are selected.
  struct Ranking {
    std::vector<TokenIndex> order;
    std::vector<float> score;
  };
  using Rankings = std::array<Ranking, 2>;  // received by all queries, by the last ones

  void ask();
  static Rankings read(const trace::Reader& reader, LayerIndex layer, const HeadChoice& head);

  std::optional<Rankings> m_rankings;
  std::vector<std::size_t> m_ranks;  // those that are drawn, of the longest line
  RequestId m_request = 0;
};

// At most about `most` of 0 … count−1, every small one and then evenly on a log scale.
[[nodiscard]] std::vector<std::size_t> logSpaced(std::size_t count, std::size_t most);

}  // namespace kvatlas::views
