// Figures of results: every cell in its colour and place, lines with their intervals, nothing beyond the page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <QProcess>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "core/results/tables.h"
#include "tests/support/sample_results.h"
#include "tests/views/rendering.h"
#include "views/models/colour_table.h"
#include "views/models/figures/results_facts.h"
#include "views/plots/figures/figure.h"

namespace kvatlas::views {
namespace {

using results::Settings;
using results::test::complaint;
using results::test::sampleValues;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

bool is(const QImage& image, int x, int y, Rgb colour) {
  return (image.pixel(x, y) & 0xFFFFFFU) == (qRgb(colour.r, colour.g, colour.b) & 0xFFFFFFU);
}

std::size_t pixelsOf(const QImage& image, Rgb colour) {
  std::size_t count = 0;
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x) count += is(image, x, y, colour) ? 1 : 0;
  return count;
}

// Of pixels in a row, the most that have a colour: type and colour bars hold many colours, but none of them far.
int longestRun(const QImage& image, Rgb colour) {
  int longest = 0;
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0, run = 0; x < image.width(); ++x) {
      run = is(image, x, y, colour) ? run + 1 : 0;
      longest = std::max(longest, run);
    }
  return longest;
}

// The cells of a colour: what the bar has of it is narrower.
QRect cellsOf(const QImage& image, Rgb colour) {
  constexpr int kWiderThanTheBar = 80;
  QRect bounds;
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0, run = 0; x < image.width(); ++x) {
      run = is(image, x, y, colour) ? run + 1 : 0;
      if (run >= kWiderThanTheBar) bounds |= QRect(x - run + 1, y, run, 1);
    }
  return bounds;
}

class ResultsFigure : public ::testing::Test {
 protected:
  void writeRun(const nlohmann::json& values = sampleValues(), std::size_t cases = 1000) {
    results::test::writeCases(m_results, Settings(values), cases);
  }
  Figure figure(const FigureSpec& spec) { return buildFigure(results::ResultsReader(m_results), spec); }
  QImage png(const FigureSpec& spec) {
    Figure made = figure(spec);
    writeFigure(made, m_scratch / "figure.png", spec.dpi);
    return QImage((m_scratch / "figure.png").c_str()).convertToFormat(QImage::Format_RGB32);
  }
  std::string errorOf(const FigureSpec& spec) {
    return complaint([&] { (void)figure(spec); });
  }
  // Five methods at three budgets over 8 lengths and 11 depths: the size of a published comparison.
  static nlohmann::json largeValues() {
    nlohmann::json values = sampleValues();
    values["lengths"] = {256, 512, 768, 1024, 1280, 1536, 1792, 2048};
    values["depths"] = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100};
    values["kinds"] = {"number"};
    values["trials"] = 1;
    values["branches"] = {{{"method", "full"}, {"label", "full"}, {"budget", "full"}}};
    for (const char* budget : {"24", "64", "12.5%"})
      for (const char* method : {"streamingllm", "h2o", "snapkv", "pyramidkv", "adakv"})
        values["branches"].push_back({{"method", method}, {"label", method}, {"budget", budget}});
    return values;
  }

  results::test::ScratchFolder m_scratch;
  const std::filesystem::path m_results = m_scratch / "results";
};

// The outermost dots are paper and every text lies on the page.
void expectInsidePage(Figure& figure, const QImage& image, Theme theme) {
  const Rgb paper = themeColours(theme).paper;
  for (int x = 0; x < image.width(); ++x)
    ASSERT_TRUE(is(image, x, 1, paper) && is(image, x, image.height() - 2, paper)) << x;
  for (int y = 0; y < image.height(); ++y)
    ASSERT_TRUE(is(image, 1, y, paper) && is(image, image.width() - 2, y, paper)) << y;
  const QRectF page(0, 0, figure.canvas->width(), figure.canvas->height());
  for (int i = 0; i < figure.canvas->plot().itemCount(); ++i) {
    const auto* text = qobject_cast<QCPItemText*>(figure.canvas->plot().item(i));
    if (text == nullptr || text->rotation() != 0) continue;
    EXPECT_TRUE(page.contains(text->topLeft->pixelPosition()) && page.contains(text->bottomRight->pixelPosition()))
        << text->text().toStdString();
  }
}

class EveryResultsKind : public ResultsFigure, public ::testing::WithParamInterface<std::string> {};

TEST_P(EveryResultsKind, WritesAllFormatsWithSidecarAndTheSameBytesTwice) {
  writeRun();
  for (const char* ending : {".pdf", ".svg", ".png"}) {
    std::vector<std::string> files;
    for (const char* name : {"first", "second"}) {
      const auto path = m_scratch / (std::string(name) + ending);
      Figure made = figure(defaultSpec(GetParam()));
      EXPECT_THAT(made.warnings, IsEmpty());
      writeFigure(made, path, 300);
      files.push_back(readFile(path));
      const nlohmann::json sidecar = readJsonFile(path.string() + ".json");
      EXPECT_EQ(sidecar["kind"], GetParam());
      EXPECT_EQ(sidecar["results"]["settings"], sampleValues());
      EXPECT_EQ(sidecar["results"]["cases_done"], 24);
      EXPECT_EQ(sidecar["score"], "substring");
    }
    EXPECT_EQ(files[0], files[1]) << ending;
  }
}

