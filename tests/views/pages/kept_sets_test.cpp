// What only A keeps, only B, both: against sets counted by hand. The sweep over budgets, and spans edited in a table.
#include <gmock/gmock.h>

#include <QAbstractItemModelTester>
#include <QLabel>
#include <QSignalSpy>
#include <QTableView>
#include <QToolButton>
#include <set>

#include "tests/views/pages/opened_pages.h"
#include "views/models/items/model_roles.h"
#include "views/models/items/run_summary.h"
#include "views/pages/bookmarks_page.h"
#include "views/pages/charts/sweep_chart.h"
#include "views/pages/kept_sets_page.h"
#include "views/pages/runs_page.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;

class KeptSetsTest : public test::OpenedPagesTest {
 protected:
  std::set<TokenIndex> keptBy(RunId id, std::uint32_t head) {
    const RunPointer run = m_document.run(id);
    const auto list = run->kept(m_selection.layer(), analysis::storedHead(run->run.header, run->model, head));
    return {list.begin(), list.end()};
  }
  std::vector<float> masses(std::uint32_t head) {
    const auto answer = m_thread.runHere(m_document.source(), [&](const trace::Reader& reader) {
      return *reader.signalOfHead(m_selection.layer(), trace::Signal::WindowSum, HeadIndex(head));
    });
    return *answer.value;
  }
};

// The table is refilled a moment after the choice; a click may come before that.
TEST_F(KeptSetsTest, AClickWhileBWasJustTakenAway) {
  open();
  m_selection.setFocusRun(1);
  m_selection.setCompareRun(3);
  KeptSetsPage page(m_document, m_selection);
  show(page, {600, 240});
  ASSERT_TRUE(settled());
  m_selection.setCompareRun(kNoRun);
  EXPECT_NO_THROW(click(child<QToolButton>(page, "keptSet1")));
  EXPECT_TRUE(settled());
}

TEST_F(KeptSetsTest, SetsAndMassesAreThoseOfTheTrace) {
  open();
  m_selection.setHead({HeadChoice::QueryHead, 2});
  m_selection.setLayer(LayerIndex(1));
  m_selection.setFocusRun(1);
  m_selection.setCompareRun(3);
  KeptSetsPage page(m_document, m_selection);
  const QAbstractItemModelTester tester(&page.model(), QAbstractItemModelTester::FailureReportingMode::Warning);
  show(page, {600, 240});
  ASSERT_TRUE(settled());
  const std::set<TokenIndex> a = keptBy(1, 2), b = keptBy(3, 2);
  const std::vector<float> mass = masses(2);
  KeptSetSum only_a, only_b, both, neither;
  for (TokenIndex token = 0; token < 256; ++token) {
    const bool in_a = a.contains(token), in_b = b.contains(token);
    KeptSetSum& sum = in_a && in_b ? both : in_a ? only_a : in_b ? only_b : neither;
    ++sum.tokens;
    sum.mass += static_cast<double>(mass[token]) / 8;
  }
  ASSERT_GT(only_a.tokens, 0U);
  for (const auto& [set, expected] : {std::pair{KeptSet::OnlyA, only_a}, std::pair{KeptSet::OnlyB, only_b},
                                      std::pair{KeptSet::Both, both}, std::pair{KeptSet::Neither, neither}}) {
    EXPECT_EQ(page.model().sum(set).tokens, expected.tokens) << static_cast<int>(set);
    EXPECT_NEAR(page.model().sum(set).mass, expected.mass, 1e-5) << static_cast<int>(set);
  }
  // The list: what a run keeps, by falling mass. Buttons choose the sets.
  EXPECT_EQ(page.model().rowCount(), static_cast<int>(only_a.tokens + only_b.tokens + both.tokens));
  for (const char* button : {"keptSet1", "keptSet2"}) click(child<QWidget>(page, button));
  ASSERT_EQ(page.model().rowCount(), static_cast<int>(only_a.tokens));
  float last = 2;
  for (int row = 0; row < page.model().rowCount(); ++row) {
    const TokenIndex token = page.model().index(row, 0).data(BeginRole).toUInt();
    EXPECT_TRUE(a.contains(token) && !b.contains(token)) << token;
    EXPECT_EQ(page.model().index(row, KeptSetsModel::Set).data().toString(), "A");
    const float value = page.model().index(row, KeptSetsModel::Mass).data(ValueRole).toFloat();
    EXPECT_LE(value, last);
    last = value;
  }
  // A click selects the token everywhere.
  const QModelIndex first = page.model().index(0, 1);
  QTest::mouseClick(page.table().viewport(), Qt::LeftButton, {}, page.table().visualRect(first).center());
  ASSERT_TRUE(m_selection.cursor());
  EXPECT_EQ(m_selection.cursor()->key, first.data(BeginRole).toUInt());
}

