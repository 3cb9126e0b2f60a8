// The what-if page by mouse and keyboard; bookmarks with undo.
#include <gmock/gmock.h>

#include <QAbstractItemModelTester>
#include <QDoubleSpinBox>
#include <QLineEdit>
#include <QListView>
#include <QPushButton>
#include <QSignalSpy>
#include <QSlider>
#include <QSpinBox>
#include <QUndoStack>

#include "tests/views/pages/opened_pages.h"
#include "views/pages/bookmarks_page.h"
#include "views/pages/what_if_page.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;

class WhatIfPageTest : public test::OpenedPagesTest {
 protected:
  std::vector<RunId> whatIfs() {
    std::vector<RunId> runs = m_document.runIds();
    std::erase_if(runs, [](RunId run) { return !isWhatIf(run); });
    return runs;
  }
  // Waits until the what-if run has the requested settings.
  bool decided(WhatIfPage& page) {
    return waitUntil([&] {
      return !page.model().busy() && page.model().run() != kNoRun && m_document.hasRun(page.model().run()) &&
             m_document.runHeader(page.model().run()).budget == page.request().budget;
    });
  }
};

TEST_F(WhatIfPageTest, NothingIsComputedBeforeTheFirstChange) {
  WhatIfPage page(m_document, m_selection);
  EXPECT_FALSE(page.isEnabled());
  show(page, {300, 300});
  open();
  EXPECT_TRUE(page.isEnabled());
  EXPECT_TRUE(whatIfs().empty());
}

TEST_F(WhatIfPageTest, DraggingTheBudgetUpdatesOneWhatIfRun) {
  WhatIfPage page(m_document, m_selection);
  show(page, {300, 300});
  open();
  choose(page, "whatIfMethod", child<QComboBox>(page, "whatIfMethod")->findData(QStringLiteral("snapkv")));
  ASSERT_TRUE(settled());  // the layout is final
  QSlider& slider = page.slider();
  const int y = slider.height() / 2;
  QTest::mousePress(
      &slider, Qt::LeftButton, {},
      QPoint(slider.style()->sliderPositionFromValue(0, slider.maximum(), slider.value(), slider.width()), y));
  std::uint64_t before = 0;
  for (const double share : {0.3, 0.5, 0.7, 0.9}) {
    const QPoint to(qRound(slider.width() * share), y);
    QMouseEvent move(QEvent::MouseMove, to, slider.mapToGlobal(to), Qt::NoButton, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&slider, &move);
    ASSERT_TRUE(decided(page));
    ASSERT_EQ(whatIfs().size(), 1U) << "one run for all moves of the slider";
    const std::uint64_t kept = m_document.run(whatIfs().front())->keptTokens();
    EXPECT_GT(kept, before);
    before = kept;
  }
  QTest::mouseRelease(&slider, Qt::LeftButton, {}, QPoint(slider.width() - 5, y));
  EXPECT_THAT(page.note().toStdString(), HasSubstr("recomputed in"));
  QTest::mouseClick(child<QPushButton>(page, "whatIfRemove"), Qt::LeftButton);
  EXPECT_TRUE(whatIfs().empty());
}

TEST_F(WhatIfPageTest, RecordedSettingsAgreeWithTheRecordedRun) {
  WhatIfPage page(m_document, m_selection);
  show(page, {300, 300});
  open();
  const std::vector<RunId> runs = m_document.runIds();
  const auto run = std::ranges::find_if(runs, [this](RunId id) {
    return m_document.runHeader(id).method == "h2o" && m_document.runHeader(id).budget == "32";
  });
  m_selection.setFocusRun(*run);
  choose(page, "whatIfMethod", child<QComboBox>(page, "whatIfMethod")->findData(QStringLiteral("h2o")));
  auto* tokens = child<QSpinBox>(page, "whatIfTokens");
  tokens->setFocus();
  for (const char* budget : {"33", "32"}) {  // the field starts at the focused run's 32
    tokens->selectAll();
    QTest::keyClicks(tokens, QString::fromLatin1(budget));
    QTest::keyClick(tokens, Qt::Key_Return);
  }
  ASSERT_TRUE(decided(page));
  ASSERT_TRUE(waitUntil([&] { return page.note().contains(QLatin1String("agreement")); }));
  EXPECT_THAT(page.note().toStdString(), HasSubstr("agreement with H2O 32: 1.00"));
}

