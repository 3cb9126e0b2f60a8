// The question that the window is for, answered with the mouse alone: which layers lose the needle under one run, and
// why another keeps it.
#include <gmock/gmock.h>

#include <QDockWidget>
#include <QPlainTextEdit>
#include <QTabBar>
#include <QTextBrowser>

#include "tests/app/explorer/audited_window.h"
#include "views/pages/charts/span_chart.h"
#include "views/pages/runs_page.h"
#include "views/pages/tokens_page.h"

namespace kvatlas::app {
namespace {

using ::testing::HasSubstr;

class StoryTest : public AuditedWindow {
 protected:
  void clickTab(const QString& text) {
    for (auto* tabs : m_window->findChildren<QTabBar*>())
      for (int i = 0; i < tabs->count(); ++i)
        if (tabs->tabText(i) == text) {
          QTest::mouseClick(tabs, Qt::LeftButton, {}, tabs->tabRect(i).center());
          ASSERT_TRUE(settle(*m_window));
          return;
        }
    FAIL() << "no tab " << text.toStdString();
  }
  views::RunId runOf(const std::string& method) {
    for (const views::RunId run : m_window->document().runIds())
      if (m_window->document().runHeader(run).method == method) return run;
    return views::kNoRun;
  }
  // The words beside the pointer at a point of a run's line.
  std::string hovered(views::ChartPlot& plot, views::RunId run, std::size_t layer) {
    for (const views::ChartLine& line : plot.lines()) {
      if (line.id != run) continue;
      const QPoint at(qRound(plot.xAxis->coordToPixel(line.x[layer])), qRound(plot.yAxis->coordToPixel(line.y[layer])));
      QMouseEvent move(QEvent::MouseMove, at, plot.mapToGlobal(at), Qt::NoButton, Qt::NoButton, {});
      QApplication::sendEvent(&plot, &move);
      m_point = at;
      return plot.accessibleDescription().toStdString();
    }
    return {};
  }
  void clickWord(TokenIndex token) {
    QPlainTextEdit& text = m_window->pages().tokens().text();
    for (int at = 0; at < text.document()->characterCount(); ++at) {
      if (m_window->pages().tokens().tokenAt(at) != token) continue;
      QTextCursor cursor(text.document());
      cursor.setPosition(at);
      text.setTextCursor(cursor);
      text.centerCursor();
      QApplication::processEvents();
      QTest::mouseClick(text.viewport(), Qt::LeftButton, {}, text.cursorRect(cursor).center() + QPoint(2, 0));
      return;
    }
    FAIL() << "no text of token " << token;
  }
  QPoint m_point;
};

TEST_F(StoryTest, ThreeClicksFromTheFirstPictureToTheReason) {
  open();
  const trace::Span needle = m_window->document().prompt().spans.front();
  ASSERT_EQ(needle.name, "needle");
  const views::RunId streaming = runOf("streamingllm"), snapkv = runOf("snapkv");
  // The chart of the span is in front. A pointer on a line says what is lost where.
  auto* chart = qobject_cast<views::SpanChart*>(m_window->pages().dock("span").widget());
  ASSERT_NE(chart, nullptr);
  EXPECT_FALSE(chart->plot().visibleRegion().isEmpty());
  ASSERT_TRUE(waitUntil([&] { return chart->plot().lines().size() == m_window->document().runIds().size() - 1; }));
  std::size_t kept = 4;
  for (std::size_t layer = 0; layer < 4; ++layer) {
    EXPECT_THAT(hovered(chart->plot(), streaming, layer), HasSubstr("keeps 0 % of needle"));
    for (const views::ChartLine& line : chart->plot().lines())
      if (line.id == snapkv && line.y[layer] > 0 && kept == 4) kept = layer;
  }
  ASSERT_LT(kept, 4U) << "SnapKV keeps some of the needle";
  // 1: a point of SnapKV's line focuses the run and its layer.
  EXPECT_THAT(hovered(chart->plot(), snapkv, kept), HasSubstr("SnapKV"));
  QTest::mouseClick(&chart->plot(), Qt::LeftButton, {}, m_point);
  EXPECT_EQ(m_window->selection().focusRun(), snapkv);
  EXPECT_EQ(m_window->selection().layer().value, kept);
  ASSERT_TRUE(settle(*m_window));
  // 2: a word of the needle that it keeps. 3: the inspector, which says why.
  const views::RunPointer run = m_window->document().run(snapkv);
  TokenIndex word = needle.begin;
  while (word < needle.end && !run->keeps(m_window->selection().layer(), 0, word)) ++word;
  ASSERT_LT(word, needle.end);
  m_window->selection().setHead({views::HeadChoice::QueryHead, 0});
  clickWord(word);
  ASSERT_TRUE(m_window->selection().cursor());
  EXPECT_EQ(m_window->selection().cursor()->key, word);
  clickTab(QStringLiteral("Inspector"));
  auto* inspector = m_window->findChild<QTextBrowser*>(QStringLiteral("inspectorPage"));
  ASSERT_TRUE(waitUntil([&] { return inspector->toPlainText().contains(QLatin1String("probability")); }));
  const std::string facts = inspector->toPlainText().toStdString();
  EXPECT_THAT(facts, HasSubstr("kept: score"));
  EXPECT_THAT(facts, HasSubstr("attention received from the last 8 queries"));
}

}  // namespace
}  // namespace kvatlas::app
