// The training log: curves over tokens, stages, resumed and torn logs, damage named; and its figure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <QImage>

#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/support/scratch_folder.h"
#include "views/plots/figures/figure.h"

namespace kvatlas::views {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kHeader =
    "step,tokens,stage,sequence,learning_rate,loss_text,loss_answer,loss_repeat,heldout_bits_per_byte,"
    "accuracy_1024,accuracy_256,seconds\n";

class TrainingLogTest : public ::testing::Test {
 protected:
  TrainingCurves read(const std::string& text) const {
    m_scratch.write("log.csv", text);
    return readTrainingCurves(m_scratch / "log.csv");
  }
  std::string errorOf(const std::string& text) const {
    try {
      (void)read(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  test::ScratchFolder m_scratch;
};

std::string sampleLog() {
  std::string text = kHeader;
  for (int step = 1; step <= 60; ++step) {
    const bool measured = step % 10 == 0;
    text += fmt::format("{},{},{},512,0.01,{},,,{},{},{},{}\n", step, step * 100'000, step <= 20 ? "repeats" : "facts",
                        8.0 / step + 2, measured ? fmt::format("{}", 4.0 / step + 1) : "", measured ? "0.25" : "",
                        measured ? "0.75" : "", step);
  }
  return text;
}

TEST_F(TrainingLogTest, CurvesHoldTheCellsThatWereMeasured) {
  const TrainingCurves log = read(sampleLog());
  EXPECT_EQ(log.rows, 60U);
  EXPECT_EQ(log.text_loss.values.size(), 60U);
  EXPECT_THAT(log.held_out.tokens, ElementsAre(1e6, 2e6, 3e6, 4e6, 5e6, 6e6));
  EXPECT_EQ(log.held_out.values[1], 1.2);
  ASSERT_EQ(log.accuracy.size(), 2U);
  EXPECT_EQ(log.accuracy[0].first, 256U) << "ascending by length";
  EXPECT_EQ(log.accuracy[0].second.values.front(), 0.75);
  ASSERT_EQ(log.stages.size(), 2U);
  EXPECT_EQ(log.stages[1].name, "facts");
  EXPECT_EQ(log.stages[1].tokens, 2e6);
  EXPECT_THAT(log.warnings, IsEmpty());
}

TEST_F(TrainingLogTest, ATrainingThatWentBackReplacesWhatItDidBefore) {
  const TrainingCurves log = read("tokens,loss_text\n100,5\n200,4\n300,9\n200,3\n300,2\n");
  EXPECT_THAT(log.text_loss.tokens, ElementsAre(100, 200, 300));
  EXPECT_THAT(log.text_loss.values, ElementsAre(5, 3, 2));
}

TEST_F(TrainingLogTest, ATornLastLineIsLeftOutAndReported) {
  const TrainingCurves log = read("tokens,loss_text\n100,5\n200,");
  EXPECT_THAT(log.text_loss.values, ElementsAre(5));
  EXPECT_THAT(log.warnings, ElementsAre(HasSubstr("log.csv:3")));
}

TEST_F(TrainingLogTest, DamageIsNamedByLineAndColumn) {
  EXPECT_THAT(errorOf("tokens,loss_text\n100,5\n200,x\n"), HasSubstr("log.csv:3: column 'loss_text'"));
  EXPECT_THAT(errorOf("tokens,loss_text\n100,5,6\n"), HasSubstr("log.csv:2: 3 cells"));
  EXPECT_THAT(errorOf("tokens,loss_text\n,5\n"), HasSubstr("log.csv:2: column 'tokens'"));
  EXPECT_THAT(errorOf("tokens,accuracy_long\n1,0.5\n"), HasSubstr("accuracy_long"));
  EXPECT_THAT(errorOf("tokens,tokens\n1,1\n"), HasSubstr("twice"));
  EXPECT_THAT(errorOf("a,b\n1,2\n"), HasSubstr("no column 'tokens'"));
  EXPECT_THAT(errorOf(""), HasSubstr("no column 'tokens'"));
  EXPECT_THAT(errorOf("tokens,step\n1,2\n"), HasSubstr("no loss and no accuracy"));
  EXPECT_THAT(errorOf(std::string(100'000, ',') + "\n"), HasSubstr("columns"));
  EXPECT_THAT(errorOf("tokens,loss_text\n100,inf\n"), HasSubstr("column 'loss_text'"));
}

TEST_F(TrainingLogTest, TheFigureIsRepeatableAndNamesItsStages) {
  const TrainingCurves log = read(sampleLog());
  for (const Theme theme : {Theme::Light, Theme::Dark}) {
    FigureSpec spec = defaultSpec("training");
    spec.theme = theme;
    for (const char* ending : {".pdf", ".svg", ".png"}) {
      Figure first = buildFigure(log, spec), second = buildFigure(log, spec);
      writeFigure(first, m_scratch / (std::string("a") + ending), 300);
      writeFigure(second, m_scratch / (std::string("b") + ending), 300);
      EXPECT_EQ(readFile(m_scratch / (std::string("a") + ending)), readFile(m_scratch / (std::string("b") + ending)));
    }
  }
  const std::string svg = readFile(m_scratch / "a.svg");
  for (const char* word : {"facts", "repeats", "bits per byte", "256 tokens", "1,024 tokens", "millions"})
    EXPECT_THAT(svg, HasSubstr(word));
  const nlohmann::json sidecar = readJsonFile(m_scratch / "a.svg.json");
  EXPECT_EQ(sidecar["training"]["accuracy"][0]["length"], 256);
  EXPECT_EQ(sidecar["training"]["heldout_bits_per_byte"]["values"].size(), 6U);
}

TEST_F(TrainingLogTest, OneRowIsEnough) {
  FigureSpec spec = defaultSpec("training");
  Figure figure = buildFigure(read("tokens,accuracy_512\n0,0\n"), spec);
  writeFigure(figure, m_scratch / "one.png", 300);
  EXPECT_FALSE(QImage((m_scratch / "one.png").c_str()).isNull());
}

}  // namespace
}  // namespace kvatlas::views
