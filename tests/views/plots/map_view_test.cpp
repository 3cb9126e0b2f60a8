// The map view under real mouse, wheel and key events.
#include <QContextMenuEvent>
#include <QSignalSpy>
#include <QWheelEvent>
#include <cmath>

#include "tests/views/plots/qt_guard.h"
#include "tests/views/plots/synthetic_tiles.h"
#include "views/plots/map/map_view.h"

namespace kvatlas {
namespace {

using test::SyntheticTiles;
using namespace views;

constexpr std::uint64_t kTokens = 131072;

class MapViewTest : public test::QtTest {
 protected:
  MapViewTest() : tiles(kTokens, {4096, 70000}) {}
  void SetUp() override {
    QtTest::SetUp();
    view = std::make_unique<MapView>();
    view->resize(900, 800);
    view->show();
    MapPicture picture;
    picture.a.source = &tiles;
    view->setPicture(picture);
    settle();
  }
  void TearDown() override {
    view.reset();
    QtTest::TearDown();
  }
  static void settle() {
    for (int i = 0; i < 4; ++i) QCoreApplication::processEvents();
  }
  void wheel(const QPointF& at, int delta, Qt::KeyboardModifiers keys = Qt::NoModifier) {
    QWheelEvent event(at, view->mapToGlobal(at), {}, {0, delta}, Qt::NoButton, keys, Qt::NoScrollPhase, false);
    QCoreApplication::sendEvent(view.get(), &event);
    settle();
  }
  void drag(const QPoint& from, const QPoint& to, Qt::KeyboardModifiers keys = Qt::NoModifier) {
    QTest::mousePress(view.get(), Qt::LeftButton, keys, from);
    for (int step = 1; step <= 4; ++step) move(from + (to - from) * step / 4, Qt::LeftButton, keys);
    QTest::mouseRelease(view.get(), Qt::LeftButton, keys, to);
    settle();
  }
  // QTest::mouseMove carries no buttons.
  void move(const QPoint& at, Qt::MouseButtons buttons = Qt::NoButton, Qt::KeyboardModifiers keys = Qt::NoModifier) {
    QMouseEvent event(QEvent::MouseMove, QPointF(at), QPointF(view->mapToGlobal(at)), Qt::NoButton, buttons, keys);
    QCoreApplication::sendEvent(view.get(), &event);
    settle();
  }
  void key(Qt::Key which, Qt::KeyboardModifiers keys = Qt::NoModifier) {
    QTest::keyClick(view.get(), which, keys);
    settle();
  }
  [[nodiscard]] QRect area() const { return view->mapRect().rect(); }
  [[nodiscard]] QPoint at(double x, double y) const {
    return {area().left() + static_cast<int>(x * area().width()), area().top() + static_cast<int>(y * area().height())};
  }
  static void expectNear(const TokenWindow& a, const TokenWindow& b) {
    EXPECT_NEAR(a.key_begin, b.key_begin, 1e-6);
    EXPECT_NEAR(a.key_end, b.key_end, 1e-6);
    EXPECT_NEAR(a.query_begin, b.query_begin, 1e-6);
    EXPECT_NEAR(a.query_end, b.query_end, 1e-6);
  }
  void expectSquareCells() const {
    const TokenWindow shown = view->window();
    EXPECT_NEAR(shown.keys() / area().width(), shown.queries() / area().height(), 1e-9 * kTokens);
  }

