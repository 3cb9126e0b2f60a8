// Charts and run tables over a sample trace: their numbers against the trace, and the effect of clicks.
#include <gmock/gmock.h>

#include <qcustomplot.h>
#include <QSlider>
#include <QTreeWidget>
#include <algorithm>
#include <cmath>
#include <set>

#include "tests/support/sample_results.h"
#include "tests/views/pages/opened_pages.h"
#include "views/pages/agreement_page.h"
#include "views/pages/charts/cell_plot.h"
#include "views/pages/charts/layer_charts.h"
#include "views/pages/charts/position_chart.h"
#include "views/pages/charts/ranking_chart.h"
#include "views/pages/charts/span_chart.h"
#include "views/pages/decode/decode_page.h"
#include "views/pages/decode/decode_timeline.h"
#include "views/pages/runs_page.h"

namespace kvatlas::views {
namespace {

class ChartsTest : public test::OpenedPagesTest {
 protected:
  static const ChartLine& lineOf(RunChart& chart, int id) {
    for (const ChartLine& line : chart.plot().lines())
      if (line.id == id) return line;
    throw std::runtime_error("no such line");
  }
  static void clickPoint(ChartPlot& plot, double x, double y) {
    const QPoint at(qRound(plot.xAxis->coordToPixel(x)), qRound(plot.yAxis->coordToPixel(y)));
    QTest::mouseClick(&plot, Qt::LeftButton, {}, at);
  }
};

TEST_F(ChartsTest, TheBudgetIsTheMeanCapacityOfEachLayer) {
  open();
  BudgetChart chart(m_document, m_selection);
  showChart(chart);
  EXPECT_EQ(chart.plot().lines().size(), m_sample.runs.size() - 1) << "one line for every run but the full one";
  const std::size_t heads = m_sample.header.runs[3].heads;
  const ChartLine& line = lineOf(chart, 3);
  ASSERT_EQ(line.y.size(), m_sample.header.model.layers);
  for (std::size_t layer = 0; layer < line.y.size(); ++layer) {
    double sum = 0;
    for (std::size_t head = 0; head < heads; ++head) sum += m_sample.runs[3].capacity[layer * heads + head];
    EXPECT_DOUBLE_EQ(line.y[layer], sum / static_cast<double>(heads));
  }
}

TEST_F(ChartsTest, TheHeadBudgetIsTheCapacityOfEachHeadOfTheLayer) {
  open();
  m_selection.setLayer(LayerIndex(1));
  HeadBudgetChart chart(m_document, m_selection);
  showChart(chart);
  const std::size_t query_heads = m_sample.header.model.query_heads;
  const auto expectLayer = [&](std::size_t layer) {
    for (std::size_t run = 1; run < m_sample.runs.size(); ++run) {
      const std::size_t heads = m_sample.header.runs[run].heads;
      const ChartLine& line = lineOf(chart, static_cast<int>(run));
      ASSERT_EQ(line.y.size(), query_heads);
      for (std::size_t head = 0; head < query_heads; ++head)
        EXPECT_EQ(line.y[head], m_sample.runs[run].capacity[layer * heads + head / (query_heads / heads)]);
    }
  };
  expectLayer(1);
  m_selection.setLayer(LayerIndex(2));
  QApplication::processEvents();
  expectLayer(2);
  const ChartLine& line = lineOf(chart, 8);
  clickPoint(chart.plot(), 3, line.y[3]);
  EXPECT_EQ(m_selection.head(), (HeadChoice{HeadChoice::QueryHead, 3}));
  EXPECT_DOUBLE_EQ(lineOf(chart, m_selection.focusRun()).y[3], line.y[3]);
}

TEST_F(ChartsTest, TheMarkerFollowsTheSelectedLayer) {
  open();
  BudgetChart chart(m_document, m_selection);
  showChart(chart);
  // Dashes from top to bottom, darker than the grid line at the same x.
  const auto marked = [&](int layer) {
    const ChartPlot& plot = chart.plot();
    const QImage image = chart.plot().grab().toImage();
    const int x = qRound(plot.xAxis->coordToPixel(layer));
    const QRect area = plot.axisRect()->rect();
    int dark = 0;
    for (int y = area.top() + 2; y < area.bottom() - 2; ++y) dark += image.pixelColor(x, y).lightness() < 150 ? 1 : 0;
    return dark > area.height() / 4;
  };
  for (const std::size_t layer : {1U, 2U, 1U}) {
    m_selection.setLayer(LayerIndex(layer));
    QApplication::processEvents();
    for (int each = 1; each < 3; ++each) EXPECT_EQ(marked(each), each == static_cast<int>(layer)) << each;
  }
}

TEST_F(ChartsTest, AClickOnAPointSelectsItsLayerAndRun) {
  open();
  BudgetChart chart(m_document, m_selection);
  showChart(chart);
  const ChartLine& line = lineOf(chart, 8);  // the last line, which coincides with no other
  clickPoint(chart.plot(), 2, line.y[2]);
  EXPECT_EQ(m_selection.layer(), LayerIndex(2));
  const RunId focus = m_selection.focusRun();
  EXPECT_DOUBLE_EQ(lineOf(chart, focus).y[2], line.y[2]) << "some run at exactly this point";
}

// Methods with the same budget in every layer coincide: each stays visible, and the pointer finds each.
TEST_F(ChartsTest, CoincidingLinesAlternate) {
  ChartPlot plot;
  plot.resize(700, 240);
  const std::array colours{QColor(200, 0, 0), QColor(0, 160, 0), QColor(0, 0, 200)};
  std::vector<ChartLine> lines(4);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i].id = static_cast<int>(i) + 10;
    lines[i].colour = i < 3 ? colours[i] : QColor(120, 120, 120);
    lines[i].x = {0, 1, 2, 3, 4, 5};
    lines[i].y = std::vector<double>(6, i < 3 ? 50.0 : 80.0);
  }
  const std::vector<Coincidence> shared = coincidences(lines);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(shared[i].count, 3U);
    EXPECT_EQ(shared[i].rank, i);
  }
  EXPECT_EQ(shared[3].count, 1U);
  plot.setLines(lines);
  plot.show();
  plot.replot();
  const QImage image = plot.grab().toImage();
  const int y = qRound(plot.yAxis->coordToPixel(50));
  for (const QColor& colour : colours) {
    int seen = 0;
    for (int x = 0; x < image.width(); ++x) {
      int nearest = 765;
      for (int dy = -1; dy <= 1; ++dy) {
        const QColor at = image.pixelColor(x, y + dy);
        nearest = std::min(nearest, std::abs(at.red() - colour.red()) + std::abs(at.green() - colour.green()) +
                                        std::abs(at.blue() - colour.blue()));
      }
      seen += nearest < 60 ? 1 : 0;
    }
    EXPECT_GT(seen, image.width() / 6) << colour.name().toStdString();
  }
  for (int i = 0; i < 6; ++i) {
    const auto point = plot.nearest({plot.xAxis->coordToPixel(i), plot.yAxis->coordToPixel(50)});
    ASSERT_TRUE(point);
    EXPECT_EQ(point->line, 10 + i % 3);
  }
  lines[1].strong = true;  // focused: solid, above the others
  EXPECT_EQ(coincidences(lines)[1].count, 1U);
  EXPECT_EQ(coincidences(lines)[2].count, 2U);
}

