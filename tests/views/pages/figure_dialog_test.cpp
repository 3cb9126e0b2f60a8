// The figure dialog: previews and writes every kind; other threads collect the values, late answers are dropped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLineEdit>
#include <QSignalSpy>
#include <QThreadPool>
#include <fstream>
#include <semaphore>

#include "core/base/error.h"
#include "core/figures/figure_kinds.h"
#include "tests/support/sample_results.h"
#include "tests/views/pages/opened_pages.h"
#include "views/pages/figure_dialog.h"

namespace kvatlas::views {
namespace {

class FigureDialogTest : public test::OpenedPagesTest {
 protected:
  void drawAndWait(FigureDialog& dialog) {
    dialog.draw();
    ASSERT_TRUE(waitUntil([&] { return !dialog.busy(); }));
  }
  // Blocks the reading thread until the semaphore is released.
  void holdReadingThread() {
    m_document.post(
        {Priority::Now, 0},
        [this](const trace::Reader&) {
          m_held.release();
          m_go_on.acquire();
          return 0;
        },
        &m_document, [](const Answer<int>&) {});
    m_held.acquire();
  }

  std::binary_semaphore m_held{0}, m_go_on{0};
};

TEST_F(FigureDialogTest, EveryKindHasAPreviewAtPrintedSizeAndIsWritten) {
  open({.budgets = {32, 64}, .experts = 4});
  const auto results = m_folder / "results";
  results::test::writeCases(results, results::Settings(results::test::sampleValues()), 1000);
  const auto log = m_folder.write("log.csv", "tokens,loss_text,heldout_bits_per_byte\n0,6.2,3.1\n1000,4.0,2.2\n");
  const auto heads = m_folder.write("heads.json", R"({"0-0": [0.1, 0.3], "0-1": [0, 0.5]})");
  for (const FigureKind& kind : figures::figureKinds()) {
    const std::string name(kind.name);
    FigureDialog dialog(m_document, m_selection, name);
    if (kind.source != FigureSource::Trace) {
      drawAndWait(dialog);
      EXPECT_NE(dialog.problem(), "") << name << " asks for its source";
      EXPECT_NE(dialog.writeTo(file(name + ".svg")), "");
      const auto& source = kind.source == FigureSource::TrainingLog ? log
                           : kind.source == FigureSource::HeadTable ? heads
                                                                    : results;
      dialog.setSourcePath(QString::fromStdString(source.string()));
    }
    drawAndWait(dialog);
    EXPECT_EQ(dialog.problem().toStdString(), "") << name;
    const double inches = dialog.preview().width() / (dialog.logicalDpiX() * 2.0);
    EXPECT_NEAR(inches, dialog.spec().width_inches, 0.02) << name;
    EXPECT_EQ(dialog.writeTo(file(name + ".svg")).toStdString(), "");
    EXPECT_GT(std::filesystem::file_size(m_folder / (name + ".svg")), 1000U);
    EXPECT_NE(dialog.writeTo(file(name + ".bmp")), "") << "not a format";
  }
}

TEST_F(FigureDialogTest, DrawingDoesNotBlockAndLateAnswersAreDropped) {
  open();
  FigureDialog dialog(m_document, m_selection, "budget");
  QSignalSpy drawn(&dialog, &FigureDialog::drawn);
  holdReadingThread();
  dialog.draw();
  EXPECT_TRUE(dialog.busy()) << "draw() returned while the reading thread is blocked";
  EXPECT_TRUE(dialog.preview().isNull());
  EXPECT_NE(dialog.writeTo(file("early.svg")), "") << "nothing to write yet";
  child<QComboBox>(dialog, "figureKind")->setCurrentText("retained");
  dialog.draw();
  m_go_on.release();
  ASSERT_TRUE(waitUntil([&] { return !dialog.busy(); }));
  ASSERT_TRUE(settled());
  EXPECT_EQ(drawn.size(), 1) << "the answer for 'budget' was dropped";
  EXPECT_EQ(dialog.writeTo(file("late.svg")).toStdString(), "");
  std::ifstream written(m_folder / "late.svg.json");
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(written), {}), ::testing::HasSubstr("\"retained\""));
}

TEST_F(FigureDialogTest, OfTwoFilesTheLastRequestedIsShown) {
  const auto log = [&](const std::string& name, int rows) {
    std::string text = "tokens,loss_text\n";
    for (int row = 0; row < rows; ++row) text += std::to_string(row * 10) + ",2\n";
    return m_folder.write(name, text);
  };
  const auto large = log("large.csv", 200'000), small = log("small.csv", 3);
  FigureDialog dialog(m_document, m_selection, "training");
  QSignalSpy drawn(&dialog, &FigureDialog::drawn);
  dialog.setSourcePath(QString::fromStdString(large.string()));
  dialog.draw();
  dialog.setSourcePath(QString::fromStdString(small.string()));
  dialog.draw();
  ASSERT_TRUE(waitUntil([&] { return !dialog.busy(); }));
  QThreadPool::globalInstance()->waitForDone();
  QApplication::processEvents();
  EXPECT_EQ(drawn.size(), 1) << "the answer for the large file comes last and is dropped";
  EXPECT_EQ(dialog.writeTo(file("log.svg")).toStdString(), "");
  std::ifstream written(m_folder / "log.svg.json");
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(written), {}), ::testing::HasSubstr("small.csv"));
}

TEST_F(FigureDialogTest, ADialogClosedWhileDrawingDropsTheAnswer) {
  open();
  holdReadingThread();
  {
    FigureDialog dialog(m_document, m_selection, "pattern");
    dialog.draw();
  }
  m_go_on.release();
  EXPECT_TRUE(settled());
}

TEST_F(FigureDialogTest, OnlyFieldsTheKindReadsAreEnabled) {
  open();
  FigureDialog dialog(m_document, m_selection, "pattern");
  const auto enabled = [&](const char* name) { return child<QWidget>(dialog, name)->isEnabled(); };
  for (const FigureKind& kind : figures::figureKinds()) {
    child<QComboBox>(dialog, "figureKind")->setCurrentText(QString::fromStdString(std::string(kind.name)));
    const bool of_trace = kind.source == FigureSource::Trace;
    EXPECT_EQ(enabled("figureScale"), kind.reads(SpecField::Scale)) << kind.name;
    EXPECT_EQ(enabled("figureRuns"), of_trace && kind.reads(SpecField::Runs)) << kind.name;
    EXPECT_EQ(enabled("figureBy"), kind.reads(SpecField::By)) << kind.name;
    EXPECT_EQ(enabled("figureEntropy"), kind.reads(SpecField::Entropy)) << kind.name;
    EXPECT_EQ(enabled("figureSource"), !of_trace) << kind.name;
  }
  EXPECT_THROW(FigureDialog(m_document, m_selection, "no such figure"), UsageError);
}

}  // namespace
}  // namespace kvatlas::views
