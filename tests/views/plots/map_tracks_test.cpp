// The map's tracks: strips and series at pixel precision.
#include <QContextMenuEvent>
#include <QSignalSpy>
#include <QWheelEvent>
#include <cmath>

#include "tests/views/plots/qt_guard.h"
#include "tests/views/plots/synthetic_tiles.h"
#include "views/plots/canvas.h"
#include "views/plots/map/map_badge.h"
#include "views/plots/map/map_view.h"

namespace kvatlas {
namespace {

using test::SyntheticTiles;
using namespace views;

constexpr std::uint64_t kTokens = 8192;
constexpr std::uint64_t kStripe = 3000;

class MapTracksTest : public test::QtTest {
 protected:
  MapTracksTest() : tiles(kTokens, {kStripe}) {}
  void SetUp() override {
    QtTest::SetUp();
    view = std::make_unique<MapView>();
    view->resize(900, 800);
    view->show();
    picture.a.source = &tiles;
    view->setPicture(picture);
    view->map().setBadgeShown(false);
    screen();
  }
  void TearDown() override {
    view.reset();
    QtTest::TearDown();
  }
  QImage screen() {
    view->replot();
    for (int i = 0; i < 4; ++i) QCoreApplication::processEvents();
    return view->grab().toImage().convertToFormat(QImage::Format_RGB32);
  }
  // The track `from_map` rows above the map (0: the nearest strip).
  [[nodiscard]] QRect rowArea(int index_from_below) const {
    std::vector<QRect> areas;
    for (const QCPAxisRect* rect : view->axisRects())
      if (rect->bottom() < view->mapRect().top()) areas.push_back(rect->rect());
    std::sort(areas.begin(), areas.end(), [](const QRect& a, const QRect& b) { return a.top() > b.top(); });
    return areas.at(static_cast<std::size_t>(index_from_below));
  }
  [[nodiscard]] QRect entropyArea() const {
    for (const QCPAxisRect* rect : view->axisRects())
      if (rect->left() > view->mapRect().right()) return rect->rect();
    return {};
  }
  [[nodiscard]] int xOf(double token) const {
    const TokenWindow shown = view->window();
    const QRect area = view->mapRect().rect();
    return area.left() + static_cast<int>(std::floor((token - shown.key_begin) / shown.keys() * area.width()));
  }
  [[nodiscard]] int yOf(double token) const {
    const TokenWindow shown = view->window();
    const QRect area = view->mapRect().rect();
    return area.top() + static_cast<int>(std::floor((token - shown.query_begin) / shown.queries() * area.height()));
  }
  static KeptStrip strip(const std::string& method, const std::vector<std::pair<TokenIndex, policy::Reason>>& kept) {
    KeptStrip made{method, methodColour(method), std::vector<float>(kTokens, 0), {}};
    made.reasons.assign(kTokens, policy::Reason::Evicted);
    for (const auto& [token, why] : kept) {
      made.share[token] = 1;
      made.reasons[token] = why;
    }
    return made;
  }
  void setStrips(const std::vector<KeptStrip>& strips) {
    std::vector<StripPointer> made;
    for (const KeptStrip& each : strips) made.push_back(std::make_shared<const StripCounts>(each));
    view->setStrips(made);
  }
  static int luminance(QRgb colour) { return qRed(colour) * 3 + qGreen(colour) * 6 + qBlue(colour); }