TEST_F(ChartsTest, RetainedMassIsAMeanOverStepsAndHeads) {
  open();
  m_selection.setFocusRun(2);
  RetainedChart chart(m_document, m_selection);
  showChart(chart);
  const trace::ModelInfo& model = m_sample.header.model;
  const auto& values = m_sample.runs[2].retained;
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    if ((i / model.query_heads) % model.layers == 1 && !std::isnan(values[i])) {
      sum += static_cast<double>(values[i]);
      ++count;
    }
  EXPECT_NEAR(lineOf(chart, 2).y[1], sum / static_cast<double>(count), 1e-12);
  const ChartLine& oracle = lineOf(chart, -2);
  for (std::size_t layer = 0; layer < oracle.y.size(); ++layer)
    EXPECT_GE(oracle.y[layer] + 1e-6, lineOf(chart, 2).y[layer]) << "no set of equal size retains more";
}

// Counted token by token.
TEST_F(ChartsTest, TheSpanChartSaysWhichLayersKeepIt) {
  m_sample = test::makeSampleTrace({.budgets = {32, 64}});
  m_sample.header.prompt.spans = {{40, 52, "needle"}, {100, 180, "passage"}};
  openSample();
  SpanChart chart(m_document, m_selection);
  showChart(chart);
  const auto expectShares = [&](TokenIndex begin, TokenIndex end) {
    for (const RunId id : {1, 4, 7}) {
      const RunPointer run = m_document.run(id);
      const ChartLine& line = lineOf(chart, id);
      ASSERT_EQ(line.y.size(), 4U);
      for (std::size_t layer = 0; layer < 4; ++layer) {
        int kept = 0;
        for (std::size_t head = 0; head < run->heads(); ++head)
          for (TokenIndex token = begin; token < end; ++token)
            kept += run->keeps(LayerIndex(layer), head, token) ? 1 : 0;
        EXPECT_DOUBLE_EQ(line.y[layer], kept / static_cast<double>((end - begin) * run->heads())) << id;
      }
    }
  };
  expectShares(40, 52);
  choose(chart, "spanChartSpan", 1);
  QApplication::processEvents();
  expectShares(100, 180);
  EXPECT_TRUE(chart.csv().contains(QStringLiteral("kept of passage")));
  clickPoint(chart.plot(), 3, lineOf(chart, 8).y[3]);
  EXPECT_EQ(m_selection.layer(), LayerIndex(3));
  // The name of the span stands above the chart: a low one does without it at its axis.
  chart.resize(400, 600);
  QApplication::processEvents();
  EXPECT_EQ(chart.plot().yAxis->label(), QStringLiteral("kept of passage"));
  chart.plot().setFixedHeight(100);
  QApplication::processEvents();
  EXPECT_EQ(chart.plot().yAxis->label(), QStringLiteral("kept"));
}