// Over several heads a token says how many of them keep it; without B the sets are kept and evicted.
TEST_F(KeptSetsTest, SeveralHeadsAndASingleRun) {
  open();
  m_selection.setFocusRun(3);
  KeptSetsPage page(m_document, m_selection);
  show(page, {600, 240});
  ASSERT_TRUE(settled());
  EXPECT_FALSE(page.model().compared());
  EXPECT_THAT(child<QAbstractButton>(page, "keptSet0")->text().toStdString(), HasSubstr("kept: "));
  EXPECT_THAT(child<QAbstractButton>(page, "keptSet3")->text().toStdString(), HasSubstr("evicted: "));
  EXPECT_TRUE(child<QWidget>(page, "keptSet1")->isHidden());
  bool some = false;
  for (int row = 0; row < page.model().rowCount(); ++row)
    some =
        some || page.model().index(row, KeptSetsModel::Set).data().toString() == QStringLiteral("kept (1 of 2 heads)");
  EXPECT_TRUE(some) << "two KV heads keep different tokens";
  m_document.close();
  EXPECT_EQ(page.model().rowCount(), 0);
}

TEST_F(KeptSetsTest, TheSweepHasOneLinePerMethodOverItsBudgets) {
  open({.budgets = {32, 64, 128}});
  SweepChart chart(m_document, m_selection);
  show(chart, {600, 260});
  ASSERT_TRUE(settled());
  chart.updateNow();
  std::set<std::string> methods;
  for (const RunId run : m_document.runIds())
    if (!m_document.runHeader(run).is_full) methods.insert(m_document.runHeader(run).method);
  ASSERT_EQ(chart.plot().lines().size(), methods.size());
  for (const ChartLine& line : chart.plot().lines()) EXPECT_EQ(line.x, (std::vector<double>{32, 64, 128}));
  EXPECT_NEAR(chart.plot().lines().front().y.front(), retainedMass(*m_document.run(1)), 1e-9);
  EXPECT_NEAR(chart.plot().lines().front().y.back(), retainedMass(*m_document.run(3)), 1e-9);
  // A click on a point focuses its run.
  const ChartLine& line = chart.plot().lines().front();
  const QPoint at(qRound(chart.plot().xAxis->coordToPixel(line.x[2])),
                  qRound(chart.plot().yAxis->coordToPixel(line.y[2])));
  QTest::mouseClick(&chart.plot(), Qt::LeftButton, {}, at);
  EXPECT_EQ(m_document.runHeader(m_selection.focusRun()).budget, "128");
  // Right answers: 1 or 0, once an answer is known.
  choose(chart, "sweepMetric", SweepChart::RightAnswer);
  chart.updateNow();
  EXPECT_TRUE(std::isnan(chart.plot().lines().front().y.front()));
  chart.setAnswer(QString::fromStdString(m_document.run(1)->run.record.decode_text));
  chart.updateNow();
  EXPECT_EQ(chart.plot().lines().front().y.front(), 1);
}

