// Colours, scales, ticks and the reduction of grids to pixels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/policy/policy.h"
#include "views/models/colour_table.h"
#include "views/models/figures/figure_spec.h"
#include "views/models/figures/layer_lines.h"
#include "views/models/number_text.h"
#include "views/models/ticks.h"
#include "views/models/value_scale.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<std::string> textsOf(const std::vector<Tick>& ticks) {
  std::vector<std::string> texts;
  for (const Tick& tick : ticks) texts.push_back(tick.text);
  return texts;
}

template <class Call>
std::string messageOf(Call call) {
  try {
    call();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no UsageError";
}

TEST(Palette, MethodColoursAreThoseOfTheDesign) {
  EXPECT_EQ(methodColour("full"), rgb(0x000000));
  EXPECT_EQ(methodColour("pyramidkv"), rgb(0xD55E00));
  EXPECT_EQ(methodColour("snapkv"), rgb(0x0072B2));
  EXPECT_EQ(methodColour("h2o"), rgb(0x009E73));
  EXPECT_EQ(methodColour("streamingllm"), rgb(0xCC79A7));
  EXPECT_EQ(methodColour("headkv"), rgb(0xE69F00));
  EXPECT_EQ(methodColour("adakv"), rgb(0x56B4E9));
}

TEST(Palette, EveryMethodOfTheTableHasALookOfItsOwn) {
  std::vector<Rgb> seen;
  for (const policy::Method& method : policy::methods()) {
    const Rgb colour = methodColour(method.name);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), colour), 0) << method.name;
    EXPECT_NE(colour, methodColour("a method nobody has written")) << method.name;
    EXPECT_EQ(methodTitle(method.name), method.title);
    seen.push_back(colour);
  }
  EXPECT_EQ(methodTitle("somethingnew"), "somethingnew");
}

TEST(ColourTable, AgreesWithThePublishedTables) {
  const ColourTable& viridis = colourTable("viridis");
  EXPECT_EQ(viridis.entries[0], rgb(0x440154));
  EXPECT_EQ(viridis.entries[128], rgb(0x21918c));
  EXPECT_EQ(viridis.entries[255], rgb(0xfde725));
  EXPECT_EQ(colourTable("magma").entries[255], rgb(0xfcfdbf));
  EXPECT_EQ(colourTable("grey").at(0.2), (Rgb{51, 51, 51}));
  // Luminance rises along every table: none can suggest an order that is not there.
  for (const std::string& name : colourTableNames()) {
    const auto luminance = [](Rgb c) { return 0.2126 * c.r + 0.7152 * c.g + 0.0722 * c.b; };
    const ColourTable& table = colourTable(name);
    for (std::size_t i = 1; i < 256; ++i)
      EXPECT_GE(luminance(table.entries[i]), luminance(table.entries[i - 1]) - 1.0) << name << i;
  }
  EXPECT_THAT(messageOf([] { (void)colourTable("viridsi"); }), HasSubstr("did you mean 'viridis'"));
}

TEST(ValueScale, LinearAndLogPositions) {
  const ValueScale linear{ScaleKind::Linear, 0, 0.01};
  EXPECT_DOUBLE_EQ(linear.position(0.005), 0.5);
  EXPECT_EQ(linear.position(0.7), 1);
  const ValueScale log{ScaleKind::Log, 1e-4, 1};
  EXPECT_NEAR(log.position(1e-2), 0.5, 1e-12);
  EXPECT_EQ(log.position(1e-9), 0);
  EXPECT_EQ(log.position(0), 0);
}

TEST(ValueScale, ZeroMaskedAndMissingHaveColoursOfTheirOwn) {
  const Colouring log = makeColouring(colourTable("viridis"), {ScaleKind::Log, 1e-5, 1}, Theme::Light);
  const Rgb zero = log.colourOf(0), masked = log.colourOf(kMasked), missing = log.colourOf(kNan),
            tiny = log.colourOf(1e-30F);
  EXPECT_EQ(tiny, rgb(0x440154));
  EXPECT_NE(zero, tiny);
  EXPECT_NE(zero, masked);
  EXPECT_NE(missing, masked);
  EXPECT_NE(missing, tiny);
  const Colouring linear = makeColouring(colourTable("viridis"), {ScaleKind::Linear, 0, 1}, Theme::Light);
  EXPECT_EQ(linear.colourOf(0), rgb(0x440154));
}

TEST(Resample, ASingleTokenStripeSurvivesAnyReduction) {
  for (const std::size_t tokens : {64U, 1000U, 4096U, 4099U}) {
    for (const std::size_t pixels : {7U, 64U, 333U}) {
      if (pixels > tokens) continue;
      for (std::size_t stripe = 0; stripe < tokens; stripe += 1 + tokens / 61) {
        ValueGrid grid = ValueGrid::filled(1, tokens, 0);
        grid.at(0, stripe) = 0.75F;
        const ValueGrid shown = resample(grid, 1, pixels, Pooling::Max);
        EXPECT_EQ(std::count(shown.values.begin(), shown.values.end(), 0.75F), 1)
            << tokens << " " << pixels << " " << stripe;
      }
    }
  }
}

