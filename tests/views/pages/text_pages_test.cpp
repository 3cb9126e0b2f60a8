// The text pages: prompt text with search, token table, inspector.
#include <gmock/gmock.h>

#include <QAbstractItemModelTester>
#include <QLabel>
#include <QLineEdit>

#include "tests/views/pages/opened_pages.h"
#include "views/models/document/token_text.h"
#include "views/pages/inspector_page.h"
#include "views/pages/token_table.h"
#include "views/pages/tokens_page.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TextPagesTest : public test::OpenedPagesTest {
 protected:
  // Types the text into the search, presses Return and returns the cursor's key.
  std::optional<TokenIndex> search(TokensPage& page, const QString& what) {
    page.startSearch();
    QTest::keyClicks(&page.search(), what);
    QTest::keyClick(&page.search(), Qt::Key_Return);
    return m_selection.cursor() ? std::optional(m_selection.cursor()->key) : std::nullopt;
  }
};

TEST_F(TextPagesTest, TheSearchTakesPositionsSpansAndText) {
  open();
  TokensPage page(m_document, m_selection);
  show(page, {700, 120});
  m_document.close();
  m_document.open(m_folder / "a.kva.h5");
  ASSERT_TRUE(waitUntil([this] { return m_document.isOpen(); }));
  EXPECT_EQ(search(page, QStringLiteral("173")), 173U);
  const trace::Span& span = m_sample.header.prompt.spans.front();
  EXPECT_EQ(search(page, QString::fromStdString(span.name)), span.begin);
  m_selection.setCursor(std::nullopt);
  const std::vector<TokenMatch> all = findTokens(m_document.prompt(), " the");
  ASSERT_GT(all.size(), 2U);
  EXPECT_EQ(search(page, QStringLiteral("the")), findTokens(m_document.prompt(), "the").front().begin);
  QTest::keyClick(&page.search(), Qt::Key_Return);
  EXPECT_EQ(m_selection.cursor()->key, findTokens(m_document.prompt(), "the")[1].begin) << "Return again: the next";
  EXPECT_TRUE(search(page, QStringLiteral("no such words")).has_value()) << "the cursor stays";
  EXPECT_THAT(child<QLabel>(page, "tokensNote")->text().toStdString(), HasSubstr("not in the prompt"));
}

TEST_F(TextPagesTest, AClickOnAWordMovesTheCursorToIt) {
  TokensPage page(m_document, m_selection);
  show(page, {700, 120});
  open();
  QTextCursor at(page.text().document());
  at.setPosition(40);
  const QPoint place = page.text().cursorRect(at).center() + QPoint(1, 0);
  QTest::mouseClick(page.text().viewport(), Qt::LeftButton, {}, place);
  ASSERT_TRUE(m_selection.cursor().has_value());
  EXPECT_EQ(m_selection.cursor()->key, page.tokenAt(page.text().cursorForPosition(place).position()));
  EXPECT_GE(m_selection.cursor()->query, m_selection.cursor()->key) << "a query that sees it";
}

TEST_F(TextPagesTest, EvictedWordsAreStruckOutAndKeptOnesAreNot) {
  TokensPage page(m_document, m_selection);
  show(page, {700, 300});
  open();
  m_selection.setFocusRun(1);
  m_selection.setHead({HeadChoice::QueryHead, 0});
  const auto struck = [&](TokenIndex token) {
    for (const auto& mark : page.text().extraSelections()) {
      if (!mark.format.fontStrikeOut()) continue;
      for (int at = mark.cursor.selectionStart(); at < mark.cursor.selectionEnd(); ++at)
        if (page.tokenAt(at) == token) return true;
    }
    return false;
  };
  const RunPointer run = m_document.run(1);
  const auto right = [&] {
    for (TokenIndex token = 0; token < 40; ++token)
      if (struck(token) == run->keeps(LayerIndex(0), 0, token)) return false;
    return true;
  };
  EXPECT_TRUE(waitUntil(right));
  m_selection.setFocusRun(0);
  EXPECT_TRUE(waitUntil([&] { return !struck(30); })) << "the full cache keeps everything";
}

TEST_F(TextPagesTest, TheTextScrollsToTheKeyOfTheCursor) {
  TokensPage page(m_document, m_selection);
  show(page, {300, 90});
  open();
  m_selection.setCursor(Cell{255, 240});
  QApplication::processEvents();
  EXPECT_GT(page.tokenAt(page.text().cursorForPosition(page.text().viewport()->rect().bottomRight()).position()), 230U);
}

TEST_F(TextPagesTest, TheTokenTableFollowsAndMovesTheCursor) {
  TokenTable table(m_document, m_selection);
  const QAbstractItemModelTester tester(&table.tokens(), QAbstractItemModelTester::FailureReportingMode::Warning);
  show(table, {900, 240});
  open();
  QApplication::processEvents();
  m_selection.setCursor(Cell{255, 200});
  EXPECT_EQ(table.currentIndex().row(), 200);
  const QRect row = table.visualRect(table.tokens().index(200, TokenModel::Text));
  ASSERT_TRUE(table.viewport()->rect().contains(row.center()));
  QTest::mouseClick(table.viewport(), Qt::LeftButton, {}, row.center() - QPoint(0, row.height()));
  EXPECT_EQ(m_selection.cursor()->key, 199U);
  EXPECT_EQ(table.csv().count(QLatin1Char('\n')), 257);
}

TEST_F(TextPagesTest, TheInspectorSaysWhoKeepsTheKeyAndWhy) {
  InspectorPage page(m_document, m_selection);
  show(page, {300, 400});
  EXPECT_THAT(page.toPlainText().toStdString(), HasSubstr("Hover over the map"));
  open();
  m_selection.setHead({HeadChoice::QueryHead, 1});
  m_selection.setCursor(Cell{250, 0});
  ASSERT_TRUE(waitUntil([&] { return page.toPlainText().contains(QLatin1String("probability")); }));
  const std::string text = page.toPlainText().toStdString();
  EXPECT_THAT(text, HasSubstr("of 251 keys"));
  EXPECT_THAT(text, HasSubstr("kept: sink"));
  EXPECT_THAT(text, HasSubstr("StreamingLLM 32"));
  EXPECT_THAT(text, HasSubstr("nats"));
  // The rule of the run in focus.
  for (const RunId run : m_document.runIds()) {
    const std::string method = m_document.runHeader(run).method;
    if (method != "streamingllm" && method != "snapkv") continue;
    m_selection.setFocusRun(run);
    const QString why = method == "snapkv" ? QStringLiteral("attention received from the last 8 queries")
                                           : QStringLiteral("Keeps the first tokens and the most recent. Positions");
    EXPECT_TRUE(waitUntil([&] { return page.toPlainText().contains(why); })) << page.toPlainText().toStdString();
  }
  m_selection.setCursor(Cell{10, 20});
  ASSERT_TRUE(waitUntil([&] { return page.toPlainText().contains(QLatin1String("masked")); }));
  EXPECT_THAT(page.toPlainText().toStdString(), Not(HasSubstr("rank 1 of 11")));
  m_document.close();
  ASSERT_TRUE(waitUntil([&] { return page.toPlainText().contains(QLatin1String("Hover over the map")); }));
}

}  // namespace
}  // namespace kvatlas::views
