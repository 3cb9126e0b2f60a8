// The colour control under real mouse events.
#include "views/plots/map/colour_scale_bar.h"

#include <QLineEdit>
#include <QMenu>
#include <QSignalSpy>
#include <QToolButton>

#include "tests/views/plots/qt_guard.h"

namespace kvatlas {
namespace {

using namespace views;

class ColourScaleBarTest : public test::QtTest {
 protected:
  void SetUp() override {
    QtTest::SetUp();
    bar = std::make_unique<ColourScaleBar>();
    bar->resize(100, 400);
    bar->show();
    CodeHistogram seen;
    for (std::size_t bin = 100; bin < 200; ++bin) seen.bins[bin] = 10;  // 100 equal bins
    bar->setHistogram(seen);
    spy = std::make_unique<QSignalSpy>(bar.get(), &ColourScaleBar::settingsChanged);
  }
  void TearDown() override {
    spy.reset();
    bar.reset();
    QtTest::TearDown();
  }
  void move(const QPoint& at) {
    QMouseEvent event(QEvent::MouseMove, QPointF(at), QPointF(bar->mapToGlobal(at)), Qt::NoButton, Qt::LeftButton, {});
    QCoreApplication::sendEvent(bar.get(), &event);
  }
  void drag(const QPoint& from, const QPoint& to) {
    QTest::mousePress(bar.get(), Qt::LeftButton, {}, from);
    move((from + to) / 2);
    move(to);
    QTest::mouseRelease(bar.get(), Qt::LeftButton, {}, to);
  }
  void trigger(const QString& text) {
    for (QAction* action : bar->menu().actions())
      if (action->text().startsWith(text)) action->trigger();
  }
  [[nodiscard]] int y(double value) const { return static_cast<int>(std::lround(bar->yOf(value))); }

  std::unique_ptr<ColourScaleBar> bar;
  std::unique_ptr<QSignalSpy> spy;
};

TEST_F(ColourScaleBarTest, DraggingALimitMovesThatLimitAlone) {
  const int x = bar->scaleArea().center().x();
  drag({x, y(bar->settings().low)}, {x, y(1e-3)});
  EXPECT_NEAR(std::log10(bar->settings().low), -3, 0.1);
  EXPECT_EQ(bar->settings().high, 1);
  EXPECT_GT(spy->size(), 0);
  drag({x, y(1)}, {x, y(0.1)});
  EXPECT_NEAR(std::log10(bar->settings().high), -1, 0.1);
  EXPECT_NEAR(std::log10(bar->settings().low), -3, 0.1);
}

TEST_F(ColourScaleBarTest, LimitsCannotCross) {
  const int x = bar->scaleArea().center().x();
  drag({x, y(bar->settings().low)}, {x, bar->scaleArea().top()});
  EXPECT_LT(bar->settings().low, bar->settings().high);
  EXPECT_LE(bar->settings().high, 1);
}

TEST_F(ColourScaleBarTest, DraggingOverTheHistogramChoosesARange) {
  const int x = bar->histogramArea().center().x();
  drag({x, y(1e-2)}, {x, y(1e-4)});
  EXPECT_NEAR(std::log10(bar->settings().low), -4, 0.1);
  EXPECT_NEAR(std::log10(bar->settings().high), -2, 0.1);
}

TEST_F(ColourScaleBarTest, FittingLeavesOnePercentAtEachEnd) {
  trigger(QStringLiteral("Auto range"));
  // 100 filled bins of 256 codes, 2048 codes per bit: the first and the last bin are outside.
  EXPECT_NEAR(bar->settings().low, valueOfBin(100), valueOfBin(100) * 0.1);
  EXPECT_NEAR(bar->settings().high, valueOfBin(198), valueOfBin(198) * 0.1);
  bar->setSettings({});
  QTest::mouseDClick(bar.get(), Qt::LeftButton, {}, bar->histogramArea().center());
  EXPECT_NEAR(bar->settings().low, valueOfBin(100), valueOfBin(100) * 0.1);
}

TEST_F(ColourScaleBarTest, TheButtonFitsToo) {
  QTest::mouseClick(bar->findChild<QToolButton*>(QStringLiteral("fitColours")), Qt::LeftButton);
  EXPECT_NEAR(bar->settings().low, valueOfBin(100), valueOfBin(100) * 0.1);
  EXPECT_NEAR(bar->settings().high, valueOfBin(198), valueOfBin(198) * 0.1);
}

TEST_F(ColourScaleBarTest, MenuChoosesMapAndScaleAndKeepsLimitsPossible) {
  trigger(QStringLiteral("magma"));
  EXPECT_EQ(bar->settings().table, "magma");
  trigger(QStringLiteral("linear"));
  EXPECT_EQ(bar->settings().kind, ScaleKind::Linear);
  const int x = bar->scaleArea().center().x();
  drag({x, y(bar->settings().low)}, {x, bar->scaleArea().bottom() + 40});
  EXPECT_EQ(bar->settings().low, 0);
  trigger(QStringLiteral("logarithmic"));
  EXPECT_GT(bar->settings().low, 0);
  trigger(QStringLiteral("square root"));
  EXPECT_EQ(bar->settings().kind, ScaleKind::Sqrt);
}

TEST_F(ColourScaleBarTest, LimitsStayWhenTheVisibleValuesChange) {
  const ColourSettings before = bar->settings();
  CodeHistogram other;
  other.bins[250] = 5;
  bar->setHistogram(other);
  EXPECT_EQ(bar->settings(), before);
  EXPECT_EQ(spy->size(), 0);
}

TEST_F(ColourScaleBarTest, DifferencesHaveOneSymmetricLimit) {
  bar->setQuantity(ScaleQuantity::Difference);
  const int x = bar->scaleArea().center().x();
  drag({x, y(0.05)}, {x, y(0.02)});
  EXPECT_NEAR(bar->settings().difference_limit, 0.02, 0.002);
  EXPECT_EQ(bar->settings().high, 1);
}

TEST_F(ColourScaleBarTest, LimitsAreTypedAndReset) {
  auto* high = bar->findChild<QLineEdit*>(QStringLiteral("colourHigh"));
  auto* low = bar->findChild<QLineEdit*>(QStringLiteral("colourLow"));
  ASSERT_NE(high, nullptr);
  ASSERT_NE(low, nullptr);
  high->setFocus();
  high->selectAll();
  QTest::keyClicks(high, QStringLiteral("0.02"));
  QTest::keyClick(high, Qt::Key_Return);
  EXPECT_DOUBLE_EQ(bar->settings().high, 0.02);
  low->selectAll();
  QTest::keyClicks(low, QStringLiteral("1e-4"));
  QTest::keyClick(low, Qt::Key_Return);
  EXPECT_DOUBLE_EQ(bar->settings().low, 1e-4);
  EXPECT_DOUBLE_EQ(bar->settings().high, 0.02);
  // The bar shows its limits and tails, no decades beyond.
  EXPECT_NEAR(bar->yOf(0.02), bar->scaleArea().top() + bar->scaleArea().height() * 0.1,
              bar->scaleArea().height() * 0.05);
  trigger(QStringLiteral("Reset"));
  EXPECT_EQ(bar->settings().low, ColourSettings{}.low);
  EXPECT_EQ(bar->settings().high, ColourSettings{}.high);
}

}  // namespace
}  // namespace kvatlas
