// Defects found by users of the pages, each driven through the real widgets.
#include <gmock/gmock.h>

#include <QContextMenuEvent>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QSignalSpy>
#include <QTimer>
#include <QVBoxLayout>
#include <cmath>
#include <set>

#include "tests/views/pages/opened_pages.h"
#include "views/models/document/run_colour.h"
#include "views/models/items/model_roles.h"
#include "views/models/map/tile_cache.h"
#include "views/pages/bookmarks_page.h"
#include "views/pages/charts/run_chart.h"
#include "views/pages/decode/decode_page.h"
#include "views/pages/grid_page.h"
#include "views/pages/map/map_mosaic.h"
#include "views/pages/map/map_page.h"
#include "views/pages/runs_page.h"
#include "views/pages/tokens_page.h"
#include "views/pages/what_if_page.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class FindingsTest : public test::OpenedPagesTest {
 protected:
  static bool struck(const TokensPage& page, QPlainTextEdit& text, TokenIndex token) {
    for (const auto& mark : text.extraSelections())
      for (int at = mark.cursor.selectionStart(); at < mark.cursor.selectionEnd(); ++at)
        if (page.tokenAt(at) == token) return mark.format.fontStrikeOut();
    return false;
  }
  // Closes the next menu that opens and returns its actions.
  static QStringList menuOf(const std::function<void()>& open) {
    QStringList texts;
    QTimer::singleShot(0, [&texts] {
      auto* menu = qobject_cast<QMenu*>(QApplication::activePopupWidget());
      if (menu == nullptr) return;
      for (const QAction* action : menu->actions()) texts << action->text();
      menu->close();
    });
    open();
    return texts;
  }
  QTreeWidgetItem& row(RunsPage& page, RunId run) { return *page.itemOf(run); }
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

// The range of the grid's colours is that of all layers, whatever part is visible.
TEST_F(FindingsTest, TheRangeOfTheGridIsThatOfAllLayers) {
  m_sample = test::makeSampleTrace({.layers = 12});
  openSample();
  TileCache tiles(m_document);
  GridPage page(m_document, m_selection, tiles);
  show(page, {220, 150});
  ASSERT_TRUE(waitUntil([&] { return m_thread.pending() == 0 && page.model().range().has_value(); }));
  float low = INFINITY, high = -INFINITY;
  for (int row = 0; row < page.model().rowCount(); ++row)
    for (int column = 0; column < page.model().columnCount(); ++column) {
      const float value = page.model().index(row, column).data(ValueRole).toFloat();
      low = std::min(low, value);
      high = std::max(high, value);
    }
  ASSERT_TRUE(page.model().range());
  EXPECT_EQ(page.model().range()->first, low);
  EXPECT_EQ(page.model().range()->second, high);
  const auto before = page.model().range();
  page.table().scrollToBottom();
  ASSERT_TRUE(settled());
  EXPECT_EQ(page.model().range(), before);
}

// Tab leaves the grid; arrows move in it, Return and Space open a cell.
TEST_F(FindingsTest, TheGridIsNoKeyboardTrap) {
  open();
  TileCache tiles(m_document);
  QWidget window;
  auto* column = new QVBoxLayout(&window);
  auto* page = new GridPage(m_document, m_selection, tiles);
  auto* after = new QLineEdit;
  column->addWidget(page);
  column->addWidget(after);
  show(window, {300, 400});
  window.activateWindow();
  page->table().setFocus();
  ASSERT_TRUE(page->table().hasFocus());
  QTest::keyClick(&page->table(), Qt::Key_Down);
  QTest::keyClick(&page->table(), Qt::Key_Right);
  const QModelIndex at = page->table().currentIndex();
  EXPECT_EQ(at.column(), 1);
  EXPECT_EQ(at.row(), 1);
  QTest::keyClick(&page->table(), Qt::Key_Return);
  EXPECT_EQ(m_selection.layer(), LayerIndex(1));
  EXPECT_EQ(m_selection.head(), (HeadChoice{HeadChoice::QueryHead, 1}));
  for (int presses = 0; presses < 4 && page->table().hasFocus(); ++presses)
    QTest::keyClick(&page->table(), Qt::Key_Tab);
  EXPECT_FALSE(page->table().hasFocus());
}