TEST_F(WhatIfPageTest, CaptureThisSpellsTheSettingsForTheCommandLine) {
  WhatIfPage page(m_document, m_selection);
  show(page, {300, 300});
  open();
  choose(page, "whatIfMethod", child<QComboBox>(page, "whatIfMethod")->findData(QStringLiteral("pyramidkv")));
  child<QSpinBox>(page, "whatIfTokens")->setValue(48);
  QSignalSpy wanted(&page, &WhatIfPage::captureRequested);
  QTest::mouseClick(child<QPushButton>(page, "whatIfCapture"), Qt::LeftButton);
  ASSERT_EQ(wanted.count(), 1);
  EXPECT_THAT(wanted[0][0].toString().toStdString(), HasSubstr("pyramidkv:"));
  EXPECT_THAT(wanted[0][0].toString().toStdString(), HasSubstr("beta="));
  EXPECT_EQ(wanted[0][1].toString(), "48");
  EXPECT_EQ(wanted[0][2].toInt(), 8);
}

class BookmarksPageTest : public test::OpenedPagesTest {
 protected:
  BookmarksPage m_page{m_document, [this] { return viewStateOf(m_selection); }};
  QAbstractItemModelTester m_tester{&m_page.model(), QAbstractItemModelTester::FailureReportingMode::Warning};

  void openPage() {
    show(m_page, {280, 300});
    open();
  }
  void press(const char* name) { QTest::mouseClick(child<QPushButton>(m_page, name), Qt::LeftButton); }
  int count() { return m_page.model().rowCount(); }
};

TEST_F(BookmarksPageTest, AddOpenNoteRemoveAndUndoAll) {
  EXPECT_FALSE(child<QPushButton>(m_page, "bookmarkAdd")->isEnabled());
  openPage();
  m_selection.setLayer(LayerIndex(2));
  m_selection.setCursor(Cell{200, 30});
  press("bookmarkAdd");
  ASSERT_EQ(count(), 1);
  EXPECT_THAT(m_page.model().bookmark(0).name, HasSubstr("L2"));
  auto* note = child<QLineEdit>(m_page, "bookmarkNote");
  QTest::keyClicks(note, QStringLiteral("the needle"));
  QTest::keyClick(note, Qt::Key_Return);
  EXPECT_EQ(m_page.model().bookmark(0).note, "the needle");
  m_selection.setLayer(LayerIndex(0));
  QSignalSpy wanted(&m_page, &BookmarksPage::stateRequested);
  const QRect row = m_page.list().visualRect(m_page.model().index(0));
  QTest::mouseClick(m_page.list().viewport(), Qt::LeftButton, {}, row.center());
  ASSERT_EQ(wanted.count(), 1);
  EXPECT_EQ(wanted[0][0].value<ViewState>().layer, LayerIndex(2));
  EXPECT_EQ(wanted[0][0].value<ViewState>().cursor, (std::optional<Cell>(Cell{200, 30})));
  press("bookmarkRemove");
  EXPECT_EQ(count(), 0);
  m_page.undoStack().undo();
  ASSERT_EQ(count(), 1);
  EXPECT_EQ(m_page.model().bookmark(0).note, "the needle");
  m_page.undoStack().undo();
  m_page.undoStack().undo();
  EXPECT_EQ(count(), 0);
  EXPECT_FALSE(m_page.undoStack().canUndo());
  m_page.undoStack().redo();
  m_page.undoStack().redo();
  ASSERT_EQ(count(), 1);
  EXPECT_EQ(m_page.model().bookmark(0).note, "the needle");
}

TEST_F(BookmarksPageTest, BookmarksReturnWhenTheTraceIsReopened) {
  openPage();
  press("bookmarkAdd");
  m_document.close();
  EXPECT_EQ(count(), 0);
  EXPECT_FALSE(m_page.undoStack().canUndo()) << "undo history belongs to one trace";
  m_document.open(m_folder / "a.kva.h5");
  ASSERT_TRUE(waitUntil([this] { return m_document.isOpen(); }));
  EXPECT_EQ(count(), 1);
}

TEST_F(BookmarksPageTest, AReadOnlyFolderShowsAnError) {
  openPage();
  QSignalSpy failed(&m_page, &BookmarksPage::failed);
  std::filesystem::create_directory(m_folder / "a.kva.h5.notes.json");  // blocks writing the notes file
  press("bookmarkAdd");
  ASSERT_GE(failed.count(), 1);
  EXPECT_THAT(failed[0][0].toString().toStdString(), HasSubstr("a.kva.h5.notes.json"));
  EXPECT_EQ(count(), 1) << "kept while the window is open";
}

}  // namespace
}  // namespace kvatlas::views