TEST_F(ChartsTest, HiddenRunsHaveNoLine) {
  open();
  BudgetChart chart(m_document, m_selection);
  showChart(chart);
  m_selection.setHidden(4, true);
  chart.updateNow();
  EXPECT_THROW((void)lineOf(chart, 4), std::runtime_error);
  EXPECT_NO_THROW((void)lineOf(chart, 3));
}

TEST_F(ChartsTest, TheRankingFallsAndIsTheSignalSorted) {
  open();
  m_selection.setLayer(LayerIndex(1));
  m_selection.setHead({HeadChoice::QueryHead, 2});
  RankingChart chart(m_document, m_selection);
  showChart(chart);
  std::vector<float> received(m_sample.layers[1].values[Signal::Received].begin() + 2 * 256,
                              m_sample.layers[1].values[Signal::Received].begin() + 3 * 256);
  const auto best = static_cast<TokenIndex>(std::ranges::max_element(received) - received.begin());
  std::ranges::sort(received, std::greater<>());
  const ChartLine& line = lineOf(chart, 0);
  for (std::size_t i = 0; i < line.x.size(); ++i) {
    const float expected = received[static_cast<std::size_t>(line.x[i]) - 1];
    if (expected > 0) {
      EXPECT_FLOAT_EQ(static_cast<float>(line.y[i]), expected);
    }
  }
  EXPECT_EQ(line.x.back(), 256);
  clickPoint(chart.plot(), 1, line.y[0]);
  ASSERT_TRUE(m_selection.cursor().has_value());
  EXPECT_EQ(m_selection.cursor()->key, best);
}

