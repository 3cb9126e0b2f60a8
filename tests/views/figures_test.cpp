// Every kind of trace figure from a real file: output files, sidecar, content, errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/support/sample_trace.h"
#include "tests/support/scratch_folder.h"
#include "tests/views/rendering.h"
#include "views/models/colour_table.h"
#include "views/plots/figures/figure.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;

test::SampleTraceOptions sampleOptions() {
  test::SampleTraceOptions options;
  options.budgets = {24, 48};
  options.keep_qk = false;
  return options;
}

class FigureTest : public ::testing::Test {
 protected:
  FigureTest() { test::writeSampleTrace(m_trace, sampleOptions()); }

  QImage png(const FigureSpec& spec) {
    Figure figure = buildFigure(trace::Reader(m_trace), spec);
    writeFigure(figure, m_folder / "figure.png", spec.dpi);
    return QImage((m_folder / "figure.png").c_str()).convertToFormat(QImage::Format_RGB32);
  }
  std::string errorOf(const FigureSpec& spec) {
    try {
      (void)buildFigure(trace::Reader(m_trace), spec);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  test::ScratchFolder m_folder;
  const std::filesystem::path m_trace = m_folder / "sample.kva.h5";
};

std::size_t pixelsOf(const QImage& image, Rgb colour) {
  const QRgb wanted = qRgb(colour.r, colour.g, colour.b);
  std::size_t count = 0;
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x) count += image.pixel(x, y) == wanted ? 1 : 0;
  return count;
}

TEST_F(FigureTest, LettersThatNoFontHasAreWarnedOf) {
  FigureSpec spec = defaultSpec("budget");
  spec.title = "Linear A: \U00010600";
  Figure figure = buildFigure(trace::Reader(m_trace), spec);
  writeFigure(figure, m_folder / "figure.svg", 300);
  ASSERT_EQ(figure.warnings.size(), 1U);
  EXPECT_THAT(figure.warnings.front(), HasSubstr("no installed font has 1 letter of this figure (\U00010600)"));
}

TEST_F(FigureTest, ALabelThatIsNotUtf8GivesAFigureAndItsSidecar) {
  test::SampleTrace sample = test::makeSampleTrace(sampleOptions());
  sample.header.runs[1].label = "snap\xff";
  test::writeSampleTrace(m_trace, sample);
  Figure figure = buildFigure(trace::Reader(m_trace), defaultSpec("budget"));
  writeFigure(figure, m_folder / "figure.svg", 300);
  EXPECT_TRUE(readJsonFile(m_folder / "figure.svg.json").is_object());
}

TEST_F(FigureTest, NoImageWithoutItsSidecar) {
  std::filesystem::create_directory(m_folder / "figure.svg.json");
  Figure figure = buildFigure(trace::Reader(m_trace), defaultSpec("budget"));
  EXPECT_THROW(writeFigure(figure, m_folder / "figure.svg", 300), Error);
  EXPECT_FALSE(std::filesystem::exists(m_folder / "figure.svg"));
  EXPECT_FALSE(std::filesystem::exists(m_folder / "figure.svg.part"));
}

TEST_F(FigureTest, ExpertsGiveTheShareOfTokensOfEachLayer) {
  EXPECT_THAT(errorOf(defaultSpec("experts")), HasSubstr("has no experts"));
  test::SampleTraceOptions options = sampleOptions();
  options.experts = 3;
  const test::SampleTrace sample = test::makeSampleTrace(options);
  test::writeSampleTrace(m_trace, sample);
  const Figure figure = buildFigure(trace::Reader(m_trace), defaultSpec("experts"));
  const nlohmann::json& layers = figure.sidecar["experts"]["layers"];
  ASSERT_EQ(layers.size(), options.layers);
  for (std::size_t layer = 0; layer < layers.size(); ++layer)
    for (std::size_t expert = 0; expert < 3; ++expert)
      EXPECT_NEAR(layers[layer]["share"][expert].get<double>(),
                  sample.experts.tokens[layer * 3 + expert] / double(options.tokens), 1e-6);
  // The busiest expert has the colour of its share; the bar ends at the next 5 %.
  const double most = 100.0 * *std::ranges::max_element(sample.experts.tokens) / options.tokens;
  const Rgb busiest = colourTable("viridis").at(most / std::max(5.0, std::ceil(most / 5) * 5));
  EXPECT_GT(pixelsOf(png(defaultSpec("experts")), busiest), 100U);
}

class EveryKind : public FigureTest, public ::testing::WithParamInterface<std::string> {};

TEST_P(EveryKind, WritesAllFormatsAndACompleteSidecar) {
  for (const char* ending : {".pdf", ".svg", ".png"}) {
    const auto path = m_folder / (std::string("figure") + ending);
    FigureSpec spec = defaultSpec(GetParam());
    spec.title = "A title";
    Figure figure = buildFigure(trace::Reader(m_trace), spec);
    writeFigure(figure, path, spec.dpi);
    EXPECT_GT(std::filesystem::file_size(path), 3000U);
    EXPECT_TRUE(figure.warnings.empty()) << figure.warnings.front();
    const nlohmann::json sidecar = readJsonFile(path.string() + ".json");
    for (const char* member : {"kind", "generator", "width_inches", "height_inches", "dpi", "theme", "title", "spans",
                               "trace", "figure", "warnings"})
      EXPECT_TRUE(sidecar.contains(member)) << member;
    EXPECT_EQ(sidecar["kind"], GetParam());
    EXPECT_EQ(sidecar["trace"]["file"], "sample.kva.h5");
    EXPECT_EQ(sidecar["trace"]["tokens"], 256);
    EXPECT_EQ(sidecar["trace"]["prompt_sha256"].get<std::string>().size(), 64U);
    EXPECT_EQ(sidecar["trace"]["model"]["layers"], 4);
    EXPECT_FALSE(std::filesystem::exists(path.string() + ".part"));
  }
}

TEST_P(EveryKind, SameBytesTwice) {
  for (const char* ending : {".pdf", ".svg", ".png"}) {
    std::vector<std::string> files;
    for (const char* name : {"first", "second"}) {
      Figure figure = buildFigure(trace::Reader(m_trace), defaultSpec(GetParam()));
      writeFigure(figure, m_folder / (std::string(name) + ending), 300);
      files.push_back(readFile(m_folder / (std::string(name) + ending)));
    }
    EXPECT_EQ(files[0], files[1]) << ending;
  }
}

TEST_P(EveryKind, PdfHasNoLossyImageAndLooksLikeThePng) {
  FigureSpec spec = defaultSpec(GetParam());
  const QImage picture = png(spec);
  Figure figure = buildFigure(trace::Reader(m_trace), spec);
  writeFigure(figure, m_folder / "figure.pdf", 300);
  const std::string pdf = readFile(m_folder / "figure.pdf");
  EXPECT_EQ(pdf.find("DCTDecode"), std::string::npos);
  if (!test::havePoppler()) GTEST_SKIP() << "pdftoppm is not installed";
  const QImage page = test::renderPdf(QByteArray::fromStdString(pdf));
  ASSERT_NEAR(page.width(), picture.width(), 1);
  ASSERT_NEAR(page.height(), picture.height(), 1);
  // Renderers differ in antialiased edges but not in areas.
  std::size_t different = 0, all = 0;
  for (int y = 0; y < std::min(page.height(), picture.height()); ++y) {
    for (int x = 0; x < std::min(page.width(), picture.width()); ++x) {
      const QRgb a = page.pixel(x, y), b = picture.pixel(x, y);
      different +=
          std::abs(qRed(a) - qRed(b)) + std::abs(qGreen(a) - qGreen(b)) + std::abs(qBlue(a) - qBlue(b)) > 120 ? 1 : 0;
      ++all;
    }
  }
  EXPECT_LT(static_cast<double>(different) / static_cast<double>(all), 0.03);
}

TEST_P(EveryKind, DarkThemeAndBothWidths) {
  FigureSpec spec = defaultSpec(GetParam());
  spec.theme = Theme::Dark;
  for (const double width : {kSingleColumnInches, kDoubleColumnInches}) {
    spec.width_inches = width;
    const QImage image = png(spec);
    EXPECT_EQ(image.width(), qRound(width * 300));
    const Rgb paper = themeColours(Theme::Dark).paper;
    EXPECT_EQ(image.pixel(2, 2) & 0xFFFFFFU, qRgb(paper.r, paper.g, paper.b) & 0xFFFFFFU);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryKind,
                         ::testing::Values("pattern", "heatmap", "budget", "eviction", "methods", "retained"),
                         [](const auto& kind) { return kind.param; });

TEST_F(FigureTest, PatternDrawsSaturatedDiagonalsOfEveryLayerAndTheWholeRange) {
  FigureSpec spec = defaultSpec("pattern");
  spec.layers = {0, 3};
  const QImage image = png(spec);
  EXPECT_GT(pixelsOf(image, colourTable("viridis").entries[255]), 1000U);
  spec.clip = 1;
  EXPECT_LT(pixelsOf(png(spec), colourTable("viridis").entries[255]),
            pixelsOf(image, colourTable("viridis").entries[255]));
}

TEST_F(FigureTest, HeatmapStripsShowEachMethodInItsColour) {
  FigureSpec spec = defaultSpec("heatmap");
  spec.head = 1;
  const QImage image = png(spec);
  for (const char* method : {"pyramidkv", "snapkv", "h2o", "streamingllm"})
    EXPECT_GT(pixelsOf(image, methodColour(method)), 200U) << method;
  spec.runs = {"snapkv"};
  EXPECT_EQ(pixelsOf(png(spec), methodColour("h2o")), 0U);
}

TEST_F(FigureTest, ChartSidecarHoldsTheNumbers) {
  Figure figure = buildFigure(trace::Reader(m_trace), defaultSpec("budget"));
  const nlohmann::json& panels = figure.sidecar["chart"]["panels"];
  ASSERT_EQ(panels.size(), 2U);
  EXPECT_EQ(panels[0]["budget"], "24");
  for (const auto& line : panels[0]["lines"]) EXPECT_EQ(line["values"].size(), 4U);
  EXPECT_EQ(figure.sidecar["runs"].size(), 8U);
  EXPECT_TRUE(figure.sidecar["runs"][0].contains("parameters"));
}

// A second capture of the same prompt with another budget; the first has 24 and 48.
class SeveralTraces : public FigureTest {
 protected:
  SeveralTraces() {
    test::SampleTraceOptions options = sampleOptions();
    options.budgets = {24, 96};
    test::writeSampleTrace(m_other, options);
  }
  Figure draw(const FigureSpec& spec) {
    const trace::Reader first(m_trace), second(m_other);
    return buildFigure(Traces{&first, &second}, spec);
  }
  const std::filesystem::path m_other = m_folder / "other.kva.h5";
};

TEST_F(SeveralTraces, ShareOneChartLabelledByFile) {
  for (const char* kind : {"budget", "retained"}) {
    Figure figure = draw(defaultSpec(kind));
    const nlohmann::json& panels = figure.sidecar["chart"]["panels"];
    ASSERT_EQ(panels.size(), 3U) << "24 of both, 48 of the first, 96 of the second";
    std::vector<std::string> titles;
    for (const auto& line : panels[0]["lines"])
      if (line["method"] == "snapkv" && !line["oracle"].get<bool>()) titles.push_back(line["title"]);
    EXPECT_THAT(titles, ::testing::ElementsAre("SnapKV · sample", "SnapKV · other"));
    EXPECT_EQ(panels[2]["budget"], "96");
    EXPECT_EQ(figure.sidecar["traces"].size(), 2U);
    EXPECT_EQ(figure.sidecar["runs"].back()["trace"], "other");
    writeFigure(figure, m_folder / "both.svg", 300);
    EXPECT_THAT(readFile(m_folder / "both.svg"), HasSubstr("SnapKV · other"));
  }
}

TEST_F(SeveralTraces, RunsAndBudgetsMayBeInOneOfThem) {
  FigureSpec spec = defaultSpec("budget");
  spec.budgets = {"96"};
  EXPECT_EQ(draw(spec).sidecar["chart"]["panels"].size(), 1U);
  spec.budgets = {"97"};
  EXPECT_THROW((void)draw(spec), UsageError);
}

TEST_F(SeveralTraces, EvictionHasOnePanelPerRunOfEach) {
  FigureSpec spec = defaultSpec("eviction");
  spec.budgets = {"24"};
  Figure figure = draw(spec);
  EXPECT_EQ(figure.sidecar["runs"].size(), 8U);
  writeFigure(figure, m_folder / "both.svg", 300);
  EXPECT_THAT(readFile(m_folder / "both.svg"), HasSubstr("H2O · sample"));
}

TEST_F(FigureTest, MethodsAreRowsWithTheSharesOfAllTheirHeads) {
  FigureSpec spec = defaultSpec("methods");
  spec.budgets = {"24"};
  const Figure figure = buildFigure(trace::Reader(m_trace), spec);
  const test::SampleTrace sample = test::makeSampleTrace(sampleOptions());
  const auto& rows = figure.sidecar["rows"];
  std::size_t row = 0;
  for (std::size_t run = 1; run < sample.runs.size(); ++run) {
    if (sample.header.runs[run].budget != "24") continue;
    ASSERT_LT(row, rows.size());
    EXPECT_EQ(rows[row]["method"], sample.header.runs[run].method);
    std::vector<std::size_t> keepers(sample.header.prompt.ids.size());
    for (const TokenIndex position : sample.runs[run].kept_positions) ++keepers[position];
    for (std::size_t j = 0; j < keepers.size(); ++j)
      EXPECT_NEAR(rows[row]["kept_share"][j].get<double>(),
                  static_cast<double>(keepers[j]) / static_cast<double>(sample.runs[run].capacity.size()), 1e-6);
    ++row;
  }
  EXPECT_EQ(row, rows.size());
  EXPECT_GE(row, 3U);
  spec.budgets = {"24", "48"};
  EXPECT_THAT(errorOf(spec), HasSubstr("one budget"));
}

TEST_F(SeveralTraces, MustHaveTheSameTokens) {
  test::SampleTrace sample = test::makeSampleTrace(sampleOptions());
  sample.header.prompt.ids[17] ^= 1;
  test::writeSampleTrace(m_other, sample);
  try {
    (void)draw(defaultSpec("budget"));
    FAIL() << "different prompts in one figure";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::AllOf(HasSubstr("sample.kva.h5"), HasSubstr("other.kva.h5"), HasSubstr("17")));
  }
  EXPECT_THROW((void)draw(defaultSpec("heatmap")), UsageError);
}

TEST_F(FigureTest, SpreadsOfManyMethodsAreWhiskersOfTwoAreBands) {
  const auto notes = [&](const std::vector<std::string>& runs) {
    FigureSpec spec = defaultSpec("retained");
    spec.runs = runs;
    Figure figure = buildFigure(trace::Reader(m_trace), spec);
    writeFigure(figure, m_folder / "spread.svg", 300);
    return readFile(m_folder / "spread.svg");
  };
  EXPECT_THAT(notes({}), HasSubstr("bars: 10th"));
  EXPECT_THAT(notes({"snapkv", "h2o"}), HasSubstr("band: 10th"));
}

TEST_F(FigureTest, ErrorsNameWhatIsWrong) {
  FigureSpec spec = defaultSpec("heatmap");
  spec.layer = 17;
  EXPECT_THAT(errorOf(spec), HasSubstr("layer 17"));
  spec = defaultSpec("heatmap");
  spec.head = 4;
  EXPECT_THAT(errorOf(spec), HasSubstr("head 4"));
  spec = defaultSpec("budget");
  spec.runs = {"pyramid"};
  EXPECT_THAT(errorOf(spec), HasSubstr("pyramidkv"));
  spec = defaultSpec("pattern");
  spec.colour_map = "jet";
  EXPECT_THAT(errorOf(spec), HasSubstr("jet"));
}

TEST_F(FigureTest, RejectsPanelsTooSmallToRead) {
  FigureSpec spec = defaultSpec("pattern");
  spec.columns = 12;
  spec.layers = {0, 1, 2, 3};
  spec.width_inches = 2.5;
  EXPECT_THAT(errorOf(spec), HasSubstr("--columns"));
}

TEST_F(FigureTest, UnwritableOutputIsOneErrorAndLeavesNothing) {
  Figure figure = buildFigure(trace::Reader(m_trace), defaultSpec("budget"));
  const auto missing = m_folder / "no such folder" / "x.png";
  try {
    writeFigure(figure, missing, 300);
    FAIL() << "wrote into a missing folder";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no such folder"));
  }
  EXPECT_FALSE(std::filesystem::exists(missing));
}

TEST(UnfinishedTrace, DrawsTheRecordedPart) {
  const test::ScratchFolder folder;
  const auto path = folder / "half.kva.h5";
  test::SampleTrace sample = test::makeSampleTrace(sampleOptions());
  sample.layers.resize(2);  // the capture stopped before layer 2 and before any run
  sample.runs.clear();
  test::writeSampleTrace(path, sample, false);
  const trace::Reader reader(path.string() + ".part");
  const Figure pattern = buildFigure(reader, defaultSpec("pattern"));
  ASSERT_FALSE(pattern.warnings.empty());
  EXPECT_THAT(pattern.warnings, ::testing::Contains(HasSubstr("2, 3")));
  EXPECT_EQ(pattern.sidecar["maps"][3]["captured"], false);
  FigureSpec spec = defaultSpec("heatmap");
  spec.layer = 1;
  EXPECT_THAT(buildFigure(reader, spec).warnings, ::testing::Contains(HasSubstr("no kept strips")));
  EXPECT_THROW((void)buildFigure(reader, defaultSpec("budget")), Error);
  spec.layer = 3;
  EXPECT_THROW((void)buildFigure(reader, spec), Error);
}

TEST(TraceWithoutMaps, FailsWithAMessage) {
  const test::ScratchFolder folder;
  const auto path = folder / "nomaps.kva.h5";
  test::SampleTrace sample = test::makeSampleTrace(sampleOptions());
  sample.header.attention.cells.clear();
  for (trace::LayerRecord& layer : sample.layers) {
    layer.map_mean.clear();
    layer.map_max.clear();
  }
  test::writeSampleTrace(path, sample);
  try {
    (void)buildFigure(trace::Reader(path), defaultSpec("pattern"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no attention maps"));
  }
  EXPECT_NO_THROW((void)buildFigure(trace::Reader(path), defaultSpec("budget")));
}

}  // namespace
}  // namespace kvatlas::views
