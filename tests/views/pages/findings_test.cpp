// Defects found by users of the pages, each driven through the real widgets.
#include <gmock/gmock.h>

#include <QLabel>
#include <QLineEdit>
#include <QSignalSpy>
#include <cmath>
#include <set>

#include "tests/views/pages/opened_pages.h"
#include "views/models/contrast.h"
#include "views/models/document/run_colour.h"
#include "views/pages/bookmarks_page.h"
#include "views/pages/charts/run_chart.h"
#include "views/pages/decode/decode_page.h"
#include "views/pages/map/map_page.h"
#include "views/pages/runs_page.h"
#include "views/pages/tokens_page.h"
#include "views/pages/what_if_page.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;

class FindingsTest : public test::OpenedPagesTest {
 protected:
  static bool struck(const TokensPage& page, QPlainTextEdit& text, TokenIndex token) {
    for (const auto& mark : text.extraSelections())
      for (int at = mark.cursor.selectionStart(); at < mark.cursor.selectionEnd(); ++at)
        if (page.tokenAt(at) == token) return mark.format.fontStrikeOut();
    return false;
  }
};

// A span's background used to hide the strike-out.
TEST_F(FindingsTest, EvictedTokensInsideASpanAreStruckOut) {
  m_sample = test::makeSampleTrace({.budgets = {32, 64}});
  for (TokenIndex begin = 0; begin + 8 <= 256; begin += 8)
    m_sample.header.prompt.spans.push_back({begin, begin + 8, "part"});
  openSample();
  TokensPage page(m_document, m_selection);
  show(page, {700, 400});
  m_document.close();
  m_document.open(m_folder / "a.kva.h5");
  ASSERT_TRUE(waitUntil([this] { return m_document.isOpen() && m_document.run(1) != nullptr; }));
  m_selection.setFocusRun(1);
  m_selection.setHead({HeadChoice::QueryHead, 0});
  const RunPointer run = m_document.run(1);
  TokenIndex evicted = 0;
  while (run->keeps(LayerIndex(0), 0, evicted)) ++evicted;
  EXPECT_TRUE(waitUntil([&] { return struck(page, page.text(), evicted); }));
  EXPECT_FALSE(struck(page, page.text(), 0)) << "a kept sink";
  // The query and the key under the cursor are struck out as well.
  m_selection.setCursor(Cell{evicted, evicted});
  EXPECT_TRUE(waitUntil([&] { return struck(page, page.text(), evicted); }));
}

// Two budgets of one method differ, in lists and in A − B.
TEST_F(FindingsTest, TwoBudgetsOfOneMethodHaveTwoColours) {
  open();
  std::set<std::string> seen;
  for (const RunId run : m_document.runIds()) {
    const Rgb colour = runColour(m_document, run, Theme::Light);
    EXPECT_TRUE(seen.insert(QColor(colour.r, colour.g, colour.b).name().toStdString()).second) << run;
    EXPECT_GE(contrast(runColour(m_document, run, Theme::Dark), themeColours(Theme::Dark).paper), 3) << run;
  }
  ASSERT_EQ(m_document.runHeader(1).method, m_document.runHeader(2).method);
  const ComparedColours both = comparedColours(m_document, 1, 2, Theme::Light);
  EXPECT_GT(std::abs(both.a.r - both.b.r) + std::abs(both.a.b - both.b.b), 150);
  MapPage page(m_document, m_selection);
  show(page, {800, 700});
  m_selection.setFocusRun(1);
  m_selection.setCompareRun(2);
  page.setMode(PaneMode::Difference);
  EXPECT_EQ(page.view().colours().table, "grey") << "washes stand out on grey";
  page.setMode(PaneMode::Single);
  EXPECT_EQ(page.view().colours().table, "viridis");
}

// The column of the generated text is wide enough for the chosen token.
TEST_F(FindingsTest, TheDecodeListNeverElidesTheChosenToken) {
  open();
  m_selection.setStep(3);
  DecodePage page(m_document, m_selection);
  show(page, {600, 220});
  ASSERT_TRUE(settled());
  page.updateNow();
  ASSERT_GT(page.table().topLevelItemCount(), 0);
  const QString text = page.table().topLevelItem(0)->text(1);
  const auto end = text.indexOf(QLatin1Char(']'));
  ASSERT_GT(end, 0) << text.toStdString();
  EXPECT_GE(page.table().columnWidth(1), page.table().fontMetrics().horizontalAdvance(text.left(end + 1)));
}

