#include <QFile>
#include <cmath>
#include <set>

#include "tests/views/plots/qt_guard.h"
#include "tests/views/plots/synthetic_tiles.h"
#include "views/plots/map/map_plottable.h"

namespace kvatlas {
namespace {

using test::SyntheticTiles;
using namespace views;

constexpr std::uint64_t kTokens = 131072;

std::vector<std::uint64_t> stripes(std::uint64_t step) {
  std::vector<std::uint64_t> positions;
  for (std::uint64_t i = 0; i * step + 700 < kTokens; ++i) positions.push_back(i * step + 700 + (i * 37) % 101);
  return positions;
}

class MapPlottableTest : public test::QtTest {
 protected:
  void SetUp() override {
    QtTest::SetUp();
    plot.resize(900, 700);
    plot.yAxis->setRangeReversed(true);
    map = new MapPlottable(plot.xAxis, plot.yAxis);
    map->setColours({}, Theme::Light);
  }
  QImage shot(const TokenWindow& window) {
    plot.xAxis->setRange(window.key_begin, window.key_end);
    plot.yAxis->setRange(window.query_begin, window.query_end);
    plot.replot();
    return plot.toPixmap().toImage().convertToFormat(QImage::Format_RGB32);
  }
  // The screen, not the export.
  QImage screen(const TokenWindow& window) {
    shot(window);
    return plot.grab().toImage().convertToFormat(QImage::Format_RGB32);
  }
  [[nodiscard]] QRect area() const { return plot.axisRect()->rect(); }
  void show(SyntheticTiles& tiles, trace::Reduction reduction = trace::Reduction::Max) {
    MapPicture picture;
    picture.a = {&tiles, LayerIndex(0), {}, reduction, nullptr};
    map->setPicture(picture);
  }

  QCustomPlot plot;
  MapPlottable* map = nullptr;
};

QRgb pixelOf(Rgb colour) {
  return qRgb(colour.r, colour.g, colour.b);
}

// Columns of a pixel row that have `colour`, inside the axis rectangle.
std::vector<int> columnsOf(const QImage& image, const QRect& area, int row, QRgb colour) {
  std::vector<int> found;
  for (int x = area.left(); x <= area.right(); ++x)
    if (image.pixel(x, row) == colour) found.push_back(x - area.left());
  return found;
}

int runsOf(const std::vector<int>& columns) {
  int runs = 0;
  for (std::size_t i = 0; i < columns.size(); ++i) runs += i == 0 || columns[i] != columns[i - 1] + 1 ? 1 : 0;
  return runs;
}

TEST_F(MapPlottableTest, NoStripeIsDroppedAtAnyZoom) {
  const std::vector<std::uint64_t> positions = stripes(2048);
  SyntheticTiles tiles(kTokens, positions);
  show(tiles);
  const QRgb peak = pixelOf(map->colours().colourOf(tiles.peak));
  for (double width = 300; width < kTokens; width *= 1.313) {
    for (const double at : {0.11, 0.37, 0.7919}) {
      const double begin = at * (kTokens - width) + 0.371 * width / 900;
      const QImage image = screen({begin, begin + width, kTokens - 1000.0, kTokens - 500.0});
      const double scale = area().width() / width;
      // Stripes more than one pixel inside the window.
      int inside = 0, near = 0;
      for (const std::uint64_t position : positions) {
        const double pixel = (static_cast<double>(position) - begin) * scale;
        inside += pixel >= 1 && pixel + scale < area().width() - 1 ? 1 : 0;
        near += pixel + scale >= -1 && pixel < area().width() + 1 ? 1 : 0;
      }
      const int runs = runsOf(columnsOf(image, area(), area().center().y(), peak));
      EXPECT_GE(runs, inside) << "width " << width << " from " << begin;
      EXPECT_LE(runs, near) << "width " << width << " from " << begin;
    }
  }
}

TEST_F(MapPlottableTest, AStripeIsOnePixelWideUntilATokenIsWider) {
  SyntheticTiles tiles(kTokens, stripes(2048));
  show(tiles);
  const QRgb peak = pixelOf(map->colours().colourOf(tiles.peak));
  for (const double width : {kTokens * 1.0, 40000.0, 9001.0, 2500.0}) {
    const QImage image = screen({0, width, kTokens - 1000.0, kTokens - 500.0});
    const auto columns = columnsOf(image, area(), area().center().y(), peak);
    // A cell of the drawn level is at most one pixel wide, so a stripe is one pixel.
    EXPECT_EQ(static_cast<int>(columns.size()), runsOf(columns)) << width;
  }
}

}  // namespace
}  // namespace kvatlas
