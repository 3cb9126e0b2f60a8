#include "views/pages/charts/ranking_chart.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr std::size_t kMostPoints = 1500;
constexpr double kLeast = 1e-12;  // below that a ranking is rounding, and the rest of it would be a sliver
constexpr std::array kSignals{trace::Signal::Received, trace::Signal::WindowSum};
constexpr std::array kMethods{"h2o", "snapkv"};  // the methods that read them give the colours

QString signalTitle(std::size_t which) {
  return which == 0 ? RankingChart::tr("of all queries (H2O)")
                    : RankingChart::tr("of the last ones (SnapKV, PyramidKV)");
}

}  // namespace

std::vector<std::size_t> logSpaced(std::size_t count, std::size_t most) {
  std::vector<std::size_t> ranks;
  const double step = count > 1 ? std::log(static_cast<double>(count)) / static_cast<double>(most) : 1;
  double next = 0;
  for (std::size_t rank = 0; rank < count; ++rank) {
    if (std::log(static_cast<double>(rank + 1)) + 1e-12 < next && rank + 1 < count) continue;
    ranks.push_back(rank);
    next = std::log(static_cast<double>(rank + 1)) + step;
  }
  return ranks;
}

RankingChart::RankingChart(Document& document, Selection& selection, QWidget* parent)
    : RunChart(document, selection, parent) {
  const auto forget = [this] {
    m_rankings.reset();
    refill();
  };
  for (const auto signal : {&Document::opened, &Document::refreshed, &Document::closed})
    connect(&document, signal, this, forget);
  for (const auto signal : {&Selection::reset, &Selection::layerChanged, &Selection::headChanged})
    connect(&selection, signal, this, forget);
}

RankingChart::Rankings RankingChart::read(const trace::Reader& reader, LayerIndex layer, const HeadChoice& head) {
  Rankings rankings;
  for (std::size_t which = 0; which < kSignals.size(); ++which) {
    std::vector<std::vector<float>> rows;
    for (const HeadIndex one : headsOf(head, reader.header().model))
      if (auto row = reader.hasLayer(layer) ? reader.signalOfHead(layer, kSignals[which], one) : std::nullopt)
        rows.push_back(std::move(*row));
    if (rows.empty() || rows.size() != headsOf(head, reader.header().model).size()) continue;
    const std::vector<float> values = joinHeads(head, rows);
    Ranking& ranking = rankings[which];
    ranking.order.resize(values.size());
    std::iota(ranking.order.begin(), ranking.order.end(), TokenIndex{0});
    std::ranges::stable_sort(ranking.order, [&](TokenIndex a, TokenIndex b) { return values[a] > values[b]; });
    for (const TokenIndex position : ranking.order) ranking.score.push_back(values[position]);
  }
  return rankings;
}

void RankingChart::ask() {
  document().thread().cancel(m_request);
  m_request = document().post(
      {Priority::Soon},
      [layer = selection().layer(), head = selection().head()](const trace::Reader& reader) {
        return read(reader, layer, head);
      },
      this,
      [this](Answer<Rankings> answer) {
        if (!answer) return plot().setMessage(QString::fromStdString(answer.error));
        m_rankings = std::move(*answer.value);
        refill();
      });
}

void RankingChart::fillLines() {
  plot().setTitles(tr("rank of the position"), tr("received mass"));
  plot().setLogarithmic(true, true);
  if (!m_rankings) return ask();
  std::vector<ChartLine> lines;
  m_ranks.clear();
  for (std::size_t which = 0; which < m_rankings->size(); ++which) {
    const Ranking& ranking = (*m_rankings)[which];
    if (ranking.order.empty()) continue;
    m_ranks = logSpaced(ranking.order.size(), kMostPoints);
    ChartLine line;
    line.id = static_cast<int>(which);
    line.title = signalTitle(which);
    line.colour = toColour(methodColour(kMethods[which], themeOf(palette())));
    for (const std::size_t rank : m_ranks) {
      const auto score = static_cast<double>(ranking.score[rank]);
      line.x.push_back(static_cast<double>(rank + 1));
      line.y.push_back(score > kLeast ? score : std::nan(""));
    }
    lines.push_back(std::move(line));
  }
  if (lines.empty()) plot().setMessage(tr("this layer was not recorded"));
  plot().setLines(std::move(lines));
  const RunPointer focus = document().hasRun(selection().focusRun()) ? document().run(selection().focusRun()) : nullptr;
  std::optional<double> cut;
  if (focus && !focus->everything())
    if (const auto stored = storedHeadOf(selection().head(), focus->heads(), focus->model))
      cut = static_cast<double>(focus->kept(selection().layer(), *stored).size());
  plot().setMarker(cut);
}

void RankingChart::choose(const ChartPoint& point) {
  if (!m_rankings || point.index >= m_ranks.size()) return;
  const TokenIndex key = (*m_rankings)[static_cast<std::size_t>(point.line)].order[m_ranks[point.index]];
  const auto last = static_cast<TokenIndex>(document().tokens() - 1);
  selection().setCursor(Cell{std::max(selection().cursor() ? selection().cursor()->query : last, key), key});
}

QString RankingChart::describe(const ChartPoint& point) const {
  if (!m_rankings || point.index >= m_ranks.size()) return {};
  const TokenIndex key = (*m_rankings)[static_cast<std::size_t>(point.line)].order[m_ranks[point.index]];
  return tr("rank %1: position %2, mass %3").arg(point.x).arg(key).arg(point.y, 0, 'g', 4);
}

}  // namespace kvatlas::views