// Further traces are listed below the open one; a click asks for their trace.
TEST_F(KeptSetsTest, RunsOfFurtherTracesAreListed) {
  open();
  test::SampleTraceOptions other{.budgets = {16}};
  other.seed = 7;
  const auto path = sample("other.kva.h5", other);
  TraceShelf shelf(m_document);
  RunsPage runs(m_document, m_selection);
  SweepChart chart(m_document, m_selection);
  runs.setShelf(shelf);
  chart.setShelf(shelf);
  show(runs, {420, 500});
  show(chart, {600, 260});
  QSignalSpy chosen(&runs, &RunsPage::otherRunChosen), picked(&chart, &SweepChart::otherRunChosen);
  shelf.add(path);
  shelf.add(path);
  shelf.add(m_folder / "a.kva.h5");  // is the open one
  ASSERT_TRUE(waitUntil([&] { return shelf.traces().size() == 1; }));
  ASSERT_TRUE(settled());
  QTreeWidgetItem* top = runs.topLevelItem(runs.topLevelItemCount() - 1);
  ASSERT_EQ(top->text(0), "other");
  ASSERT_EQ(top->childCount(), 5) << "the full cache and four methods";
  ASSERT_TRUE(waitUntil([&] { return !top->child(1)->text(2).isEmpty(); }));
  EXPECT_NEAR(top->child(1)->text(2).toDouble(), retainedMass(*shelf.traces().front()->run(1)), 1e-3);
  const RunId focus = m_selection.focusRun();
  runs.scrollToItem(top->child(2));
  QTest::mouseClick(runs.viewport(), Qt::LeftButton, {}, runs.visualItemRect(top->child(2)).center());
  ASSERT_EQ(chosen.size(), 1);
  EXPECT_EQ(chosen.front().at(0).toString().toStdString(), path.string());
  EXPECT_EQ(chosen.front().at(1).toInt(), 2);
  EXPECT_EQ(m_selection.focusRun(), focus) << "the open trace keeps its focus";
  // The sweep draws both traces.
  chart.updateNow();
  ASSERT_EQ(chart.plot().lines().size(), 8U);
  EXPECT_THAT(chart.plot().lines().back().title.toStdString(), HasSubstr(" · other"));
  EXPECT_EQ(chart.plot().lines().back().x, std::vector<double>{16});
  const ChartLine& line = chart.plot().lines().back();
  QTest::mouseClick(
      &chart.plot(), Qt::LeftButton, {},
      QPoint(qRound(chart.plot().xAxis->coordToPixel(line.x[0])), qRound(chart.plot().yAxis->coordToPixel(line.y[0]))));
  EXPECT_EQ(picked.size(), 1);
  shelf.remove(path);
  EXPECT_TRUE(waitUntil([&] { return runs.topLevelItemCount() == static_cast<int>(m_document.runIds().size()); }));
}

// Own spans are renamed, moved and removed in the table; recorded ones stay.
TEST_F(KeptSetsTest, OwnSpansAreEditedInTheTable) {
  open();
  BookmarksPage page(m_document, [this] { return viewStateOf(m_selection); });
  page.model().setKeptInTrace(false);
  show(page, {320, 500});
  QTableView& table = page.spanTable();
  const int recorded = table.model()->rowCount();
  ASSERT_GT(recorded, 0);
  page.model().addSpan({30, 36, "clue"});
  ASSERT_EQ(table.model()->rowCount(), recorded + 1);
  const QAbstractItemModelTester tester(table.model(), QAbstractItemModelTester::FailureReportingMode::Warning);
  const auto set = [&](int row, int column, const QVariant& value) {
    return table.model()->setData(table.model()->index(row, column), value, Qt::EditRole);
  };
  EXPECT_FALSE(set(0, 0, QStringLiteral("mine"))) << "recorded";
  EXPECT_TRUE(set(recorded, SpanModel::Name, QStringLiteral("key phrase")));
  EXPECT_TRUE(set(recorded, SpanModel::Last, 40));
  EXPECT_FALSE(set(recorded, SpanModel::First, 41)) << "empty";
  EXPECT_FALSE(set(recorded, SpanModel::Last, 4000)) << "outside the prompt";
  EXPECT_FALSE(set(recorded, SpanModel::Name, QStringLiteral(" ")));
  ASSERT_EQ(m_document.ownSpans().size(), 1U);
  EXPECT_EQ(m_document.ownSpans().front().name, "key phrase");
  EXPECT_EQ(m_document.ownSpans().front().end, 41U);
  QSignalSpy chosen(&page, &BookmarksPage::spanChosen);
  const QModelIndex own = table.model()->index(recorded, 0);
  QTest::mouseClick(table.viewport(), Qt::LeftButton, {}, table.visualRect(own).center());
  EXPECT_EQ(chosen.size(), 1);
  click(child<QWidget>(page, "spanRemove"));
  EXPECT_TRUE(m_document.ownSpans().empty());
  EXPECT_FALSE(child<QWidget>(page, "spanRemove")->isEnabled());
}

}  // namespace
}  // namespace kvatlas::views
