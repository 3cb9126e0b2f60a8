// Scales of colours: where a value lies on each, and limits fitted to what is visible.
#include "views/models/map/colour_limits.h"

#include <gtest/gtest.h>

#include <cmath>

#include "views/models/value_scale.h"

namespace kvatlas::views {
namespace {

// The middle of a scale is the mean of its ends: arithmetic, of the roots, geometric.
double middleOf(ScaleKind kind, double low, double high) {
  if (kind == ScaleKind::Log) return std::sqrt(low * high);
  if (kind == ScaleKind::Sqrt) return low + (high - low) / 4;
  return (low + high) / 2;
}

class EachScale : public testing::TestWithParam<ScaleKind> {};

TEST_P(EachScale, HasItsMiddleInTheMiddleOfTheControl) {
  const ScaleDomain domain{GetParam(), 0.01, 0.81};
  EXPECT_NEAR(domain.position(middleOf(GetParam(), 0.01, 0.81)), 0.5, 1e-12);
  EXPECT_NEAR(domain.position(0.01), 0, 1e-12);
  EXPECT_NEAR(domain.position(0.81), 1, 1e-12);
  for (const double position : {0.0, 0.1, 0.5, 0.9, 1.0})
    EXPECT_NEAR(domain.position(domain.value(position)), position, 1e-12);
}

TEST_P(EachScale, DrawsItsMiddleInTheMiddleColour) {
  ColourSettings settings{.table = "grey", .kind = GetParam(), .low = 0.01, .high = 0.81};
  const MapColours colours(settings, Theme::Light);
  settings.kind = ScaleKind::Linear;
  const MapColours linear(settings, Theme::Light);
  const Rgb drawn = colours.colourOf(middleOf(GetParam(), 0.01, 0.81)), middle = linear.colourOf(0.41);
  EXPECT_NEAR(drawn.r, middle.r, 2);
  EXPECT_NEAR(drawn.g, middle.g, 2);
  EXPECT_NEAR(drawn.b, middle.b, 2);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EachScale, testing::Values(ScaleKind::Linear, ScaleKind::Sqrt, ScaleKind::Log));

TEST(FittedLimits, AreTheBinsOfTheQuantiles) {
  CodeHistogram seen;
  seen.bins[90] = 4;
  seen.bins[100] = 188;
  seen.bins[150] = 7;
  seen.bins[200] = 1;
  seen.zeros = 1000;  // do not count
  const ColourSettings fitted = fittedTo(seen, {.kind = ScaleKind::Log});
  EXPECT_EQ(fitted.low, valueOfBin(90));
  EXPECT_EQ(fitted.high, valueOfBin(150));
  const ColourSettings wider = fittedTo(seen, {.kind = ScaleKind::Log}, 0.5, 1);
  EXPECT_EQ(wider.low, valueOfBin(100));
  EXPECT_EQ(wider.high, valueOfBin(200));
  EXPECT_EQ(fittedTo(seen, {.kind = ScaleKind::Linear}).low, 0);
  EXPECT_EQ(fittedTo(seen, {.kind = ScaleKind::Linear}).high, valueOfBin(150));
}

}  // namespace
}  // namespace kvatlas::views