TEST(Resample, MeanIsWeightedByPairsAndSkipsMaskedCells) {
  ValueGrid grid = ValueGrid::filled(2, 2, 0);
  grid.values = {0.5F, kMasked, 0.1F, 0.4F};
  grid.weights = {10, 0, 16, 10};
  const ValueGrid one = resample(grid, 1, 1, Pooling::Mean);
  EXPECT_NEAR(one.values[0], (0.5 * 10 + 0.1 * 16 + 0.4 * 10) / 36, 1e-7);
  EXPECT_EQ(resample(grid, 1, 1, Pooling::Max).values[0], 0.5F);
}

TEST(Resample, MaskedAndMissingOnlyWhereNothingElseIs) {
  ValueGrid grid = ValueGrid::filled(1, 4, kMasked);
  grid.at(0, 1) = kNan;
  grid.at(0, 3) = 0.0F;
  const ValueGrid shown = resample(grid, 1, 2, Pooling::Max);
  EXPECT_TRUE(std::isnan(shown.values[0]));
  EXPECT_EQ(shown.values[1], 0.0F);
}

TEST(Resample, RaggedLastCellTakesItsShare) {
  // 10 tokens in cells of 4: the third cell is half as wide.
  ValueGrid grid{1, 3, 1, 2.5, {0.1F, 0.2F, 0.3F}, {}};
  const ValueGrid shown = resample(grid, 1, 10, Pooling::Max);
  const std::vector<float> expected = {0.1F, 0.1F, 0.1F, 0.1F, 0.2F, 0.2F, 0.2F, 0.2F, 0.3F, 0.3F};
  EXPECT_EQ(shown.values, expected);
  EXPECT_EQ(resample(grid, 1, 1, Pooling::Max).values[0], 0.3F);
}

TEST(Ticks, RoundNumbers) {
  EXPECT_THAT(textsOf(linearTicks(0, 512, 4, true)), ::testing::ElementsAre("0", "200", "400"));
  EXPECT_THAT(textsOf(linearTicks(0, 0.01, 6)),
              ::testing::ElementsAre("0.000", "0.002", "0.004", "0.006", "0.008", "0.010"));
  EXPECT_THAT(textsOf(linearTicks(0, 3, 9, true)), ::testing::ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(textsOf(logTicks(1e-3, 100, 7)), ::testing::ElementsAre("10⁻³", "10⁻²", "10⁻¹", "1", "10", "10²"));
  for (const double high : {1.0, 7.0, 99.0, 128000.0, 0.03}) EXPECT_LE(linearTicks(0, high, 5).size(), 5U);
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(999), "999");
}

TEST(Quantile, InterpolatesBetweenOrderStatistics) {
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_NEAR(quantile({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0.1), 1.0, 1e-12);
  EXPECT_DOUBLE_EQ(quantile({5}, 0.9), 5);
  EXPECT_DOUBLE_EQ(quantile({std::nan(""), 2}, 0.1), 2);
  EXPECT_TRUE(std::isnan(quantile({}, 0.1)));
}

TEST(FigureSpec, WordsAreCheckedAndNearNamesOffered) {
  EXPECT_EQ(figures::findFigureKind("eviction").name, "eviction");
  EXPECT_THAT(messageOf([] { (void)figures::findFigureKind("heatmpa"); }), HasSubstr("did you mean 'heatmap'"));
  EXPECT_THAT(messageOf([] { (void)parseScale("logarithmic"); }), HasSubstr("--scale"));
  EXPECT_EQ(parseWidth("single"), 3.3);
  EXPECT_EQ(parseWidth("5.25"), 5.25);
  EXPECT_THAT(messageOf([] { (void)parseWidth("wide"); }), HasSubstr("inches"));
  EXPECT_THAT(messageOf([] { (void)parseHead("x"); }), HasSubstr("--head"));
  FigureSpec spec = defaultSpec("pattern");
  EXPECT_NO_THROW(checkSpec(spec));
  spec.clip = 0;
  EXPECT_THAT(messageOf([&] { checkSpec(spec); }), HasSubstr("--clip"));
  spec = defaultSpec("heatmap");
  spec.floor = 2;
  EXPECT_THAT(messageOf([&] { checkSpec(spec); }), HasSubstr("--floor"));
  spec = defaultSpec("budget");
  spec.dpi = 1e9;
  EXPECT_THAT(messageOf([&] { checkSpec(spec); }), HasSubstr("--dpi"));
}

}  // namespace
}  // namespace kvatlas::views
