// The figures library through its C interface, loaded as `kvatlas figure` loads it.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/figures/figure_options.h"
#include "core/figures/figure_help.h"
#include "tests/support/sample_results.h"
#include "tests/support/sample_trace.h"

namespace kvatlas::app {
namespace {

using ::testing::HasSubstr;

class FigureModule : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    void* library = ::dlopen(KVATLAS_FIGURES_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << ::dlerror();
    s_draw = reinterpret_cast<FigureEntry>(::dlsym(library, kFigureSymbol));
    ASSERT_NE(s_draw, nullptr);
    s_folder = std::filesystem::temp_directory_path() / ("views-module-" + std::to_string(::getpid()));
    std::filesystem::create_directories(s_folder);
    test::writeSampleTrace(s_folder / "sample.kva.h5", test::SampleTraceOptions{.experts = 4});
    results::test::writeCases(s_folder / "results", results::Settings(results::test::sampleValues()));
    std::ofstream(s_folder / "log.csv") << "tokens,loss_text\n1000,5\n2000,4\n";
    std::ofstream(s_folder / "heads.json") << R"({"0-0": [0.1, 0.3], "0-1": [0, 0.5]})";
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(s_folder); }

  static FigureOptions options(const std::string& kind) {
    FigureOptions all;
    all.kind = kind;
    all.files = {(s_folder / "sample.kva.h5").string()};
    all.output = (s_folder / (kind + ".svg")).string();
    return all;
  }
  static int draw(const FigureOptions& wanted, std::string& message) { return s_draw(&wanted, &message); }
  static void expectError(const FigureOptions& wanted, int code, const char* part) {
    std::string message;
    EXPECT_EQ(draw(wanted, message), code) << message;
    EXPECT_THAT(message, HasSubstr(part));
    EXPECT_FALSE(std::filesystem::exists(wanted.output)) << "left a file";
  }

  inline static FigureEntry s_draw = nullptr;
  inline static std::filesystem::path s_folder;
};

TEST_F(FigureModule, DrawsEveryKind) {
  for (const char* kind : {"pattern", "heatmap", "budget", "eviction", "retained"}) {
    std::string message;
    EXPECT_EQ(draw(options(kind), message), 0) << message;
    EXPECT_TRUE(std::filesystem::exists(options(kind).output));
    EXPECT_TRUE(std::filesystem::exists(options(kind).output + ".json"));
    std::filesystem::remove(options(kind).output);
  }
}

TEST_F(FigureModule, WrongUsageIsCodeTwoWithOneSentence) {
  FigureOptions wanted = options("patern");
  expectError(wanted, 2, "did you mean 'pattern'");
  wanted = options("budget");
  wanted.clip = 0.5;
  expectError(wanted, 2, "--clip does not apply to a budget figure");
  wanted = options("heatmap");
  wanted.layer = 40;
  expectError(wanted, 2, "layer 40");
  wanted = options("heatmap");
  wanted.output += ".jpg";
  expectError(wanted, 2, ".pdf, .svg or .png");
  wanted = options("budget");
  wanted.score = "exact";
  expectError(wanted, 2, "--score does not apply to a budget figure");
  wanted = options("heatmap");
  wanted.files.push_back(wanted.files.front());
  expectError(wanted, 2, "one trace");
  wanted = options("needle");
  wanted.files = {(s_folder / "results").string(), (s_folder / "results").string()};
  expectError(wanted, 2, "one folder of results");
}

void setField(FigureOptions& options, figures::SpecField field) {
  using figures::SpecField;
  switch (field) {
    case SpecField::Reduction:
      options.reduction = "max";
      break;
    case SpecField::Scale:
      options.scale = "linear";
      break;
    case SpecField::ColourMap:
      options.colour_map = "magma";
      break;
    case SpecField::Clip:
      options.clip = 0.5;
      break;
    case SpecField::Floor:
      options.floor = 1e-4;
      break;
    case SpecField::Layers:
      options.layers = {0};
      break;
    case SpecField::Layer:
      options.layer = 0;
      break;
    case SpecField::Head:
      options.head = "0";
      break;
    case SpecField::Entropy:
      options.entropy = true;
      break;
    case SpecField::Runs:
      options.runs =
          options.kind == "lifetime" ? std::vector<std::string>{"snapkv"} : std::vector<std::string>{"snapkv", "h2o"};
      break;
    case SpecField::Budget:
      options.budgets = {"32"};
      break;
    case SpecField::Score:
      options.score = "word_overlap";
      break;
    case SpecField::By:
      options.by = "kind";
      break;
    case SpecField::Spans:
      options.no_spans = true;
      break;
    case SpecField::Lowest:
      options.lowest = 0.1;
      break;
  }
}

TEST_F(FigureModule, EveryKindTakesTheFieldsOfItsRowAndRejectsOthers) {
  for (const figures::FigureKind& kind : figures::figureKinds()) {
    for (const figures::SpecField field : figures::specFields()) {
      FigureOptions wanted = options(std::string(kind.name));
      if (kind.source == figures::FigureSource::Results) wanted.files = {(s_folder / "results").string()};
      if (kind.source == figures::FigureSource::TrainingLog) wanted.files = {(s_folder / "log.csv").string()};
      if (kind.source == figures::FigureSource::HeadTable) wanted.files = {(s_folder / "heads.json").string()};
      wanted.quiet = true;
      setField(wanted, field);
      const std::string option = figures::optionOf(field);
      if (!kind.reads(field)) {
        expectError(wanted, 2, (option + " does not apply to a " + wanted.kind + " figure, only to ").c_str());
        continue;
      }
      std::string message;
      EXPECT_EQ(draw(wanted, message), 0) << wanted.kind << ' ' << option << ": " << message;
      std::filesystem::remove(wanted.output);
    }
  }
}

TEST_F(FigureModule, DrawsResultsAndLogs) {
  for (const auto& [kind, source] : {std::pair{"needle", "results"}, std::pair{"accuracy", "results"},
                                     std::pair{"training", "log.csv"}, std::pair{"heads", "heads.json"}}) {
    FigureOptions wanted = options(kind);
    wanted.files = {(s_folder / source).string()};
    std::string message;
    EXPECT_EQ(draw(wanted, message), 0) << message;
    EXPECT_TRUE(std::filesystem::exists(wanted.output + ".json"));
    std::filesystem::remove(wanted.output);
  }
}

TEST_F(FigureModule, TheWrongSourceIsNamed) {
  expectError(options("needle"), 1, "sample.kva.h5: is a file; a needle figure is drawn from a folder of results");
  FigureOptions wanted = options("budget");
  wanted.files = {(s_folder / "results").string()};
  expectError(wanted, 1, "is a folder; a budget figure is drawn from a trace file");
  wanted = options("training");
  expectError(wanted, 1, "sample.kva.h5");
}

TEST_F(FigureModule, MissingFilesAreCodeOne) {
  FigureOptions wanted = options("budget");
  wanted.files = {(s_folder / "missing.kva.h5").string()};
  expectError(wanted, 1, "missing.kva.h5");
  wanted = options("budget");
  wanted.output = (s_folder / "no folder" / "x.svg").string();
  expectError(wanted, 1, "no folder");
}

}  // namespace
}  // namespace kvatlas::app
