// The page of a folder of results: what a user sees and clicks.
#include <gmock/gmock.h>

#include <QAbstractItemModelTester>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollBar>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTabWidget>
#include <QTableView>
#include <QTextBrowser>
#include <QTextTable>

#include "tests/support/sample_results.h"
#include "tests/views/pages/qt_widgets.h"
#include "views/pages/results/case_details.h"
#include "views/pages/results/results_page.h"

namespace kvatlas::views {
namespace {

using results::Settings;
using results::test::sampleValues;
using results::test::writeCases;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ResultsPageTest : public test::QtWidgetTest {
 protected:
  ResultsPageTest() {
    m_page.resize(1440, 860);
    m_page.show();
    m_page.source().setPollInterval(10);
  }
  void open(std::size_t cases) {
    writeCases(m_folder / "run", Settings(sampleValues()), cases);
    m_page.source().open(m_folder / "run");
    ASSERT_TRUE(waitUntil([this] { return m_page.source().isOpen() && !m_page.source().busy(); }));
  }
  QTableView& list() { return *child<QTableView>(m_page, "caseList"); }
  std::string text(const char* label) { return child<QLabel>(m_page, label)->text().toStdString(); }
  void choose(const char* box, const QString& entry) {
    auto* combo = child<QComboBox>(m_page, box);
    ASSERT_GE(combo->findText(entry), 0) << entry.toStdString();
    combo->setFocus();
    combo->setCurrentIndex(combo->findText(entry));
  }
  static void clickCell(QTableView& view, int row, int column) {
    QTest::mouseClick(view.viewport(), Qt::LeftButton, {}, view.visualRect(view.model()->index(row, column)).center());
  }

  ResultsPage m_page;
  QAbstractItemModelTester m_tester{&m_page.filter()};
};

// In a small window no word of the answers is broken, nothing scrolls sideways, and in a large one the questions take
// the room.
TEST_F(ResultsPageTest, WordsStayWhole) {
  m_page.resize(1264, 660);
  open(24);
  QApplication::processEvents();
  auto* answers = child<QTextBrowser>(m_page, "answers");
  const auto tables = answers->document()->rootFrame()->childFrames();
  ASSERT_EQ(tables.size(), 1);
  auto* table = qobject_cast<QTextTable*>(tables.front());
  ASSERT_NE(table, nullptr);
  for (int column = 0; column < 4; ++column)
    EXPECT_EQ(table->cellAt(0, column).firstCursorPosition().block().layout()->lineCount(), 1) << column;
  EXPECT_EQ(answers->horizontalScrollBar()->maximum(), 0);
  const auto questions = [this] { return list().columnWidth(CaseModel::Question); };
  const int narrow = questions();
  m_page.resize(1904, 1000);
  QApplication::processEvents();
  EXPECT_GT(questions(), narrow);
  EXPECT_EQ(list().horizontalScrollBar()->maximum(), 0);
}

TEST_F(ResultsPageTest, ShowsTheCaseThatAMethodLost) {
  open(24);
  EXPECT_EQ(text("resultsTitle"), "run");
  EXPECT_EQ(text("resultsState"), "needle · tiny · 24 of 24 cases");
  EXPECT_EQ(list().model()->rowCount(), 24);
  choose("wrongWith", QStringLiteral("H2O 20%"));
  choose("rightWith", QStringLiteral("full cache"));
  EXPECT_EQ(text("caseCount"), "24 cases");
  choose("wrongWith", QStringLiteral("SnapKV 32"));
  EXPECT_EQ(text("caseCount"), "16 of 24 cases");
  child<QSpinBox>(m_page, "rightFrom")->setValue(30);
  EXPECT_EQ(text("caseCount"), "8 of 24 cases");
  QTest::keyClicks(child<QLineEdit>(m_page, "caseText"), QStringLiteral("words"));
  EXPECT_EQ(text("caseCount"), "4 of 24 cases");

  clickCell(list(), 2, 0);
  const std::string id = list().model()->index(2, 0).data().toString().toStdString();
  EXPECT_THAT(text("caseTitle"), HasSubstr(id));
  EXPECT_EQ(text("caseQuestion"), "What is the secret number of Emma?");
  const std::string html = child<QTextBrowser>(m_page, "answers")->toHtml().toStdString();
  const std::string words = child<QTextBrowser>(m_page, "answers")->toPlainText().toStdString();
  EXPECT_THAT(words,
              AllOf(HasSubstr("48213"), HasSubstr("I don't know"), HasSubstr("SnapKV 32"), HasSubstr("H2O 20%")));
  EXPECT_THAT(html, HasSubstr("line-through")) << "what h2o's answer lacks";
}

TEST_F(ResultsPageTest, ACellChoosesItsCases) {
  open(24);
  auto* overview = child<QTabWidget>(m_page, "overview");
  EXPECT_EQ(overview->currentIndex(), 1) << "a needle run begins with its grid";
  choose("gridBranch", QStringLiteral("SnapKV 32"));
  auto& grid = *child<QTableView>(m_page, "scoreGrid");
  EXPECT_EQ(grid.model()->index(1, 1).data().toString(), "37.5");
  clickCell(grid, 1, 1);
  EXPECT_EQ(list().model()->rowCount(), 4);
  auto* chosen = child<QPushButton>(m_page, "chosenCells");
  EXPECT_THAT(chosen->text().toStdString(), AllOf(HasSubstr("37.5"), HasSubstr("256")));
  click(chosen);
  EXPECT_EQ(list().model()->rowCount(), 24);
  EXPECT_FALSE(chosen->isVisible());
  overview->setCurrentIndex(0);
  clickCell(*child<QTableView>(m_page, "scoreTable"), 1, 0);
  EXPECT_EQ(list().model()->rowCount(), 12) << "words";
  EXPECT_THAT(m_page.csv().toStdString(),
              HasSubstr("\"set\",\"full cache\",\"SnapKV 32\",\"H2O 20%\"\n\"number\",100,"));
}

TEST_F(ResultsPageTest, FollowsARunAndKeepsTheChosenCase) {
  open(3);
  EXPECT_EQ(text("resultsState"), "needle · tiny · 3 of 24 cases");
  clickCell(list(), 1, 0);
  const QString chosen = m_page.details().caseId();
  EXPECT_EQ(chosen, "L128-D0-number-t1");
  const QSignalSpy asked(&m_page.details(), &CaseDetails::promptWanted);
  ASSERT_TRUE(waitUntil([&] { return !asked.empty(); }));
  EXPECT_EQ(asked.front().front().toString(), chosen);
  m_page.details().setPrompt(chosen, {QStringLiteral("It rained. The number is 48213. Which?"),
                                      {{QStringLiteral("needle"), 11, 31}, {QStringLiteral("question"), 32, 38}}});
  writeCases(m_folder / "run", Settings(sampleValues()), 5);
  ASSERT_TRUE(waitUntil([this] { return list().model()->rowCount() == 8; }));
  EXPECT_EQ(m_page.details().caseId(), chosen);
  auto* prompt = child<QPlainTextEdit>(m_page, "casePrompt");
  EXPECT_THAT(prompt->toPlainText().toStdString(), HasSubstr("48213"));
  ASSERT_EQ(prompt->extraSelections().size(), 2);
  EXPECT_EQ(prompt->extraSelections().front().cursor.selectedText(), "The number is 48213.");
  EXPECT_EQ(text("promptTitle"), "Prompt · marked: needle, question");
  const QSignalSpy wanted(&m_page.details(), &CaseDetails::attentionWanted);
  click(child<QPushButton>(m_page, "showAttention"));
  ASSERT_EQ(wanted.size(), 1);
  EXPECT_EQ(wanted.front().front().toString(), chosen);
  m_page.details().setPromptProblem(QStringLiteral("L128-D0-number-t0"), QStringLiteral("the text has moved"));
  clickCell(list(), 0, 0);
  EXPECT_EQ(text("promptTitle"), "No prompt: the text has moved");
  m_page.source().close();
  EXPECT_EQ(list().model()->rowCount(), 0);
  EXPECT_THAT(text("caseTitle"), HasSubstr("Choose a case"));
}

}  // namespace
}  // namespace kvatlas::views
