// Single pixels of a map: values, states, shades and comparisons, on screen and in files.
#include <QBuffer>
#include <QPdfWriter>
#include <cmath>
#include <numeric>

#include "tests/views/plots/qt_guard.h"
#include "tests/views/plots/synthetic_tiles.h"
#include "tests/views/rendering.h"
#include "views/plots/map/map_plottable.h"

namespace kvatlas {
namespace {

using test::SyntheticTiles;
using namespace views;

constexpr std::uint64_t kTokens = 4096;

class MapColourTest : public test::QtTest {
 protected:
  MapColourTest() : tiles(kTokens, {64, 1000, 1001, 1002, 1003, 3000}) {}
  void SetUp() override {
    QtTest::SetUp();
    plot = std::make_unique<QCustomPlot>();
    plot->resize(700, 700);
    plot->yAxis->setRangeReversed(true);
    plot->axisRect()->setAutoMargins(QCP::msNone);
    plot->axisRect()->setMargins({94, 94, 94, 94});  // 512 pixels: eight tokens each
    map = new MapPlottable(plot->xAxis, plot->yAxis);
    map->setColours({}, Theme::Light);
    map->setBadgeShown(false);  // every pixel is the map's
    picture.a = {&tiles, LayerIndex(0), {}, trace::Reduction::Max, nullptr};
  }
  void TearDown() override {
    plot.reset();
    QtTest::TearDown();
  }
  QImage screen(double from = 0, double to = kTokens) {
    map->setPicture(picture);
    plot->xAxis->setRange(from, to);
    plot->yAxis->setRange(from, to);
    plot->replot();
    QCoreApplication::processEvents();
    plot->replot();
    return plot->grab().toImage().convertToFormat(QImage::Format_RGB32);
  }
  // At a cell of the whole map.
  static QRgb at(const QImage& image, int query, int key) {
    return image.pixel(94 + key * 512 / static_cast<int>(kTokens), 94 + query * 512 / static_cast<int>(kTokens));
  }
  static QRgb rgbOf(Rgb colour) { return qRgb(colour.r, colour.g, colour.b); }
  static bool isPlainAround(const QImage& image, int x, int y) {
    for (int dy = -1; dy <= 1; ++dy)
      for (int dx = -1; dx <= 1; ++dx)
        if (image.pixel(x + dx, y + dy) != image.pixel(x, y)) return false;
    return true;
  }
  static std::shared_ptr<const PositionCounts> keeping(std::vector<TokenIndex> positions) {
    return std::make_shared<const PositionCounts>(kTokens, positions);
  }