// KL means cover the steps that all runs share, and say so.
TEST_F(FindingsTest, KlMeansCoverTheSharedSteps) {
  m_sample = test::makeSampleTrace({.budgets = {32, 64}});
  ASSERT_GE(m_sample.runs.size(), 3U);
  for (std::size_t step = 2; step < m_sample.runs[1].kl.size(); ++step) m_sample.runs[1].kl[step] = NAN;
  for (std::size_t step = 0; step < m_sample.runs[2].kl.size(); ++step)
    m_sample.runs[2].kl[step] = static_cast<float>(step);
  openSample();
  RunsPage page(m_document, m_selection);
  show(page, {420, 300});
  ASSERT_TRUE(settled());
  const QTreeWidgetItem& item = row(page, 2);
  const int kl = 4;
  EXPECT_EQ(page.headerItem()->text(kl), "KL");
  EXPECT_EQ(item.text(kl), "0.500") << "steps 0 and 1, which run 1 has too";
  EXPECT_THAT(item.toolTip(kl).toStdString(), HasSubstr("first 2 generated tokens"));
  EXPECT_THAT(item.toolTip(kl).toStdString(), HasSubstr("Over the 6 of this run: 2.500"));
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

// A tick does not move the focus; the right button opens a menu and highlights nothing.
TEST_F(FindingsTest, ATickHidesARunWithoutFocusingIt) {
  open();
  RunsPage page(m_document, m_selection);
  show(page, {420, 300});
  ASSERT_TRUE(settled());
  QApplication::processEvents();
  const RunId focus = m_selection.focusRun();
  const QRect area = page.visualItemRect(&row(page, 3));
  QTest::mouseClick(page.viewport(), Qt::LeftButton, {}, QPoint(area.left() + 8, area.center().y()));
  EXPECT_TRUE(m_selection.isHidden(3));
  EXPECT_EQ(m_selection.focusRun(), focus);
  EXPECT_EQ(page.runAt(page.currentItem()), focus);
  const QPoint right(area.left() + 80, page.visualItemRect(&row(page, 4)).center().y());
  QTest::mousePress(page.viewport(), Qt::RightButton, {}, right);
  const QStringList texts = menuOf([&] {
    QContextMenuEvent event(QContextMenuEvent::Mouse, right, page.viewport()->mapToGlobal(right));
    QApplication::sendEvent(page.viewport(), &event);
  });
  EXPECT_THAT(texts.join(QLatin1Char('|')).toStdString(), HasSubstr("&Focus this run"));
  QTest::mouseRelease(page.viewport(), Qt::RightButton, {}, right);  // a held button would spoil later clicks
  EXPECT_EQ(page.runAt(page.currentItem()), focus) << "one highlight";
  EXPECT_EQ(m_selection.focusRun(), focus);
  QTest::mouseClick(page.viewport(), Qt::LeftButton, {}, right);
  EXPECT_EQ(m_selection.focusRun(), 4);
}

// "SnapKV" twice in the list.
TEST_F(FindingsTest, RunsSayTheirBudgetAndTooltipsAreWords) {
  open();
  RunsPage page(m_document, m_selection);
  show(page, {420, 300});
  ASSERT_TRUE(settled());
  std::set<QString> names;
  for (const RunId run : m_document.runIds()) {
    EXPECT_TRUE(names.insert(row(page, run).text(0)).second) << row(page, run).text(0).toStdString();
    for (int column = 0; column < page.columnCount(); ++column) {
      EXPECT_THAT(row(page, run).toolTip(column).toStdString(), Not(HasSubstr("{")));
      EXPECT_THAT(row(page, run).toolTip(column).toStdString(), Not(HasSubstr("\"")));
    }
  }
}

TEST_F(FindingsTest, RightAndWrongAnswersAreMarked) {
  open();
  RunsPage page(m_document, m_selection);
  show(page, {460, 300});
  ASSERT_TRUE(settled());
  EXPECT_TRUE(page.isColumnHidden(5)) << "no answer is known";
  const std::string text = m_document.run(0)->run.record.decode_text;
  ASSERT_GE(text.size(), 4U);
  page.setAnswer(QString::fromStdString(text.substr(0, 4)).trimmed());
  EXPECT_FALSE(page.isColumnHidden(5));
  EXPECT_EQ(row(page, 0).text(5), "✓");
  page.setAnswer(QStringLiteral("no such answer"));
  EXPECT_EQ(row(page, 0).text(5), "✗");
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

// Attention on a named span is a number of the grid; a filter fades what does not match.
TEST_F(FindingsTest, TheGridKnowsAttentionOnASpanAndFilters) {
  open();
  TileCache tiles(m_document);
  GridPage page(m_document, m_selection, tiles);
  show(page, {400, 400});
  auto* metric = child<QComboBox>(page, "gridMetric");
  const trace::Span& span = m_document.prompt().spans.front();
  const int at = metric->findText(QStringLiteral("attention on ") + QString::fromStdString(span.name));
  ASSERT_GT(at, 0);
  metric->setCurrentIndex(at);
  ASSERT_TRUE(waitUntil([&] {
    return m_thread.pending() == 0 && !std::isnan(page.model().value({LayerIndex(3), 3}));
  }));
  const auto answer = m_thread.runHere(
      m_document.source(), [](const trace::Reader& reader) { return *reader.windowRows(LayerIndex(2), HeadIndex(1)); });
  double mass = 0;
  for (std::size_t query = 0; query < 8; ++query)
    for (TokenIndex key = span.begin; key < span.end; ++key)
      mass += static_cast<double>((*answer.value)[query * 256 + key]) / 8;
  EXPECT_NEAR(page.model().value({LayerIndex(2), 1}), mass, 1e-3);
  const float middle = page.model().value({LayerIndex(2), 1});
  QTest::keyClicks(child<QLineEdit>(page, "gridFilter"), QStringLiteral("> %1").arg(static_cast<double>(middle)));
  int matching = 0;
  for (int row = 0; row < 4; ++row)
    for (int column = 0; column < 4; ++column)
      matching += page.model().index(row, column).data(MatchRole).toBool() ? 1 : 0;
  EXPECT_EQ(matching, page.model().matching());
  EXPECT_LT(matching, 16);
  EXPECT_EQ(child<QLabel>(page, "gridCount")->text(), QStringLiteral("%1 of 16").arg(matching));
}

// Which layers lose a span: the share of its tokens that the run in focus keeps, per head.
TEST_F(FindingsTest, TheGridKnowsWhatARunKeepsOfASpan) {
  open();
  TileCache tiles(m_document);
  GridPage page(m_document, m_selection, tiles);
  show(page, {400, 400});
  m_selection.setFocusRun(3);
  auto* metric = child<QComboBox>(page, "gridMetric");
  const trace::Span& span = m_document.prompt().spans.front();
  metric->setCurrentIndex(metric->findText(QStringLiteral("kept of ") + QString::fromStdString(span.name)));
  ASSERT_TRUE(settled());
  const RunPointer run = m_document.run(3);
  for (std::size_t layer = 0; layer < 4; ++layer)
    for (std::uint32_t head = 0; head < 4; ++head) {
      int kept = 0;
      for (TokenIndex token = span.begin; token < span.end; ++token)
        kept += run->keeps(LayerIndex(layer), analysis::storedHead(run->run.header, run->model, head), token) ? 1 : 0;
      EXPECT_FLOAT_EQ(page.model().value({LayerIndex(layer), head}),
                      static_cast<float>(kept) / static_cast<float>(span.end - span.begin));
    }
  m_selection.setFocusRun(0);
  EXPECT_EQ(page.model().value({LayerIndex(1), 1}), 1) << "the full cache keeps everything";
  EXPECT_EQ(page.model().range(), std::pair(0.0F, 1.0F)) << "the same colours for every run";
  // A filter in percent is the same number.
  EXPECT_DOUBLE_EQ(parseFilter(QStringLiteral("retained < 70 %"))->below, 0.7);
  EXPECT_DOUBLE_EQ(parseFilter(QStringLiteral("> 0.1"))->above, 0.1);
  EXPECT_FALSE(parseFilter(QStringLiteral("much")));
}

// No row of the list cuts off the parts of letters below the line, in any font size.
TEST_F(FindingsTest, NamesOfRunsAreDrawnWhole) {
  open();
  for (const int pixels : {9, 13, 22}) {
    RunsPage page(m_document, m_selection);
    QFont font = page.font();
    font.setPixelSize(pixels);
    page.setFont(font);
    show(page, {520, 400});
    ASSERT_TRUE(settled());
    QApplication::processEvents();
    QTreeWidgetItem& item = row(page, 2);
    item.setText(0, QStringLiteral("xxxx"));
    const QRect area = page.visualItemRect(&item);
    QFont bold = font;
    bold.setBold(true);
    EXPECT_GE(area.height(), QFontMetrics(bold).height()) << pixels;
    // "g" reaches below "x", and no ink touches the row's lower edge.
    const auto inkRows = [&](const QString& text) {
      item.setText(0, text);
      const QImage image = page.viewport()->grab(page.visualItemRect(&item)).toImage();
      const QRgb ground = image.pixel(image.width() / 2, 0);
      int last = -1;
      for (int y = 0; y < image.height(); ++y)
        for (int x = 40; x < image.width() / 3; ++x)
          if (qAbs(qGray(image.pixel(x, y)) - qGray(ground)) > 60) last = y;
      return std::pair(last, image.height());
    };
    const auto [flat, height] = inkRows(QStringLiteral("xxxx"));
    const auto [deep, same] = inkRows(QStringLiteral("gggg"));
    EXPECT_GT(deep, flat) << pixels;
    EXPECT_LT(deep, height - 1) << pixels;
  }
}

// Linked views: heads, layers or runs side by side, moving together.
TEST_F(FindingsTest, SeveralMapsMoveTogether) {
  open();
  MapPage page(m_document, m_selection);
  show(page, {1000, 800});
  m_selection.setHead({HeadChoice::QueryHead, 1});
  choose(page, "mapViews", 2);
  ASSERT_TRUE(waitUntil([&] { return page.settled(); }));
  ASSERT_EQ(page.mosaic().count(), 4);
  EXPECT_FALSE(page.view().isVisible());
  for (int pane = 0; pane < 4; ++pane) {
    EXPECT_EQ(page.mosaic().selection(pane).head().index, static_cast<std::uint32_t>(pane));
    EXPECT_EQ(page.mosaic().view(pane).picture().a.head.index, static_cast<std::uint32_t>(pane));
  }
  QTest::keyClick(&page.mosaic().view(2), Qt::Key_Plus);
  QApplication::processEvents();
  for (int pane = 0; pane < 4; ++pane) {
    EXPECT_LT(page.mosaic().view(pane).window().keys(), 200) << pane;
    EXPECT_NEAR(page.mosaic().view(pane).window().key_begin, page.mosaic().view(2).window().key_begin, 2);
  }
  QTest::mouseClick(&page.mosaic().view(3), Qt::LeftButton, {}, page.mosaic().view(3).mapRect().rect().center());
  EXPECT_EQ(m_selection.head(), (HeadChoice{HeadChoice::QueryHead, 3})) << "a click chooses the pane";
  choose(page, "mapSpread", 2);
  EXPECT_EQ(page.mosaic().selection(1).focusRun(), 1);
  choose(page, "mapViews", 0);
  EXPECT_TRUE(page.view().isVisible());
}

}  // namespace
}  // namespace kvatlas::views