TEST_P(EveryResultsKind, PdfHasItsTextAndFonts) {
  writeRun();
  Figure made = figure(defaultSpec(GetParam()));
  const auto path = m_scratch / "figure.pdf";
  writeFigure(made, path, 300);
  const std::string pdf = readFile(path);
  EXPECT_NE(pdf.find("/FontFile2"), std::string::npos);
  EXPECT_EQ(pdf.find("DCTDecode"), std::string::npos);
  if (!test::havePoppler()) GTEST_SKIP() << "pdftotext is not installed";
  QProcess reader;
  reader.start(QStringLiteral("pdftotext"), {QString::fromStdString(path.string()), QStringLiteral("-")});
  ASSERT_TRUE(reader.waitForFinished());
  const std::string text = reader.readAllStandardOutput().toStdString();
  for (const char* word : {"SnapKV", "H2O", "tiny", "substring"}) EXPECT_THAT(text, HasSubstr(word));
}

TEST_P(EveryResultsKind, FitsThePageInBothThemesAndWidths) {
  writeRun(largeValues());
  for (const Theme theme : {Theme::Light, Theme::Dark}) {
    for (const double width : {kSingleColumnInches, kDoubleColumnInches}) {
      FigureSpec spec = defaultSpec(GetParam());
      spec.theme = theme;
      spec.width_inches = width;
      spec.title =
          "A title that is much too long for the width of this figure and has to be cut somewhere in the middle";
      if (GetParam() == "needle" && width < 5) spec.columns = 4;
      Figure made = figure(spec);
      writeFigure(made, m_scratch / "page.png", 300);
      const QImage image = QImage((m_scratch / "page.png").c_str()).convertToFormat(QImage::Format_RGB32);
      EXPECT_EQ(image.width(), qRound(width * 300));
      expectInsidePage(made, image, theme);
    }
  }
}

TEST_P(EveryResultsKind, ErrorsNameWhatIsWrong) {
  writeRun();
  FigureSpec spec = defaultSpec(GetParam());
  spec.runs = {"snapvk"};
  EXPECT_THAT(errorOf(spec), HasSubstr("did you mean 'snapkv'"));
  spec.runs = {"snapkv"};
  spec.budgets = {"64"};
  EXPECT_THAT(errorOf(spec), HasSubstr("'64'"));
  spec.budgets = {"20%"};
  EXPECT_THAT(errorOf(spec), HasSubstr("--runs and --budget together"));
  spec = defaultSpec(GetParam());
  spec.score = "rouge";
  EXPECT_THAT(errorOf(spec), HasSubstr("rouge1_f"));
  spec = defaultSpec("budget");
  EXPECT_THAT(errorOf(spec), HasSubstr("not drawn from results"));
}