  SyntheticTiles tiles;
  std::unique_ptr<MapView> view;
  MapPicture picture;
};

TEST_F(MapTracksTest, OneKeptTokenAmongManyUnderAPixelShows) {
  setStrips({strip("snapkv", {{kStripe, policy::Reason::Score}})});
  const QImage image = screen();
  const QRect row = rowArea(0);
  const QRgb evicted = toColour(themeColours(Theme::Light).evicted).rgb();
  std::vector<int> seen;
  for (int x = xOf(0) + 1; x < xOf(kTokens) - 1; ++x)
    if (image.pixel(x, row.center().y()) != evicted) seen.push_back(x);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_NEAR(seen[0], xOf(kStripe), 1);  // the raster of a zoom moves by whole pixels
}

TEST_F(MapTracksTest, StripsAlignWithTheColumnsOfTheMap) {
  setStrips({strip("snapkv", {{kStripe, policy::Reason::Score}})});
  const QRgb evicted = toColour(themeColours(Theme::Light).evicted).rgb();
  const Rgb peak = view->map().colours().colourOf(tiles.peak);
  for (const double width : {8192.0, 3001.0, 700.0, 97.0, 20.0}) {
    view->setWindow({kStripe - width * 0.371, kStripe + width * 0.629, 6000, 6000 + width});
    const QImage image = screen();
    const int strip_y = rowArea(0).center().y(), map_y = view->mapRect().rect().center().y();
    int columns = 0;
    for (int x = view->mapRect().left(); x <= view->mapRect().right(); ++x) {
      const bool kept = image.pixel(x, strip_y) != evicted && image.pixel(x, strip_y) != qRgb(255, 255, 255);
      EXPECT_EQ(kept, image.pixel(x, map_y) == qRgb(peak.r, peak.g, peak.b)) << width << " at " << x;
      columns += kept ? 1 : 0;
    }
    EXPECT_GE(columns, 1) << width;
  }
}

TEST_F(MapTracksTest, ColoursShowWhyATokenIsKept) {
  setStrips({strip("h2o", {{100, policy::Reason::Sink}, {110, policy::Reason::Score}, {120, policy::Reason::Window}})});
  view->setWindow({90, 130, 7000, 7040});
  const QImage image = screen();
  const int y = rowArea(0).center().y();
  const QRgb sink = image.pixel(xOf(100.5), y), score = image.pixel(xOf(110.5), y), window = image.pixel(xOf(120.5), y);
  const QRgb evicted = image.pixel(xOf(115.5), y);
  EXPECT_EQ(score, toColour(methodColour("h2o")).rgb());
  EXPECT_LT(luminance(sink), luminance(score) - 100);
  EXPECT_GT(luminance(window), luminance(score) + 100);
  EXPECT_EQ(evicted, toColour(themeColours(Theme::Light).evicted).rgb());
  EXPECT_NE(window, evicted);
}

TEST_F(MapTracksTest, EveryVisibleRunHasItsStripInOrder) {
  setStrips({strip("snapkv", {{4000, policy::Reason::Score}}), strip("h2o", {{4000, policy::Reason::Score}})});
  view->setWindow({3990, 4010, 6000, 6020});
  QImage image = screen();
  EXPECT_EQ(image.pixel(xOf(4000.5), rowArea(1).center().y()), toColour(methodColour("snapkv")).rgb());
  EXPECT_EQ(image.pixel(xOf(4000.5), rowArea(0).center().y()), toColour(methodColour("h2o")).rgb());
  const int rows = view->axisRectCount();
  setStrips({strip("h2o", {{4000, policy::Reason::Score}})});
  image = screen();
  EXPECT_EQ(view->axisRectCount(), rows - 1);
  EXPECT_EQ(image.pixel(xOf(4000.5), rowArea(0).center().y()), toColour(methodColour("h2o")).rgb());
}

TEST_F(MapTracksTest, ReceivedShowsTheLargestUnderEachPixel) {
  std::vector<float> received(kTokens, 0.1F);
  received[kStripe] = 100;  // three decades more: three quarters higher
  view->setReceived(received);
  const QImage image = screen();
  const QRect row = rowArea(0);
  const QRgb bar = toColour(themeColours(Theme::Light).muted).rgb();
  const auto height = [&](int x) {
    int count = 0;
    for (int y = row.top(); y <= row.bottom(); ++y) count += image.pixel(x, y) == bar ? 1 : 0;
    return count;
  };
  EXPECT_NEAR(std::max({height(xOf(kStripe) - 1), height(xOf(kStripe)), height(xOf(kStripe) + 1)}), row.height(), 1);
  EXPECT_NEAR(height(xOf(kStripe) + 5), row.height() / 4, 1);
  EXPECT_NEAR(height(xOf(kStripe) - 5), row.height() / 4, 1);
}

TEST_F(MapTracksTest, EntropyRunsAlongTheQueriesOnAFixedScale) {
  std::vector<float> entropy(kTokens, 0);
  const auto most = static_cast<float>(std::log(static_cast<double>(kTokens)));
  for (std::uint64_t i = 4096; i < kTokens; ++i) entropy[i] = most / 2;
  entropy[6000] = most;
  view->setEntropy(entropy);
  const QImage image = screen();
  const QRect area = entropyArea();
  const QRgb bar = toColour(themeColours(Theme::Light).muted).rgb();
  const auto length = [&](int y) {
    int count = 0;
    for (int x = area.left(); x <= area.right(); ++x) count += image.pixel(x, y) == bar ? 1 : 0;
    return count;
  };
  EXPECT_EQ(length(yOf(2000)), 0);
  EXPECT_NEAR(length(yOf(5000)), area.width() / 2, 1);
  EXPECT_EQ(length(yOf(6000)), area.width());
}

TEST_F(MapTracksTest, TheBadgeAlwaysNamesTheReduction) {
  const auto first = [this] { return badgeOf(picture, view->map().detailText(), {})[0].text; };
  screen();
  EXPECT_TRUE(first().contains(QStringLiteral("max"))) << first().toStdString();
  picture.a.reduction = trace::Reduction::Mean;
  view->setPicture(picture);
  for (const double width : {8192.0, 3000.0, 900.0, 500.0}) {  // more than one token per pixel or cell
    view->setWindow({0, width, 0, width});
    screen();
    if (view->map().tokensPerPixel() <= 1) continue;
    EXPECT_TRUE(first().contains(QStringLiteral("mean"))) << width << " " << first().toStdString();
  }
  view->setWindow({0, 50, 0, 50});
  screen();
  EXPECT_TRUE(first().contains(QStringLiteral("exact"))) << first().toStdString();
}

TEST_F(MapTracksTest, TheBadgeIsBesideTheMapIfThereIsRoom) {
  const auto differs = [this](const QRect& where) {
    view->setCaptionShown(true);
    const QImage with = screen().copy(where);
    view->setCaptionShown(false);
    return with != screen().copy(where);
  };
  view->resize(1500, 420);
  screen();
  const QRect area = view->mapRect().rect();
  const int end = static_cast<int>(view->mapRect().axis(QCPAxis::atBottom)->coordToPixel(static_cast<double>(kTokens)));
  ASSERT_GT(area.right() - end, 250);
  EXPECT_TRUE(differs(QRect(QPoint(end + 1, area.top() + 1), area.bottomRight())));
  EXPECT_FALSE(differs(QRect(area.topLeft(), QPoint(end - 1, area.bottom())))) << "covers no part of the map";
  view->resize(500, 600);
  screen();
  EXPECT_TRUE(differs(view->mapRect().rect())) << "without room beside the map, the badge is in its corner";
  view->resize(330, 600);
  screen();
  EXPECT_TRUE(differs(view->mapRect().rect())) << "wraps lines that are too long";
}

TEST_F(MapTracksTest, TheBadgeNamesTheComparison) {
  SyntheticTiles other(kTokens, {});
  picture.a.name = "first";
  picture.b = picture.a;
  picture.b->name = "second";
  const auto text = [&](PictureSides mode) {
    picture.mode = mode;
    QStringList lines;
    for (const BadgeLine& line : badgeOf(picture, {}, {})) lines << line.text;
    return lines.join('\n').toStdString();
  };
  EXPECT_NE(text(PictureSides::Difference).find("kept only by first\nkept only by second"), std::string::npos);
  EXPECT_NE(text(PictureSides::Split).find("above, mirrored: kept by second"), std::string::npos);
  picture.b->source = &other;
  EXPECT_NE(text(PictureSides::Difference).find("A − B\nA: first\nB: second"), std::string::npos);
  EXPECT_NE(text(PictureSides::Ratio).find("log₂ (A / B)"), std::string::npos);
}

// Strips keep a legible height; what does not fit scrolls. They answer to hover, click and a menu.
TEST_F(MapTracksTest, ManyStripsScrollAtALegibleHeight) {
  std::vector<KeptStrip> strips;
  for (int run = 0; run < 20; ++run)
    strips.push_back(strip("snapkv", {{static_cast<TokenIndex>(run), policy::Reason::Score}}));
  setStrips(strips);
  (void)screen();
  EXPECT_GE(rowArea(0).height(), 15);
  EXPECT_GT(view->mapRect().rect().height(), view->height() / 2) << "the map keeps its room";
  const QPoint on(rowArea(0).center());
  const auto last = view->stripAt(on);
  ASSERT_TRUE(last.has_value());
  EXPECT_LT(*last, 19U);
  QSignalSpy clicked(view.get(), &MapView::stripClicked), menus(view.get(), &MapView::stripMenuWanted),
      hovered(view.get(), &MapView::stripHovered);
  QWheelEvent wheel(QPointF(on), view->mapToGlobal(QPointF(on)), {}, {0, -120}, Qt::NoButton, {}, Qt::NoScrollPhase,
                    false);
  const TokenWindow before = view->window();
  QCoreApplication::sendEvent(view.get(), &wheel);
  (void)screen();
  EXPECT_EQ(view->stripAt(on), std::optional(*last + 1));
  EXPECT_EQ(view->window(), before) << "the wheel scrolls the strips, not the map";
  QTest::mouseClick(view.get(), Qt::LeftButton, {}, on);
  ASSERT_EQ(clicked.size(), 1);
  EXPECT_EQ(clicked[0][0].value<std::size_t>(), *last + 1);
  QMouseEvent move(QEvent::MouseMove, QPointF(on), QPointF(view->mapToGlobal(on)), Qt::NoButton, Qt::NoButton, {});
  QCoreApplication::sendEvent(view.get(), &move);
  EXPECT_GE(hovered.size(), 1);
  QContextMenuEvent menu(QContextMenuEvent::Mouse, on, view->mapToGlobal(on));
  QCoreApplication::sendEvent(view.get(), &menu);
  EXPECT_EQ(menus.size(), 1);
  EXPECT_FALSE(view->stripAt(view->mapRect().rect().center()).has_value());
}

TEST_F(MapTracksTest, TheMapAloneHasNoTracks) {
  setStrips({strip("snapkv", {{5, policy::Reason::Score}})});
  (void)screen();
  const int before = view->mapRect().rect().height();
  view->setTracksShown(false);
  (void)screen();
  EXPECT_GT(view->mapRect().rect().height(), before + 60);
  EXPECT_FALSE(view->stripAt(QPoint(view->width() / 2, 10)).has_value());
  view->setTracksShown(true);
  (void)screen();
  EXPECT_EQ(view->mapRect().rect().height(), before);
}

}  // namespace
}  // namespace kvatlas