  SyntheticTiles tiles;
  std::unique_ptr<MapView> view;
};

TEST_F(MapViewTest, OpensWithEverythingInView) {
  const TokenWindow shown = view->window();
  EXPECT_LE(shown.key_begin, 0);
  EXPECT_GE(shown.key_end, kTokens);
  EXPECT_LE(shown.query_begin, 0);
  EXPECT_GE(shown.query_end, kTokens);
  expectSquareCells();
  // At the zoom's level of detail: 1024 × 1024 cells and the overview, not 131,072 × 131,072.
  EXPECT_LE(tiles.made(), 16U + 10U);
  EXPECT_TRUE(view->map().detailText().contains(QStringLiteral("128 tokens")));
}

TEST_F(MapViewTest, WheelZoomsAtTheCursor) {
  const QPointF point = at(0.3, 0.7);
  for (int step = 0; step < 12; ++step) {
    const QPointF before = view->tokensAt(point);
    const double width = view->window().keys();
    wheel(point, 120);
    const QPointF after = view->tokensAt(point);
    EXPECT_NEAR(after.x(), before.x(), 1e-3);
    EXPECT_NEAR(after.y(), before.y(), 1e-3);
    EXPECT_NEAR(view->window().keys(), width / 1.25, 1e-3);
  }
  expectSquareCells();
}

TEST_F(MapViewTest, ControlOrAltWheelKeepsTheDiagonalInView) {
  for (const Qt::KeyboardModifier keys : {Qt::ControlModifier, Qt::AltModifier}) {
    view->fit();
    settle();
    for (int step = 0; step < 25; ++step) {
      wheel(at(0.2, 0.75), 120, keys);
      const TokenWindow shown = view->window();
      EXPECT_LT(shown.key_begin, shown.query_end);  // the windows of both axes overlap: the diagonal crosses the view
      EXPECT_LT(shown.query_begin, shown.key_end);
    }
    EXPECT_LT(view->window().keys(), 2000);
  }
}

TEST_F(MapViewTest, ShiftWheelMovesAlongTheDiagonal) {
  for (int step = 0; step < 10; ++step) wheel(at(0.5, 0.5), 120);
  const TokenWindow before = view->window();
  wheel(at(0.5, 0.5), -120, Qt::ShiftModifier);
  const TokenWindow after = view->window();
  EXPECT_GT(after.key_begin, before.key_begin);
  EXPECT_NEAR(after.key_begin - before.key_begin, after.query_begin - before.query_begin, 1e-6);
  EXPECT_NEAR(after.keys(), before.keys(), 1e-6);
}

TEST_F(MapViewTest, DraggingMovesTheTokenUnderTheMouseWithIt) {
  for (int step = 0; step < 6; ++step) wheel(at(0.5, 0.5), 120);
  const QPoint from = at(0.6, 0.6), to = at(0.45, 0.3);
  const QPointF token = view->tokensAt(from);
  drag(from, to);
  EXPECT_NEAR(view->tokensAt(to).x(), token.x(), 1e-6);
  EXPECT_NEAR(view->tokensAt(to).y(), token.y(), 1e-6);
}

TEST_F(MapViewTest, TheMapCannotBeLost) {
  for (int step = 0; step < 30; ++step) drag(at(0.9, 0.9), at(0.05, 0.05));
  TokenWindow shown = view->window();
  EXPECT_LT(shown.key_begin, kTokens);
  EXPECT_LT(shown.query_begin, kTokens);
  for (int step = 0; step < 60; ++step) wheel(at(0.5, 0.5), -240);
  EXPECT_LE(std::min(view->window().keys(), view->window().queries()), kTokens * 1.31);
  for (int step = 0; step < 200; ++step) wheel(at(0.5, 0.5), 240);
  EXPECT_GE(std::min(view->window().keys(), view->window().queries()), 7.99);
}

TEST_F(MapViewTest, ShiftDragZoomsIntoTheBox) {
  const QPointF a = view->tokensAt(at(0.2, 0.5)), b = view->tokensAt(at(0.4, 0.6));
  drag(at(0.2, 0.5), at(0.4, 0.6), Qt::ShiftModifier);
  const TokenWindow shown = view->window();
  const double slack = kTokens / 200.0;  // boxes are whole pixels
  EXPECT_LE(shown.key_begin, a.x() + slack);
  EXPECT_GE(shown.key_end, b.x() - slack);
  EXPECT_LE(shown.query_begin, a.y() + slack);
  EXPECT_GE(shown.query_end, b.y() - slack);
  EXPECT_NEAR(shown.keys(), b.x() - a.x(), 2 * slack);
  EXPECT_NEAR((shown.query_begin + shown.query_end) / 2, (a.y() + b.y()) / 2, slack);
  expectSquareCells();
}

TEST_F(MapViewTest, AClickIsNotADrag) {
  QSignalSpy clicked(view.get(), &MapView::clicked);
  const TokenWindow before = view->window();
  QTest::mouseClick(view.get(), Qt::LeftButton, {}, at(0.3, 0.8));
  settle();
  ASSERT_EQ(clicked.size(), 1);
  EXPECT_EQ(clicked[0][0].value<Cell>(), *view->cellAt(at(0.3, 0.8)));
  expectNear(view->window(), before);
}

TEST_F(MapViewTest, HistoryGoesBackAndForwardGestureByGesture) {
  const TokenWindow start = view->window();
  for (int step = 0; step < 3; ++step) wheel(at(0.5, 0.5), 120);
  const TokenWindow wheeled = view->window();
  drag(at(0.3, 0.3), at(0.6, 0.6), Qt::ShiftModifier);
  const TokenWindow boxed = view->window();
  key(Qt::Key_Backspace);
  expectNear(view->window(), wheeled);
  key(Qt::Key_Left, Qt::AltModifier);
  expectNear(view->window(), start);
  key(Qt::Key_Backspace);  // nothing before
  expectNear(view->window(), start);
  key(Qt::Key_Right, Qt::AltModifier);
  expectNear(view->window(), wheeled);
  key(Qt::Key_Right, Qt::AltModifier);
  expectNear(view->window(), boxed);
  // A new step clears the forward history.
  key(Qt::Key_Backspace);
  wheel(at(0.5, 0.5), -120);
  const TokenWindow anew = view->window();
  key(Qt::Key_Right, Qt::AltModifier);
  expectNear(view->window(), anew);
}

TEST_F(MapViewTest, HomeAndDoubleClickShowEverything) {
  const TokenWindow start = view->window();
  wheel(at(0.2, 0.9), 720);
  key(Qt::Key_Home);
  expectNear(view->window(), start);
  wheel(at(0.2, 0.9), 720);
  QTest::mouseDClick(view.get(), Qt::LeftButton, {}, at(0.5, 0.5));
  settle();
  expectNear(view->window(), start);
}

TEST_F(MapViewTest, ArrowsStepLayersAndHeadsAndOtherKeysWork) {
  QSignalSpy layers(view.get(), &MapView::layerStepped), heads(view.get(), &MapView::headStepped);
  QSignalSpy blinks(view.get(), &MapView::blinkWanted);
  for (const Qt::Key which : {Qt::Key_Up, Qt::Key_Down, Qt::Key_Left, Qt::Key_Right, Qt::Key_B}) key(which);
  ASSERT_EQ(layers.size(), 2);
  ASSERT_EQ(heads.size(), 2);
  EXPECT_EQ(layers[0][0].toInt(), -1);
  EXPECT_EQ(layers[1][0].toInt(), 1);
  EXPECT_EQ(heads[0][0].toInt(), -1);
  EXPECT_EQ(heads[1][0].toInt(), 1);
  EXPECT_EQ(blinks.size(), 1);
  const double width = view->window().keys();
  key(Qt::Key_Plus);
  EXPECT_NEAR(view->window().keys(), width / 1.5, 1);
  key(Qt::Key_Minus);
  EXPECT_NEAR(view->window().keys(), width, 1);
}

TEST_F(MapViewTest, TheCrosshairFollowsTheMouseAndLeavesWithIt) {
  QSignalSpy moved(view.get(), &MapView::cursorMoved);
  move(at(0.25, 0.6));
  const auto cell = view->cellAt(at(0.25, 0.6));
  ASSERT_TRUE(cell);
  EXPECT_EQ(view->cursor(), cell);
  ASSERT_EQ(moved.size(), 1);
  EXPECT_EQ(moved[0][0].value<std::optional<Cell>>(), cell);
  const QImage with = view->grab().toImage();
  QEvent leave(QEvent::Leave);
  QCoreApplication::sendEvent(view.get(), &leave);
  settle();
  EXPECT_FALSE(view->cursor());
  const QImage without = view->grab().toImage();
  const double x = (cell->key + 0.5 - view->window().key_begin) / view->window().keys() * area().width();
  EXPECT_NE(with.pixel(area().left() + static_cast<int>(x), at(0, 0.9).y()),
            without.pixel(area().left() + static_cast<int>(x), at(0, 0.9).y()));
}

// A wide view has space beyond the last token: no tick labels there, and none extends beyond the end.
TEST_F(MapViewTest, TicksEndWithTheTokens) {
  view->resize(1400, 500);
  settle();
  QCPAxis& keys = *view->mapRect().axis(QCPAxis::atBottom);
  ASSERT_GT(keys.range().upper, kTokens * 1.5);
  ASSERT_GE(keys.ticker()->tickCount(), 2);
  QVector<double> ticks;
  QVector<QString> labels;
  const auto generate = [&] { keys.ticker()->generate(keys.range(), QLocale(), 'g', 4, ticks, nullptr, &labels); };
  generate();
  ASSERT_GE(ticks.size(), 3);
  for (const double tick : ticks) EXPECT_LE(tick, kTokens);
  view->setWindow({1000, 2000.6, 100000, 100000 + 1000.6 * area().height() / area().width()});
  settle();
  generate();
  const double digit = QFontMetrics(view->font()).horizontalAdvance(QLatin1Char('0'));
  int shown = 0;
  for (int i = 0; i < ticks.size(); ++i) {
    if (labels[i].isEmpty()) continue;
    ++shown;
    const double room = area().width() * (keys.range().upper - ticks[i]) / keys.range().size();
    EXPECT_GE(room, digit * static_cast<double>(labels[i].size()) / 2) << labels[i].toStdString();
  }
  EXPECT_GE(shown, 3);
}

TEST_F(MapViewTest, TheCaptionCanBeHidden) {
  const auto corner = [&] { return view->grab().toImage().copy(area().right() - 120, area().top() + 2, 118, 24); };
  const QImage with = corner();
  view->setCaptionShown(false);
  settle();
  EXPECT_NE(corner(), with);
  view->setCaptionShown(true);
  settle();
  EXPECT_EQ(corner(), with);
}

TEST_F(MapViewTest, TheContextMenuReportsItsCell) {
  QSignalSpy menus(view.get(), &MapView::menuWanted);
  QContextMenuEvent event(QContextMenuEvent::Mouse, at(0.4, 0.9), view->mapToGlobal(at(0.4, 0.9)));
  QCoreApplication::sendEvent(view.get(), &event);
  ASSERT_EQ(menus.size(), 1);
  EXPECT_EQ(menus[0][1].value<std::optional<Cell>>(), view->cellAt(at(0.4, 0.9)));
}

TEST_F(MapViewTest, ResizingKeepsTheZoomAndAFittedMapStaysFitted) {
  view->resize(700, 600);
  settle();
  EXPECT_GE(view->window().keys(), kTokens);
  expectSquareCells();
  for (int step = 0; step < 8; ++step) wheel(at(0.5, 0.5), 120);
  const double per_pixel = view->window().keys() / area().width();
  view->resize(1000, 650);
  settle();
  EXPECT_NEAR(view->window().keys() / area().width(), per_pixel, 1e-6 * per_pixel);
  expectSquareCells();
}

// Cells may stretch, so that the triangle fills a wide or a high view; up to a limit.
TEST_F(MapViewTest, AStretchedMapFillsTheView) {
  view->setStretch(1.7);
  view->resize(1200, 800);
  settle();
  const TokenWindow shown = view->window();
  EXPECT_NEAR(shown.key_begin, 0, 1e-6 * kTokens);
  EXPECT_NEAR(shown.key_end, kTokens, 1e-6 * kTokens);
  EXPECT_NEAR(shown.query_begin, 0, 1e-6 * kTokens);
  EXPECT_NEAR(shown.query_end, kTokens, 1e-6 * kTokens);
  wheel(at(0.3, 0.7), 240);
  EXPECT_NEAR(view->window().keys(), view->window().queries(), 1e-6 * kTokens)
      << "zooming keeps the shape of the cells";
  view->resize(1900, 600);
  view->fit();
  settle();
  const double shape = (area().width() / view->window().keys()) / (area().height() / view->window().queries());
  EXPECT_NEAR(shape, 1.7, 1e-6);
}

// Token text labels the axes where a token is wide enough, indices where it is not.
TEST_F(MapViewTest, WideTokensAreLabelledWithTheirText) {
  view->setTokenText([](TokenIndex token) { return QStringLiteral("word%1").arg(token); });
  settle();
  const auto labels = [&](QCPAxis::AxisType type) {
    QCPAxis& axis = *view->mapRect().axis(type);
    QVector<double> ticks;
    QVector<QString> texts;
    axis.ticker()->generate(axis.range(), QLocale(), 'g', 4, ticks, nullptr, &texts);
    return texts.join(QLatin1Char(' '));
  };
  EXPECT_FALSE(labels(QCPAxis::atBottom).contains(QStringLiteral("word")));
  view->setWindow({1000, 1030, 2000, 2030});
  settle();
  EXPECT_TRUE(labels(QCPAxis::atBottom).contains(QStringLiteral("word1010")));
  EXPECT_TRUE(labels(QCPAxis::atLeft).contains(QStringLiteral("word2010")));
  view->fit();
  settle();
  EXPECT_FALSE(labels(QCPAxis::atBottom).contains(QStringLiteral("word")));
}

}  // namespace
}  // namespace kvatlas