  SyntheticTiles tiles;
  std::unique_ptr<QCustomPlot> plot;
  MapPlottable* map = nullptr;
  MapPicture picture;
};

TEST_F(MapColourTest, ValuesZerosAndMaskedCellsHaveDistinctColours) {
  tiles.ground = 0;
  const QImage image = screen();
  const MapColours& colours = map->colours();
  EXPECT_EQ(at(image, 3500, 1000), rgbOf(colours.colourOf(0.5)));
  EXPECT_EQ(at(image, 3500, 2000), rgbOf(colours.zero()));
  EXPECT_EQ(at(image, 1000, 2000), rgbOf(colours.masked()));
  EXPECT_NE(colours.zero(), colours.masked());
  EXPECT_NE(colours.zero(), colours.colourOf(1e-9));
}

TEST_F(MapColourTest, TheDiagonalIsExactWhenCellsGrow) {
  SyntheticTiles coarse(kTokens, {}, 64);
  picture.a.source = &coarse;
  const QImage image = screen(1000, 1256);  // two pixels per token, 128 per cell
  for (const int token : {1010, 1100, 1249}) {
    const int pixel = 94 + (token - 1000) * 2;
    EXPECT_NE(image.pixel(pixel, pixel), rgbOf(map->colours().masked())) << token;
    EXPECT_EQ(image.pixel(pixel + 2, pixel), rgbOf(map->colours().masked())) << token;
  }
  EXPECT_TRUE(map->detailText().contains(QStringLiteral("64 tokens")));
  EXPECT_TRUE(map->detailText().contains(QStringLiteral("maximum recorded resolution")));
}

TEST_F(MapColourTest, OutsideTheSlidingWindowIsMasked) {
  tiles.setSlidingWindow(512);
  const QImage image = screen();
  EXPECT_EQ(at(image, 3500, 2900), rgbOf(map->colours().masked()));
  EXPECT_EQ(at(image, 3500, 3100), rgbOf(map->colours().colourOf(1e-4)));
}

TEST_F(MapColourTest, MeanAndMaxDiffer) {
  picture.a.reduction = trace::Reduction::Mean;
  const QImage image = screen();
  // Four of the eight tokens of a pixel are stripes: 1000 … 1003.
  const QRgb expected = rgbOf(map->colours().colourOf(0.5 * 0.5 + 0.5 * 1e-4));
  EXPECT_EQ(at(image, 3500, 1000), expected);
}

TEST_F(MapColourTest, MissingTilesShowTheirParentThenThemselves) {
  tiles.setLater(true);
  QImage image = screen();
  EXPECT_EQ(at(image, 3500, 2000), rgbOf(map->colours().notLoaded()));
  ASSERT_FALSE(tiles.wanted.empty());
  // The overview comes first, to avoid blank areas.
  const std::size_t coarsest = tiles.pyramid(LayerIndex(0)).cells.size() - 1;
  EXPECT_EQ(tiles.wanted.front().level, coarsest);
  QTRY_VERIFY(map->settled());
  plot->replot();
  image = plot->grab().toImage().convertToFormat(QImage::Format_RGB32);
  EXPECT_EQ(at(image, 3500, 2000), rgbOf(map->colours().colourOf(1e-4)));
  EXPECT_EQ(at(image, 3500, 1000), rgbOf(map->colours().colourOf(0.5)));
}

TEST_F(MapColourTest, NotCapturedIsHatchedAndNotZero) {
  tiles.setNotCaptured(13);
  const QImage image = screen(3328, 3584);  // tile row 13 of single tokens
  const ThemeColours& theme = themeColours(Theme::Light);
  std::set<QRgb> seen;
  for (int i = 0; i < 40; ++i) seen.insert(image.pixel(100 + i, 400));
  EXPECT_EQ(seen, (std::set<QRgb>{rgbOf(theme.not_captured), rgbOf(theme.not_captured_hatch)}));
}

TEST_F(MapColourTest, EvictedColumnsAreDimmedAndKeptOnesAreNot) {
  const QRgb plain = at(screen(), 3500, 3000);
  picture.a.kept = keeping({1000, 2000});
  const QImage image = screen();
  EXPECT_EQ(at(image, 3500, 1000), rgbOf(map->colours().colourOf(0.5)));
  EXPECT_EQ(at(image, 3500, 2000), rgbOf(map->colours().colourOf(1e-4)));
  EXPECT_NE(at(image, 3500, 3000), plain);
  EXPECT_EQ(at(image, 1000, 3000), rgbOf(map->colours().masked()));  // masked pixels are not dimmed
}

TEST_F(MapColourTest, RunsAreComparedByWhatTheyKeep) {
  picture.a.kept = keeping({1000, 2000});
  picture.b = picture.a;
  picture.b->kept = keeping({1000, 2500});
  picture.mode = PictureSides::Difference;
  EXPECT_TRUE(picture.comparesRuns());
  EXPECT_FALSE(picture.isSigned());
  map->setColours({}, Theme::Light, {rgb(0xFF0000), rgb(0x0000FF)});
  const QImage image = screen();
  const Rgb ground = map->colours().colourOf(1e-4);
  EXPECT_EQ(at(image, 3500, 1000), rgbOf(map->colours().colourOf(0.5)));
  EXPECT_EQ(at(image, 3500, 2000), rgbOf(mix(ground, rgb(0xFF0000), 0.65)));
  EXPECT_EQ(at(image, 3500, 2500), rgbOf(mix(ground, rgb(0x0000FF), 0.65)));
}

TEST_F(MapColourTest, DifferenceAndRatioOfTwoMaps) {
  SyntheticTiles other(kTokens, {1000, 2000});
  other.ground = 1e-4;
  picture.b = picture.a;
  picture.b->source = &other;
  picture.mode = PictureSides::Difference;
  QImage image = screen();
  const MapColours& colours = map->colours();
  EXPECT_EQ(at(image, 3500, 1500), rgbOf(colours.differenceColour(0)));
  EXPECT_EQ(at(image, 3500, 3000), rgbOf(colours.differenceColour(1)));  // a has 0.5, b nothing: beyond the limit
  EXPECT_EQ(at(image, 3500, 2000), rgbOf(colours.differenceColour(-1)));
  EXPECT_EQ(at(image, 3500, 1000), rgbOf(colours.differenceColour(0)));
  other.ground = 2e-4;
  other.peak = 0.25;
  SyntheticTiles doubled(kTokens, {1000});
  doubled.ground = 2e-4;
  picture.b->source = &doubled;
  picture.mode = PictureSides::Ratio;
  image = screen();
  EXPECT_EQ(at(image, 3500, 1500), rgbOf(colours.differenceColour(-1.0 / 8)));  // log₂ ½ of a limit of 8
}

TEST_F(MapColourTest, SplitShowsTheOtherMapMirrored) {
  SyntheticTiles other(kTokens, {500});
  picture.b = picture.a;
  picture.b->source = &other;
  picture.mode = PictureSides::Split;
  const QImage image = screen();
  EXPECT_EQ(at(image, 3500, 1000), rgbOf(map->colours().colourOf(0.5)));  // A below
  EXPECT_EQ(at(image, 3500, 500), rgbOf(map->colours().colourOf(1e-4)));
  EXPECT_EQ(at(image, 500, 3500), rgbOf(map->colours().colourOf(0.5)));  // B above: its key runs down
  EXPECT_EQ(at(image, 1000, 3500), rgbOf(map->colours().colourOf(1e-4)));
}

TEST_F(MapColourTest, LimitsAreAppliedAfterTheTiles) {
  screen();
  const std::size_t made = tiles.made();
  ColourSettings settings;
  settings.low = 1e-3;
  map->setColours(settings, Theme::Light);
  plot->replot();
  EXPECT_EQ(tiles.made(), made);
  EXPECT_EQ(at(plot->grab().toImage(), 3500, 2000), rgbOf(colourTable("viridis").entries[0]));
}

TEST_F(MapColourTest, PicturesInFilesHaveTheColoursOfTheScreen) {
  picture.a.kept = keeping({1000, 2000, 64});
  const QImage on_screen = screen();
  const QImage png = plot->toPixmap(700, 700, 2).toImage().convertToFormat(QImage::Format_RGB32);
  QByteArray pdf;
  QBuffer buffer(&pdf);
  ASSERT_TRUE(buffer.open(QIODevice::WriteOnly));
  {
    QPdfWriter writer(&buffer);
    writer.setResolution(300);
    writer.setPageSize(QPageSize(QSizeF(700 * 72 / 300.0, 700 * 72 / 300.0), QPageSize::Point));
    writer.setPageMargins({});
    QCPPainter painter(&writer);
    painter.setRenderHint(QPainter::LosslessImageRendering);
    painter.setMode(QCPPainter::pmVectorized);
    painter.setMode(QCPPainter::pmNoCaching);
    plot->toPainter(&painter, 700, 700);
  }
  const QImage paper = test::havePoppler() ? test::renderPdf(pdf) : QImage();
  const QImage inside = test::havePoppler() ? test::firstImageOfPdf(pdf) : QImage();
  EXPECT_TRUE(inside.isNull() || inside.size() == QSize(512, 512));
  int plain = 0;
  for (int query = 101; query < static_cast<int>(kTokens); query += 397) {
    for (int key = 37; key < static_cast<int>(kTokens); key += 211) {
      const int x = 94 + key / 8, y = 94 + query / 8;
      EXPECT_EQ(png.pixel(2 * x, 2 * y), on_screen.pixel(x, y)) << query << " " << key;
      if (inside.size() == QSize(512, 512)) {
        EXPECT_EQ(inside.pixel(x - 94, y - 94), on_screen.pixel(x, y)) << query << " " << key;
      }
      // A page may be off by a hundredth of a pixel: next to another colour, the renderer mixes the two.
      if (!paper.isNull() && isPlainAround(on_screen, x, y)) {
        EXPECT_EQ(paper.pixel(x, y), on_screen.pixel(x, y)) << query << " " << key;
        ++plain;
      }
    }
  }
  EXPECT_TRUE(paper.isNull() || plain > 50) << plain;
}

TEST_F(MapColourTest, ReadingsNameTheCellTheyComeFrom) {
  screen();
  MapReading reading = map->read(false, 3500, 1000);
  EXPECT_NEAR(reading.probability, 0.5, 1e-3);
  EXPECT_GE(reading.cell, 1U);
  EXPECT_EQ(map->read(false, 1000, 3500).code, kMaskedPixel);
  EXPECT_EQ(map->read(false, 5000, 1).code, kOutsidePixel);
}

// Whatever the overlay, kept columns have the colours that the bar explains; so have evicted ones beside its marks.
TEST_F(MapColourTest, TheOverlayNeverChangesTheColoursOfTheScale) {
  picture.a.kept = keeping({1000, 2000});
  const auto with = [&](EvictionStyle style, double opacity) {
    ColourSettings settings;
    settings.eviction = style;
    settings.eviction_opacity = opacity;
    map->setColours(settings, Theme::Light);
    return screen();
  };
  const QRgb ground = rgbOf(map->colours().colourOf(1e-4));
  for (const EvictionStyle style : {EvictionStyle::Dim, EvictionStyle::Edge, EvictionStyle::Hatch}) {
    const QImage image = with(style, 0.6);
    EXPECT_EQ(at(image, 3500, 1000), rgbOf(map->colours().colourOf(0.5))) << static_cast<int>(style);
    EXPECT_EQ(at(image, 3500, 2000), ground);
    EXPECT_EQ(at(with(style, 0), 3500, 2500), ground) << "no opacity, no overlay";
  }
  // Evicted columns under a hatch: most pixels keep their colour, the lines are the paper's.
  const QImage hatched = with(EvictionStyle::Hatch, 1);
  int plain = 0, lines = 0;
  for (int x = 0; x < 60; ++x) {
    const QRgb pixel = hatched.pixel(94 + 2200 / 8 + x, 94 + 3500 / 8);
    plain += pixel == ground ? 1 : 0;
    lines += pixel == rgbOf(themeColours(Theme::Light).paper) ? 1 : 0;
  }
  EXPECT_EQ(lines, 10);
  EXPECT_EQ(plain, 50);
  // Edge: nothing but the band along the top.
  const QImage edge = with(EvictionStyle::Edge, 1);
  EXPECT_EQ(at(edge, 3500, 2500), ground);
  EXPECT_EQ(edge.pixel(94 + 2500 / 8, 94 + 2), rgbOf(themeColours(Theme::Light).evicted));
  EXPECT_EQ(edge.pixel(94 + 2000 / 8, 94 + 2), rgbOf(themeColours(Theme::Light).ink));
}

// Fitted limits leave out the first keys, where sinks fill the histogram.
TEST_F(MapColourTest, VisibleValuesLeaveOutTheFirstKeys) {
  ColourSettings settings;
  settings.skip_keys = 80;
  map->setColours(settings, Theme::Light);
  (void)screen();
  const CodeHistogram without = map->visibleValues();
  settings.skip_keys = 0;
  map->setColours(settings, Theme::Light);
  (void)screen();
  const CodeHistogram with = map->visibleValues();
  const auto count = [](const CodeHistogram& seen, std::size_t from) {
    return std::accumulate(seen.bins.begin() + static_cast<std::ptrdiff_t>(from), seen.bins.end(), std::uint64_t{0});
  };
  EXPECT_LT(count(without, 0), count(with, 0));
  EXPECT_LT(count(without, 245), count(with, 245)) << "the stripe at key 64";
}

}  // namespace
}  // namespace kvatlas
