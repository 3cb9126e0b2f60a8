// Exported cells: the same colours in PNG, PDF and SVG, exact sizes, lossless, reproducible.
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"
#include "tests/views/rendering.h"
#include "views/plots/figures/figure_export.h"
#include "views/plots/raster_item.h"

namespace kvatlas::views {
namespace {

constexpr int kCells = 8, kCellUnits = 40;
const QRect kArea(100, 60, kCells* kCellUnits, kCells* kCellUnits);

Colouring colouring() {
  return makeColouring(colourTable("viridis"), {ScaleKind::Linear, 0, 1}, Theme::Light);
}

ValueGrid staircase() {
  ValueGrid grid = ValueGrid::filled(kCells, kCells, 0);
  for (std::size_t i = 0; i < grid.values.size(); ++i) grid.values[i] = static_cast<float>(i) / 63.0F;
  return grid;
}

RasterItem* addMap(Canvas& canvas, const QRect& area, ValueGrid grid, bool queries_down = true) {
  QCPAxisRect* panel = canvas.addPanel(area);
  panel->axis(QCPAxis::atBottom)->setRange(0, 1);
  panel->axis(QCPAxis::atLeft)->setRange(0, 1);
  panel->axis(QCPAxis::atLeft)->setRangeReversed(queries_down);
  auto* item = new RasterItem(&canvas.plot(), panel);
  item->setData(std::move(grid), colouring(), Pooling::Max);
  item->setExtent(0, queries_down ? 0 : 1, 1, queries_down ? 1 : 0);
  return item;
}

QRgb expected(int row, int column) {
  const Rgb colour = colourTable("viridis").at((row * kCells + column) / 63.0);
  return qRgb(colour.r, colour.g, colour.b);
}

// Cell centres, and points near inner cell corners, where smoothing would show.
void expectCells(const QImage& image, double scale, const char* what) {
  ASSERT_FALSE(image.isNull()) << what;
  for (int row = 0; row < kCells; ++row) {
    for (int column = 0; column < kCells; ++column) {
      for (const double inside : {0.12, 0.5, 0.88}) {
        const int x = static_cast<int>((kArea.x() + (column + inside) * kCellUnits) * scale);
        const int y = static_cast<int>((kArea.y() + (row + inside) * kCellUnits) * scale);
        EXPECT_EQ(image.pixel(x, y) & 0xFFFFFFU, expected(row, column) & 0xFFFFFFU)
            << what << " cell " << row << "," << column << " at " << inside;
      }
    }
  }
}

Canvas cellsCanvas(bool queries_down = true) {
  Canvas canvas(3.3, 450, Theme::Light);
  addMap(canvas, kArea, staircase(), queries_down);
  return canvas;
}

QImage png(Canvas& canvas, double dpi = 300) {
  return QImage::fromData(renderFigure(canvas, FigureFormat::Png, {dpi, "t", ""}))
      .convertToFormat(QImage::Format_RGB32);
}

TEST(RasterItem, PngPixelsAreTheColourTable) {
  Canvas canvas = cellsCanvas();
  expectCells(png(canvas), 1, "300 dpi");
  expectCells(png(canvas, 600), 2, "600 dpi");
  expectCells(png(canvas, 150), 0.5, "150 dpi");
  Canvas upwards = cellsCanvas(false);
  expectCells(png(upwards), 1, "y upwards");
}

TEST(RasterItem, PdfAndSvgShowTheSameColours) {
  Canvas canvas = cellsCanvas();
  expectCells(test::renderSvg(renderFigure(canvas, FigureFormat::Svg, {}), QSize(990, 450)), 1, "SVG");
  if (!test::havePoppler()) GTEST_SKIP() << "pdftoppm is not installed";
  expectCells(test::renderPdf(renderFigure(canvas, FigureFormat::Pdf, {})), 1, "PDF");
}

TEST(RasterItem, OneTokenStripesOfAHugeMapAreVisible) {
  // 64 stripes of one token in 16384, far more cells than pixels: each must be visible.
  constexpr std::size_t kTokens = 16384, kStripes = 64;
  ValueGrid grid = ValueGrid::filled(2, kTokens, 0);
  for (std::size_t s = 0; s < kStripes; ++s)
    for (std::size_t row = 0; row < 2; ++row) grid.at(row, s * 256 + 131) = 1;
  Canvas canvas(3.3, 300, Theme::Light);
  addMap(canvas, QRect(50, 50, 843, 100), std::move(grid));
  const auto stripes = [](const QImage& image) {
    std::size_t count = 0;
    for (int x = 51; x < 892; ++x) {
      const bool bright = qRed(image.pixel(x, 100)) > 0xC0, before = qRed(image.pixel(x - 1, 100)) > 0xC0;
      count += bright && !before ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(stripes(png(canvas)), kStripes);
}

TEST(Export, SizesAreExact) {
  for (const double width : {3.3, 6.9}) {
    Canvas canvas(width, 443, Theme::Light);
    const QByteArray pdf = renderFigure(canvas, FigureFormat::Pdf, {});
    const std::string box = "/MediaBox [0 0 " + std::to_string(width * 72) + " " + std::to_string(443 * 0.24) + "]";
    EXPECT_TRUE(pdf.contains(box.c_str())) << box;
    const QByteArray svg = renderFigure(canvas, FigureFormat::Svg, {});
    const QByteArray view = "viewBox=\"0 0 " + QByteArray::number(qRound(width * 300)) + " 443\"";
    EXPECT_TRUE(svg.contains(view)) << svg.left(200).toStdString();
    EXPECT_TRUE(svg.contains("width=\"" + QByteArray::number(width * 25.4) + "mm\"")) << svg.left(200).toStdString();
    const QImage image = QImage::fromData(renderFigure(canvas, FigureFormat::Png, {600, "", ""}));
    EXPECT_EQ(image.size(), QSize(qRound(width * 600), 886));
    EXPECT_EQ(image.dotsPerMeterX(), 23622);
    EXPECT_EQ(image.dotsPerMeterY(), 23622);
  }
}

TEST(Export, PdfIsLosslessVectorAndHasItsFonts) {
  Canvas canvas = cellsCanvas();
  canvas.addText(QPointF(500, 30), "text ≥ 10⁻³", {}, rgb(0));
  const QByteArray pdf = renderFigure(canvas, FigureFormat::Pdf, {});
  EXPECT_FALSE(pdf.contains("DCTDecode"));
  EXPECT_TRUE(pdf.contains("/FlateDecode"));
  EXPECT_TRUE(pdf.contains("/FontFile2"));
  EXPECT_EQ(pdf.count("/Subtype /Image"), 1);
  const QByteArray svg = renderFigure(canvas, FigureFormat::Svg, {});
  EXPECT_TRUE(svg.contains("data:image/png;base64"));
  EXPECT_FALSE(svg.contains("image/jpeg"));
  EXPECT_TRUE(svg.contains("10⁻³"));
  EXPECT_TRUE(svg.contains("DejaVu Sans"));
}

TEST(Export, SameInputSameBytes) {
  for (const FigureFormat format : {FigureFormat::Pdf, FigureFormat::Svg, FigureFormat::Png}) {
    Canvas first = cellsCanvas(), second = cellsCanvas();
    const ExportSettings settings{300, "title", "2026-03-01T12:30:05Z"};
    EXPECT_EQ(renderFigure(first, format, settings), renderFigure(second, format, settings));
  }
  Canvas canvas = cellsCanvas();
  EXPECT_TRUE(renderFigure(canvas, FigureFormat::Pdf, {300, "", "2026-03-01T12:30:05Z"}).contains("(D:20260301123005"));
}

TEST(Export, FormatsByName) {
  EXPECT_EQ(formatOf("a.pdf"), FigureFormat::Pdf);
  EXPECT_EQ(formatOf("a.b.SVG"), FigureFormat::Svg);
  EXPECT_THROW((void)formatOf("a.jpg"), UsageError);
  EXPECT_THROW((void)formatOf("png"), UsageError);
}

}  // namespace
}  // namespace kvatlas::views
