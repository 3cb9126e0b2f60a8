// Charts by keyboard: arrow keys move from point to point and line to line, Return does what a click does, and the
// point is said aloud.
#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "tests/views/pages/opened_pages.h"
#include "views/pages/charts/cell_plot.h"
#include "views/pages/charts/layer_charts.h"
#include "views/pages/charts/position_chart.h"
#include "views/pages/charts/ranking_chart.h"
#include "views/pages/charts/span_chart.h"
#include "views/pages/decode/decode_page.h"
#include "views/pages/decode/decode_timeline.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ChartKeysTest : public test::OpenedPagesTest {
 protected:
  template <class Page>
  void show(Page& page) {
    ASSERT_NO_FATAL_FAILURE(showChart(page));
    page.activateWindow();
    ASSERT_TRUE(waitUntil([&] { return page.isActiveWindow(); }));
    if (QWidget* first = QApplication::focusWidget()) first->clearFocus();  // the active window gives it to someone
  }
  static std::string said(const QWidget& plot) { return plot.accessibleDescription().toStdString(); }
  static void press(QWidget& plot, Qt::Key key, int times = 1, Qt::KeyboardModifiers with = {}) {
    for (; times > 0; --times) QTest::keyClick(&plot, key, with);
  }
};

TEST_F(ChartKeysTest, ArrowsWalkAlongALineAndReturnChooses) {
  open();
  m_selection.setFocusRun(3);
  BudgetChart chart(m_document, m_selection);
  show(chart);
  ChartPlot& plot = chart.plot();
  EXPECT_TRUE((plot.focusPolicy() & Qt::TabFocus) != 0);
  EXPECT_THAT(plot.accessibleName().toStdString(), HasSubstr("kept per head"));
  plot.setFocus(Qt::TabFocusReason);
  ASSERT_TRUE(plot.hasFocus());
  EXPECT_THAT(said(plot), HasSubstr("layer 0")) << "starts at the marker, on the line of the run in focus";
  const std::string name = runText(m_document, 3).toStdString();
  EXPECT_THAT(said(plot), StartsWith(name));
  press(plot, Qt::Key_Right, 2);
  EXPECT_THAT(said(plot), StartsWith(name + ", layer 2"));
  EXPECT_EQ(m_selection.layer(), LayerIndex(0)) << "moving chooses nothing";
  press(plot, Qt::Key_Return);
  EXPECT_EQ(m_selection.layer(), LayerIndex(2));
  EXPECT_EQ(m_selection.focusRun(), 3);
  chart.updateNow();
  press(plot, Qt::Key_End);
  EXPECT_THAT(said(plot), HasSubstr("layer 3")) << "new lines keep the place";
  press(plot, Qt::Key_Right);
  EXPECT_THAT(said(plot), HasSubstr("layer 3")) << "stops at the end";
  press(plot, Qt::Key_Home);
  EXPECT_THAT(said(plot), HasSubstr("layer 0"));
}

// From the top line to the bottom one, lines that coincide one after the other.
TEST_F(ChartKeysTest, ArrowsReachEveryLine) {
  open();
  BudgetChart chart(m_document, m_selection);
  show(chart);
  ChartPlot& plot = chart.plot();
  plot.setFocus(Qt::TabFocusReason);
  press(plot, Qt::Key_Up, static_cast<int>(plot.lines().size()));
  std::set<std::string> runs;
  double last = INFINITY;
  for (std::size_t i = 0; i < plot.lines().size(); ++i) {
    const std::string words = said(plot);
    runs.insert(words.substr(0, words.find(',')));
    const double value = std::stod(words.substr(words.find(": ") + 2));
    EXPECT_LE(value, last);
    last = value;
    press(plot, Qt::Key_Down);
  }
  EXPECT_EQ(runs.size(), plot.lines().size());
}

// The mark of the keyboard is drawn while the chart has the focus.
TEST_F(ChartKeysTest, ThePointShows) {
  open();
  BudgetChart chart(m_document, m_selection);
  show(chart);
  ChartPlot& plot = chart.plot();
  const QImage without = plot.grab().toImage();
  plot.setFocus(Qt::TabFocusReason);
  const QImage first = plot.grab().toImage();
  EXPECT_NE(first, without);
  press(plot, Qt::Key_Right);
  EXPECT_NE(plot.grab().toImage(), first);
  plot.clearFocus();
  EXPECT_EQ(plot.grab().toImage(), without);
}