// A what-if run has an estimate of its retained mass, and says that it is one.
TEST_F(FindingsTest, AWhatIfRunHasAnEstimateOfItsRetainedMass) {
  open();
  m_selection.setFocusRun(5);
  WhatIfPage what_if(m_document, m_selection);
  RunsPage runs(m_document, m_selection);
  show(what_if, {300, 400});
  show(runs, {420, 300});
  m_selection.setFocusRun(3);
  WhatIfRequest request = what_if.request();
  EXPECT_EQ(request.method, m_document.runHeader(3).method) << "starts with the run in focus";
  EXPECT_EQ(request.budget, m_document.runHeader(3).budget);
  QTest::keyClick(&what_if.slider(), Qt::Key_PageUp);
  ASSERT_TRUE(waitUntil([&] {
    const RunId id = what_if.model().run();
    return id != kNoRun && m_document.run(id) && m_document.run(id)->retained_estimated;
  }));
  const RunPointer run = m_document.run(what_if.model().run());
  // By hand: the last queries' attention on the kept tokens of layer 1, head 2.
  const auto answer = m_thread.runHere(m_document.source(), [](const trace::Reader& reader) {
    return *reader.signalOfHead(LayerIndex(1), trace::Signal::WindowSum, HeadIndex(2));
  });
  double mass = 0;
  for (const TokenIndex token : run->kept(LayerIndex(1), analysis::storedHead(run->run.header, run->model, 2)))
    mass += static_cast<double>((*answer.value)[token]) / 8;
  EXPECT_NEAR(run->run.record.retained.at(1 * 4 + 2), mass, 1e-5);
  EXPECT_LE(run->run.record.retained.at(6), run->run.record.oracle.at(6) + 1e-6F);
  EXPECT_THAT(what_if.note().toStdString(), HasSubstr("retained mass ≈"));
  ASSERT_TRUE(waitUntil([&] {
    return runs.itemOf(run->id) != nullptr && runs.itemOf(run->id)->text(2).startsWith(QStringLiteral("≈"));
  }));
}

TEST_F(FindingsTest, AWhatIfChangeCanBeUndone) {
  open();
  WhatIfPage page(m_document, m_selection);
  show(page, {300, 400});
  const auto budget = [&] { return page.request().budget; };
  auto* undo = child<QAbstractButton>(page, "whatIfUndo");
  EXPECT_FALSE(undo->isEnabled());
  QTest::keyClick(&page.slider(), Qt::Key_PageUp);
  const std::string first = budget();
  QTest::qWait(700);  // a change counts once it rests
  QTest::keyClick(&page.slider(), Qt::Key_PageUp);
  ASSERT_NE(budget(), first);
  ASSERT_TRUE(waitUntil([&] { return undo->isEnabled(); }));
  click(undo);
  EXPECT_EQ(budget(), first);
}

// A disabled field shows no text.
TEST_F(FindingsTest, ADisabledNoteHasNoPlaceholder) {
  open();
  BookmarksPage page(m_document, [this] { return viewStateOf(m_selection); });
  show(page, {300, 300});
  auto* note = child<QLineEdit>(page, "bookmarkNote");
  EXPECT_FALSE(note->isEnabled());
  EXPECT_EQ(note->placeholderText(), "");
  page.addBookmark();
  EXPECT_TRUE(note->isEnabled());
  EXPECT_EQ(note->placeholderText(), "note");
}

// Search: every match is marked, "2 of 5", and the map can follow.
TEST_F(FindingsTest, TheSearchMarksAsYouTypeAndCounts) {
  TokensPage page(m_document, m_selection);
  show(page, {700, 300});
  open();
  QSignalSpy found(&page, &TokensPage::found);
  page.startSearch();
  QTest::keyClicks(&page.search(), QStringLiteral("the"));
  const std::size_t count = findTokens(m_document.prompt(), "the").size();
  auto* note = child<QLabel>(page, "tokensNote");
  EXPECT_EQ(note->text(), QStringLiteral("%1 matches").arg(count));
  EXPECT_FALSE(m_selection.cursor().has_value()) << "typing moves no cursor";
  QTest::keyClick(&page.search(), Qt::Key_Return);
  EXPECT_EQ(note->text(), QStringLiteral("1 of %1").arg(count));
  QTest::keyClick(&page.search(), Qt::Key_Return);
  EXPECT_EQ(note->text(), QStringLiteral("2 of %1").arg(count));
  QTest::keyClick(&page.search(), Qt::Key_Return, Qt::ShiftModifier);
  EXPECT_EQ(note->text(), QStringLiteral("1 of %1").arg(count));
  EXPECT_EQ(found.size(), 3);
}

// The text is shaded by a query, and the list beside it names the most attended tokens.
TEST_F(FindingsTest, OneQueryShadesTheText) {
  open();
  TokensPage page(m_document, m_selection);
  show(page, {420, 600});
  m_document.close();
  m_document.open(m_folder / "a.kva.h5");
  ASSERT_TRUE(waitUntil([this] { return m_document.isOpen(); }));
  m_selection.setHead({HeadChoice::QueryHead, 1});
  m_selection.setCursor(Cell{250, 3});
  choose(page, "querySource", 1);
  ASSERT_TRUE(waitUntil([&] { return !page.attention().masses().empty(); }));
  const std::vector<float>& masses = page.attention().masses();
  ASSERT_EQ(masses.size(), 256U);
  double sum = 0;
  for (const float mass : masses) sum += static_cast<double>(mass);
  EXPECT_NEAR(sum, 1, 1e-3);
  auto* list = child<QTreeWidget>(page, "attentionList");
  EXPECT_TRUE(list->isVisible());
  const auto best = static_cast<std::size_t>(std::max_element(masses.begin(), masses.end()) - masses.begin());
  ASSERT_GT(list->topLevelItemCount(), 3);
  EXPECT_EQ(list->topLevelItem(0)->text(1).toULong(), best);
  // The next query.
  click(child<QWidget>(page, "queryNext"));
  EXPECT_EQ(m_selection.cursor()->query, 251U);
  choose(page, "querySource", 2);
  m_selection.setFocusRun(3);
  ASSERT_TRUE(waitUntil([&] { return page.attention().largest(4).size() == 4; }));
  const auto step = m_selection.step();
  click(child<QWidget>(page, "queryNext"));
  EXPECT_EQ(m_selection.step(), step + 1);
}

}  // namespace
}  // namespace kvatlas::views