TEST_F(ChartsTest, AClickOnAKeptPositionMovesTheCursorThere) {
  open();
  m_selection.setFocusRun(1);
  PositionChart chart(m_document, m_selection);
  showChart(chart);
  QCustomPlot& plot = chart.plot();
  QTest::mouseClick(&plot, Qt::LeftButton, {},
                    QPoint(qRound(plot.xAxis->coordToPixel(100.5)), qRound(plot.yAxis->coordToPixel(3))));
  ASSERT_TRUE(m_selection.cursor().has_value());
  EXPECT_NEAR(m_selection.cursor()->key, 100, 1);
  EXPECT_EQ(m_selection.layer(), LayerIndex(3));
  // One mark per position that some head keeps.
  std::size_t marks = 0;
  const trace::RunRecord& run = m_sample.runs[1];
  for (std::size_t layer = 0; layer < 4; ++layer) {
    std::set<TokenIndex> kept;
    for (std::size_t head = 0; head < 2; ++head)
      kept.insert(run.kept_positions.begin() + static_cast<std::ptrdiff_t>(run.kept_offsets[layer * 2 + head]),
                  run.kept_positions.begin() + static_cast<std::ptrdiff_t>(run.kept_offsets[layer * 2 + head + 1]));
    marks += kept.size();
  }
  EXPECT_EQ(chart.csv().count(QLatin1Char('\n')), static_cast<qsizetype>(marks) + 1);
}

// A name with quotes, as in a trace of other software.
TEST_F(ChartsTest, QuotesInNamesDoNotBreakTheTables) {
  m_sample = test::makeSampleTrace();
  m_sample.header.runs[2].method = "so-called \"best\"";
  openSample();
  m_selection.setFocusRun(1);
  const QString quoted = QStringLiteral("\"so-called \"\"best\"\" 32\",");
  BudgetChart budget(m_document, m_selection);
  showChart(budget);
  EXPECT_TRUE(budget.csv().contains(quoted));
  DecodePage decode(m_document, m_selection);
  showChart(decode);
  EXPECT_TRUE(decode.csv().contains(quoted)) << decode.csv().toStdString();
  AgreementPage agreement(m_document, m_selection);
  EXPECT_TRUE(agreement.csv().contains(quoted)) << agreement.csv().toStdString();
}

TEST_F(ChartsTest, TheListOfRunsShowsHidesAndFocuses) {
  open();
  RunsPage page(m_document, m_selection);
  page.resize(320, 300);
  page.show();
  ASSERT_TRUE(waitUntil([&] { return page.topLevelItemCount() == 9; }));
  QTreeWidgetItem* item = page.itemOf(5);
  ASSERT_NE(item, nullptr);
  item->setCheckState(0, Qt::Unchecked);
  EXPECT_TRUE(m_selection.isHidden(5));
  m_selection.setHidden(5, false);
  EXPECT_EQ(item->checkState(0), Qt::Checked);
  QTest::mouseClick(page.viewport(), Qt::LeftButton, {}, page.visualItemRect(page.itemOf(7)).center());
  EXPECT_EQ(m_selection.focusRun(), 7);
  EXPECT_EQ(page.itemOf(7)->text(1).toInt(), qRound(m_sample.runs[7].budget_realised));
}

TEST_F(ChartsTest, TheStepSliderMovesTheSelection) {
  open();
  DecodePage page(m_document, m_selection);
  showChart(page);
  EXPECT_EQ(page.slider().maximum(), 5);
  EXPECT_EQ(page.table().topLevelItemCount(), 9);
  page.slider().setFocus();
  QTest::keyClick(&page.slider(), Qt::Key_Right);
  QTest::keyClick(&page.slider(), Qt::Key_Right);
  EXPECT_EQ(m_selection.step(), 2U);
}

TEST_F(ChartsTest, TheTimelineOfGeneratedTokensMovesStepAndCursor) {
  open();
  m_selection.setFocusRun(2);
  DecodePage page(m_document, m_selection);
  showChart(page);
  QCustomPlot& plot = page.timeline().plot();
  EXPECT_EQ(page.timeline().grid().held.rows, 6U);
  const QPoint at(qRound(plot.xAxis->coordToPixel(120.5)), qRound(plot.yAxis->coordToPixel(3)));
  QTest::mouseClick(&plot, Qt::LeftButton, {}, at);
  EXPECT_EQ(m_selection.step(), 3U);
  ASSERT_TRUE(m_selection.cursor().has_value());
  EXPECT_NEAR(m_selection.cursor()->key, 120, 2);
}

}  // namespace
}  // namespace kvatlas::views