TEST_F(ChartKeysTest, TheRankingChoosesAPosition) {
  open();
  RankingChart chart(m_document, m_selection);
  show(chart);
  chart.plot().setFocus(Qt::TabFocusReason);
  press(chart.plot(), Qt::Key_PageDown);
  ASSERT_THAT(said(chart.plot()), HasSubstr("position "));
  const std::string words = said(chart.plot());
  press(chart.plot(), Qt::Key_Space);
  ASSERT_TRUE(m_selection.cursor());
  EXPECT_EQ(m_selection.cursor()->key, std::stoul(words.substr(words.find("position ") + 9)));
}

TEST_F(ChartKeysTest, PositionsMoveByCell) {
  open();
  m_selection.setFocusRun(1);
  PositionChart chart(m_document, m_selection);
  show(chart);
  CellPlot& plot = chart.plot();
  plot.setFocus(Qt::TabFocusReason);
  EXPECT_THAT(said(plot), HasSubstr("layer 0, position 0: kept by 2 of 2 heads")) << "a sink";
  press(plot, Qt::Key_Right, 5, Qt::ShiftModifier);
  press(plot, Qt::Key_Down, 2);
  EXPECT_THAT(said(plot), HasSubstr("layer 2, position 5:"));
  press(plot, Qt::Key_Return);
  EXPECT_EQ(m_selection.layer(), LayerIndex(2));
  EXPECT_EQ(m_selection.cursor()->key, 5U);
  press(plot, Qt::Key_End);
  EXPECT_THAT(said(plot), HasSubstr("position 255"));
  press(plot, Qt::Key_Up, 9);
  EXPECT_THAT(said(plot), HasSubstr("layer 0, position 255"));
}

TEST_F(ChartKeysTest, TheTimelineMovesByStep) {
  open();
  m_selection.setFocusRun(2);
  DecodePage page(m_document, m_selection);
  show(page);
  CellPlot& plot = page.timeline().plot();
  plot.setFocus(Qt::TabFocusReason);
  press(plot, Qt::Key_Down, 3);
  EXPECT_THAT(said(plot), StartsWith("token 3, position"));
  press(plot, Qt::Key_Return);
  EXPECT_EQ(m_selection.step(), 3U);
  page.updateNow();
  press(plot, Qt::Key_Up);
  EXPECT_THAT(said(plot), StartsWith("token 2, position"));
}

// Between the end of a trace and the next drawing, the chart still has the lines of its runs.
TEST_F(ChartKeysTest, RunsThatAreGoneAreNotAskedFor) {
  open();
  SpanChart chart(m_document, m_selection);
  show(chart);
  ChartPlot& plot = chart.plot();
  plot.setFocus(Qt::TabFocusReason);
  press(plot, Qt::Key_Right);
  EXPECT_NE(said(plot), "");
  m_document.close();
  press(plot, Qt::Key_Right);
  press(plot, Qt::Key_Return);
  for (int x = 0; x < plot.width(); x += 5) {
    QMouseEvent move(QEvent::MouseMove, QPointF(x, plot.height() / 2.0), plot.mapToGlobal(QPointF(x, 0)), Qt::NoButton,
                     Qt::NoButton, Qt::NoModifier);
    QApplication::sendEvent(&plot, &move);
  }
  chart.updateNow();
  EXPECT_TRUE(plot.lines().empty());
}

// A chart without points takes the keys and does nothing.
TEST_F(ChartKeysTest, NothingToPointAt) {
  open();
  m_selection.setFocusRun(0);
  PositionChart chart(m_document, m_selection);
  show(chart);
  CellPlot& plot = chart.plot();
  plot.setFocus(Qt::TabFocusReason);
  for (const Qt::Key key : {Qt::Key_Right, Qt::Key_Down, Qt::Key_End, Qt::Key_Return}) press(plot, key);
  EXPECT_EQ(said(plot), "");
  EXPECT_FALSE(m_selection.cursor().has_value());
}

}  // namespace
}  // namespace kvatlas::views
