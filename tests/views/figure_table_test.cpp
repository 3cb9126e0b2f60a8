// The table of figures: every row builds from its source, rejects other sources, and is in the help.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/figures/figure_help.h"
#include "tests/support/sample_results.h"
#include "tests/support/sample_trace.h"
#include "tests/support/scratch_folder.h"
#include "views/plots/figures/figure_builder.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;

class FigureTable : public ::testing::TestWithParam<std::string> {
 protected:
  static void SetUpTestSuite() {
    s_folder = new test::ScratchFolder;
    test::writeSampleTrace(*s_folder / "a.kva.h5", test::SampleTraceOptions{.experts = 4});
    results::test::writeCases(*s_folder / "results", results::Settings(results::test::sampleValues()));
    s_folder->write("log.csv", "tokens,loss_text\n1000,5\n2000,4\n");
    s_folder->write("heads.json", R"({"0-0": [0.1, 0.3], "0-1": [0, 0], "1-0": [1, 0], "1-1": [0, 0.2]})");
  }
  static void TearDownTestSuite() { delete s_folder; }

  static Figure build(FigureSource source, const FigureSpec& spec) {
    switch (source) {
      case FigureSource::Trace:
        return buildFigure(trace::Reader(*s_folder / "a.kva.h5"), spec);
      case FigureSource::Results:
        return buildFigure(results::ResultsReader(*s_folder / "results"), spec);
      case FigureSource::TrainingLog:
        return buildFigure(readTrainingCurves(*s_folder / "log.csv"), spec);
      case FigureSource::HeadTable:
        return buildFigure(policy::readHeadTable(*s_folder / "heads.json"), spec);
    }
    fail("no such source");
  }
  static const FigureKind& kind() { return figures::findFigureKind(GetParam()); }

  inline static test::ScratchFolder* s_folder = nullptr;
};

TEST_P(FigureTable, BuildsFromItsSourceAndRejectsOthers) {
  for (const FigureSource source :
       {FigureSource::Trace, FigureSource::Results, FigureSource::TrainingLog, FigureSource::HeadTable}) {
    if (source != kind().source) {
      EXPECT_THROW((void)build(source, defaultSpec(GetParam())), UsageError);
      continue;
    }
    const Figure figure = build(source, defaultSpec(GetParam()));
    ASSERT_NE(figure.canvas, nullptr);
    EXPECT_EQ(figure.canvas->width(), inches(kind().defaults.two_columns ? kDoubleColumnInches : kSingleColumnInches));
    EXPECT_EQ(figure.sidecar["kind"], GetParam());
  }
}

TEST_P(FigureTable, TheRowNamesTheSourceOfItsBuilder) {
  EXPECT_EQ(builderOf(defaultSpec(GetParam())).source, kind().source);
}

TEST_P(FigureTable, DrawsAfterTheFileIsClosed) {
  const FigureSpec spec = defaultSpec(GetParam());
  std::optional<GatheredFigure> gathered;
  if (kind().source == FigureSource::Trace) {
    const trace::Reader reader(*s_folder / "a.kva.h5");
    gathered = gatherFigure(Traces{&reader}, spec);
  } else if (kind().source == FigureSource::Results) {
    const results::ResultsReader reader(*s_folder / "results");
    gathered = gatherFigure(&reader, spec);
  } else if (kind().source == FigureSource::HeadTable) {
    const policy::HeadTable table = policy::readHeadTable(*s_folder / "heads.json");
    gathered = gatherFigure(&table, spec);
  } else {
    const TrainingCurves curves = readTrainingCurves(*s_folder / "log.csv");
    gathered = gatherFigure(&curves, spec);
  }
  EXPECT_EQ(drawFigure(*gathered).sidecar, build(kind().source, spec).sidecar);
}

TEST_P(FigureTable, TakesSeveralTracesIfItsRowAllowsIt) {
  if (kind().source != FigureSource::Trace) GTEST_SKIP() << "not a trace figure";
  const trace::Reader first(*s_folder / "a.kva.h5"), second(*s_folder / "a.kva.h5");
  const Traces both{&first, &second};
  if (kind().several) {
    EXPECT_NO_THROW((void)buildFigure(both, defaultSpec(GetParam())));
  } else {
    EXPECT_THROW((void)buildFigure(both, defaultSpec(GetParam())), UsageError);
  }
}

TEST_P(FigureTable, IsInTheHelp) {
  EXPECT_THAT(figures::kindsHelp(), HasSubstr(GetParam()));
  if (kind().source == FigureSource::Trace) {
    EXPECT_EQ(figures::filesHelp().find(GetParam()) != std::string::npos, kind().several);
  }
  EXPECT_STRNE(kind().menu, "");
  for (const figures::ReadField& read : kind().fields)
    EXPECT_THAT(figures::helpOf(read.field), HasSubstr(std::string(read.default_text)));
}

std::vector<std::string> kindNames() {
  std::vector<std::string> names;
  for (const FigureKind& kind : figures::figureKinds()) names.emplace_back(kind.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Rows, FigureTable, ::testing::ValuesIn(kindNames()), [](const auto& row) {
  std::string name = row.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(FigureHelp, NamesTheKindsAndTheirDefaults) {
  using figures::helpOf;
  EXPECT_EQ(helpOf(SpecField::Layer), "heatmap, lifetime: the layer (heatmap: the middle one, lifetime: all)");
  EXPECT_EQ(helpOf(SpecField::Scale), "linear or log (pattern: linear, heatmap: log)");
  EXPECT_EQ(helpOf(SpecField::Clip),
            "probability at which the colours saturate (pattern: 0.01, less on long prompts; heatmap: 1)");
  try {
    figures::refuse(SpecField::Clip, figures::findFigureKind("budget"));
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "--clip does not apply to a budget figure, only to pattern and heatmap");
  }
}

}  // namespace
}  // namespace kvatlas::views
