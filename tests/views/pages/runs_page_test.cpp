// The list of runs: names, numbers, ticks, its menu, right and wrong answers.
#include <gmock/gmock.h>

#include <QContextMenuEvent>
#include <QMenu>
#include <QTimer>
#include <cmath>
#include <set>

#include "tests/views/pages/opened_pages.h"
#include "views/pages/runs_page.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RunsPageTest : public test::OpenedPagesTest {
 protected:
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

// KL means cover the steps that all runs share, and say so.
TEST_F(RunsPageTest, KlMeansCoverTheSharedSteps) {
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

// A tick does not move the focus; the right button opens a menu and highlights nothing.
TEST_F(RunsPageTest, ATickHidesARunWithoutFocusingIt) {
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
TEST_F(RunsPageTest, RunsSayTheirBudgetAndTooltipsAreWords) {
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

TEST_F(RunsPageTest, RightAndWrongAnswersAreMarked) {
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

// A narrow list shows the budgets, which tell the runs of one method apart, and the tooltip says what a run keeps.
TEST_F(RunsPageTest, ANarrowListShowsTheBudgets) {
  open();
  RunsPage page(m_document, m_selection);
  show(page, {230, 300});
  ASSERT_TRUE(settled());
  EXPECT_EQ(page.textElideMode(), Qt::ElideMiddle);
  const QFontMetrics metrics(page.font());
  for (const RunId run : {1, 2}) {
    const QString shown = metrics.elidedText(row(page, run).text(0), page.textElideMode(), 70);
    EXPECT_TRUE(shown.endsWith(QString::fromStdString(m_document.runHeader(run).budget))) << shown.toStdString();
    EXPECT_THAT(row(page, run).toolTip(0).toStdString(), HasSubstr("Keeps "));
  }
}

// No row of the list cuts off the parts of letters below the line, in any font size.
TEST_F(RunsPageTest, NamesOfRunsAreDrawnWhole) {
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

}  // namespace
}  // namespace kvatlas::views