TEST_P(EveryResultsKind, UnfinishedRunsSaySoAndEmptyOnesAreRefused) {
  writeRun(sampleValues(), 5);
  EXPECT_THAT(figure(defaultSpec(GetParam())).warnings, Contains(HasSubstr("5 of 24 cases")));
  results::test::put(m_results / results::kResultsFile, "");
  EXPECT_THAT(errorOf(defaultSpec(GetParam())), HasSubstr("no finished case"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryResultsKind, ::testing::Values("needle", "accuracy"),
                         [](const auto& kind) { return kind.param; });

// The sample's SnapKV finds nothing at the top, 37.5 % in the middle and everything at the bottom.
TEST_F(ResultsFigure, NeedleCellsHaveTheColourOfTheirScoreAndDepthZeroIsAtTheTop) {
  writeRun();
  const QImage image = png(defaultSpec("needle"));
  const QRect middle = cellsOf(image, scoreTable().at(0.375));
  ASSERT_GT(middle.width(), 100) << "both lengths";
  const int left = middle.left() + middle.width() / 4, right = middle.right() - middle.width() / 4;
  for (const int x : {left, right}) {
    EXPECT_TRUE(is(image, x, middle.top() - middle.height() / 2, rgb(0xF0496E))) << "depth 0 %";
    EXPECT_TRUE(is(image, x, middle.center().y(), scoreTable().at(0.375))) << "depth 37.5 %";
    EXPECT_TRUE(is(image, x, middle.bottom() + middle.height() / 2, rgb(0x0CD79F))) << "depth 100 %";
  }
  EXPECT_EQ(scoreTable().at(0), rgb(0xF0496E));
  EXPECT_EQ(scoreTable().at(1), rgb(0x0CD79F));
  const Rgb half = scoreTable().at(0.5);
  EXPECT_NEAR(half.r, 0xEB, 1);
  EXPECT_NEAR(half.g, 0xB8, 1);
  EXPECT_NEAR(half.b, 0x39, 1);
}

TEST_F(ResultsFigure, NeedlePanelsAreTheFullCacheThenMethodsByBudget) {
  writeRun(largeValues());
  const Figure made = figure(defaultSpec("needle"));
  const nlohmann::json& panels = made.sidecar["needle"]["panels"];
  ASSERT_EQ(panels.size(), 16U);
  EXPECT_EQ(panels[0]["method"], "full");
  EXPECT_EQ(panels[0]["average"], 1.0);
  EXPECT_EQ(panels[3]["label"], "snapkv");
  EXPECT_EQ(panels[3]["scores"].size(), 11U);
  EXPECT_EQ(panels[3]["scores"][3].size(), 8U);
  EXPECT_NEAR(panels[3]["scores"][3][7].get<double>(), 0.3, 1e-6);
  EXPECT_NEAR(panels[3]["average"].get<double>(), 0.5, 1e-9);
}

TEST_F(ResultsFigure, CellsWithoutACaseAreHatched) {
  const ThemeColours& colours = themeColours(Theme::Light);
  writeRun(sampleValues(), 8);  // 128 tokens at the first two depths only
  const QImage part = png(defaultSpec("needle"));
  EXPECT_GT(pixelsOf(part, colours.not_captured), 5000U);
  EXPECT_GT(pixelsOf(part, colours.not_captured_hatch), 1500U);
  EXPECT_THAT(figure(defaultSpec("needle")).sidecar["needle"]["panels"][1]["scores"][2], ElementsAre(nullptr, nullptr));
  writeRun();
  EXPECT_GE(longestRun(part, colours.not_captured), 10);
  EXPECT_LT(longestRun(png(defaultSpec("needle")), colours.not_captured), 4) << "shades of letters only";
}

TEST_F(ResultsFigure, RunsBudgetsAndScoresAreChosen) {
  writeRun();
  FigureSpec spec = defaultSpec("needle");
  spec.runs = {"h2o"};
  spec.score = "word_overlap";
  const Figure made = figure(spec);
  ASSERT_EQ(made.sidecar["needle"]["panels"].size(), 2U);
  EXPECT_EQ(made.sidecar["needle"]["panels"][1]["budget"], "20%");
  EXPECT_NEAR(made.sidecar["needle"]["panels"][0]["average"].get<double>(), 0.1, 1e-9);
  EXPECT_EQ(pixelsOf(png(spec), rgb(0xF0496E)), pixelsOf(png(spec), scoreTable().at(0)));
}

TEST_F(ResultsFigure, AccuracyLinesHoldTheTableAndItsIntervals) {
  writeRun();
  const Figure made = figure(defaultSpec("accuracy"));
  const results::ResultsReader reader(m_results);
  const auto table = results::accuracyOf(reader.settings().plan(), reader.records());
  const nlohmann::json& panel = made.sidecar["accuracy"]["panels"][0];
  EXPECT_EQ(panel["full"]["mean"], 1.0);
  ASSERT_EQ(panel["lines"].size(), 2U);
  const nlohmann::json& snapkv = panel["lines"][0]["points"][0];
  EXPECT_EQ(snapkv["kept"], 32.0);
  EXPECT_EQ(snapkv["mean"], table[1].mean);
  EXPECT_EQ(snapkv["low"], table[1].interval.low);
  EXPECT_EQ(snapkv["high"], table[1].interval.high);
}

TEST_F(ResultsFigure, AccuracyPanelsByKindAndLength) {
  writeRun();
  FigureSpec spec = defaultSpec("accuracy");
  EXPECT_GT(pixelsOf(png(spec), methodColour("snapkv")), 100U);
  EXPECT_GT(pixelsOf(png(spec), methodColour("h2o")), 100U);
  spec.by = AccuracyBy::Kind;
  EXPECT_EQ(figure(spec).sidecar["accuracy"]["panels"].size(), 2U);
  EXPECT_EQ(figure(spec).sidecar["accuracy"]["panels"][1]["title"], "needle: words");
  spec.by = AccuracyBy::Length;
  const Figure by_length = figure(spec);
  ASSERT_EQ(by_length.sidecar["accuracy"]["panels"].size(), 2U);
  EXPECT_EQ(by_length.sidecar["accuracy"]["panels"][0]["full"]["records"], 12);
  EXPECT_EQ(by_length.sidecar["accuracy"]["panels"][1]["full"]["kept"], 255.0);
}

TEST_F(ResultsFigure, AccuracyNeedsMoreThanTheFullCache) {
  nlohmann::json values = sampleValues();
  values["branches"].erase(2);
  values["branches"].erase(1);
  writeRun(values);
  EXPECT_THAT(errorOf(defaultSpec("accuracy")), HasSubstr("full cache only"));
  EXPECT_NO_THROW((void)figure(defaultSpec("needle")));
}

TEST(BranchTitles, CarryTheParametersOfTheirLabel) {
  EXPECT_EQ(branchTitle({"snapkv", "snapkv", "64"}), "SnapKV");
  EXPECT_EQ(branchTitle({"snapkv", "snapkv:kernel=5", "64"}), "SnapKV (kernel=5)");
  EXPECT_EQ(branchTitle({"snapkv", "mine", "64"}), "SnapKV (mine)");
}

}  // namespace
}  // namespace kvatlas::views
