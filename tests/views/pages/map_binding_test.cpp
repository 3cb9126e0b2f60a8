// A map view tied to a real trace and the selection: what it shows, linked panes, blinking, two traces.
#include "views/pages/map/map_binding.h"

#include <QSignalSpy>

#include "core/analysis/exact_tile.h"
#include "tests/support/sample_trace.h"
#include "tests/support/scratch_folder.h"
#include "tests/views/plots/qt_guard.h"
#include "views/models/map/tile_cache.h"
#include "views/plots/map/map_link.h"

namespace kvatlas {
namespace {

using namespace views;

// A document with the view that shows it.
struct Pane {
  explicit Pane(const std::filesystem::path& path) {
    document.open(path);
    view.resize(700, 600);
    view.show();
  }
  ReadingThread thread;
  Document document{thread};
  TileCache tiles{document};
  Selection selection{document};
  MapView view;
  MapBinding* binding = new MapBinding(document, selection, tiles, view);
};

class MapBindingTest : public test::QtTest {
 protected:
  static bool waitFor(const std::function<bool()>& condition) { return QTest::qWaitFor(condition, 20000); }
  static bool settled(Pane& pane) {
    return waitFor([&] { return pane.document.isOpen() && pane.view.map().tokens() > 0 && pane.view.map().settled(); });
  }
  std::filesystem::path sample(const std::string& name, const test::SampleTraceOptions& options = {}) {
    test::writeSampleTrace(folder / name, options);
    return folder / name;
  }
  static RunId runOf(const Document& document, const std::string& method) {
    for (const RunId run : document.runIds())
      if (document.runHeader(run).method == method) return run;
    return kNoRun;
  }
  static QImage screen(MapView& view) {
    view.replot();
    return view.grab().toImage().convertToFormat(QImage::Format_RGB32);
  }
  static QPoint pixelOf(const MapView& view, TokenIndex query, TokenIndex key) {
    const TokenWindow shown = view.window();
    const QRect area = view.mapRect().rect();
    return {area.left() + static_cast<int>((key + 0.5 - shown.key_begin) / shown.keys() * area.width()),
            area.top() + static_cast<int>((query + 0.5 - shown.query_begin) / shown.queries() * area.height())};
  }
  static QRgb rgbOf(Rgb colour) { return qRgb(colour.r, colour.g, colour.b); }

  test::ScratchFolder folder;
};

TEST_F(MapBindingTest, CloseInEveryPixelIsTheExactAttentionOfItsPair) {
  Pane pane(sample("a.kva.h5"));
  ASSERT_TRUE(settled(pane));
  pane.selection.setLayer(LayerIndex(2));
  pane.selection.setHead({HeadChoice::QueryHead, 3});
  pane.selection.setFocusRun(kNoRun);
  pane.view.map().setBadgeShown(false);
  pane.view.setSpans({});
  pane.view.setWindow({60, 80, 120, 140});
  ASSERT_TRUE(settled(pane));
  const QImage image = screen(pane.view);
  const trace::Reader reader(folder / "a.kva.h5");
  const analysis::ExactTile exact = analysis::pooledTile(reader, {LayerIndex(2), HeadIndex(3), {120, 140}, {60, 80}},
                                                         {20, 20}, trace::Reduction::Max);
  for (TokenIndex query = 122; query < 138; ++query)
    for (TokenIndex key = 62; key < 78; ++key) {
      const float p = exact.cells[(query - 120) * 20 + key - 60];
      EXPECT_EQ(image.pixel(pixelOf(pane.view, query, key)), rgbOf(pane.view.map().colours().colourOf(p)))
          << query << " " << key;
    }
  EXPECT_TRUE(pane.view.map().detailText().contains(QStringLiteral("exact")));
}

TEST_F(MapBindingTest, WithoutQueriesAndKeysCellsGrowAndSaySo) {
  Pane pane(sample("a.kva.h5", {.tokens = 1000, .map_size = 128, .keep_qk = false}));
  ASSERT_TRUE(settled(pane));
  pane.view.setWindow({60, 80, 120, 140});
  ASSERT_TRUE(settled(pane));
  screen(pane.view);
  EXPECT_TRUE(pane.view.map().detailText().contains(QStringLiteral("1 cell = 8 tokens, max (the finest recorded)")))
      << pane.view.map().detailText().toStdString();
  EXPECT_EQ(pane.view.map().read(false, 130, 70).cell, 8U);
}

TEST_F(MapBindingTest, ArrowKeysStepThroughLayersAndHeads) {
  Pane pane(sample("a.kva.h5"));
  ASSERT_TRUE(settled(pane));
  pane.selection.setHead({HeadChoice::QueryHead, 0});
  QTest::keyClick(&pane.view, Qt::Key_Down);
  QTest::keyClick(&pane.view, Qt::Key_Down);
  QTest::keyClick(&pane.view, Qt::Key_Up);
  QTest::keyClick(&pane.view, Qt::Key_Right);
  EXPECT_EQ(pane.selection.layer(), LayerIndex(1));
  EXPECT_EQ(pane.selection.head(), (HeadChoice{HeadChoice::QueryHead, 1}));
  EXPECT_EQ(pane.view.picture().a.layer, LayerIndex(1));
  EXPECT_EQ(pane.view.picture().a.head, (HeadChoice{HeadChoice::QueryHead, 1}));
}

TEST_F(MapBindingTest, StripsFollowTheVisibleRunsAndTheLayer) {
  Pane pane(sample("a.kva.h5"));
  ASSERT_TRUE(settled(pane));
  const int without = pane.view.axisRectCount();
  const auto evicting = static_cast<int>(pane.document.runIds().size()) - 1;  // all but full
  // Spans, received and entropy are always there, and the map.
  ASSERT_TRUE(waitFor([&] { return pane.view.axisRectCount() == 4 + evicting; })) << without;
  pane.selection.setHidden(runOf(pane.document, "h2o"), true);
  EXPECT_TRUE(waitFor([&] { return pane.view.axisRectCount() == 3 + evicting; }));
  pane.document.close();
  EXPECT_TRUE(waitFor([&] { return pane.view.axisRectCount() == 4; }));
}

TEST_F(MapBindingTest, BlinkingShowsWhatEachRunKeepsInTurn) {
  Pane pane(sample("a.kva.h5"));
  ASSERT_TRUE(settled(pane));
  const RunId a = runOf(pane.document, "snapkv"), b = runOf(pane.document, "streamingllm");
  pane.selection.setFocusRun(a);
  pane.selection.setCompareRun(b);
  ASSERT_TRUE(
      waitFor([&] { return pane.view.picture().b && pane.view.picture().b->kept && pane.view.picture().a.kept; }));
  pane.view.setWindow({0, 256, 0, 256});
  ASSERT_TRUE(settled(pane));
  const QImage first = screen(pane.view);
  QTest::keyClick(&pane.view, Qt::Key_B);
  ASSERT_TRUE(settled(pane));
  const QImage second = screen(pane.view);
  EXPECT_NE(first, second);
  EXPECT_EQ(pane.binding->pictureSides(), PictureSides::OnlyB);
  QTest::keyClick(&pane.view, Qt::Key_B);
  ASSERT_TRUE(settled(pane));
  EXPECT_EQ(screen(pane.view), first);
}

TEST_F(MapBindingTest, LinkedPanesMoveAndPointTogetherUntilUnlocked) {
  const auto path = sample("a.kva.h5");
  Pane first(path), second(path);
  ASSERT_TRUE(settled(first) && settled(second));
  MapLink link(first.view, second.view);
  const auto wheel = [](MapView& view, const QPoint& at) {
    QWheelEvent event(at, view.mapToGlobal(at), {}, {0, 240}, Qt::NoButton, {}, Qt::NoScrollPhase, false);
    QCoreApplication::sendEvent(&view, &event);
    QCoreApplication::processEvents();
  };
  const auto close = [](const TokenWindow& a, const TokenWindow& b) {
    return std::abs(a.key_begin - b.key_begin) < 1 && std::abs(a.query_begin - b.query_begin) < 1 &&
           std::abs(a.keys() - b.keys()) < 1;
  };
  const TokenWindow start = first.view.window();
  wheel(first.view, first.view.mapRect().rect().center());
  EXPECT_LT(first.view.window().keys(), start.keys());
  EXPECT_TRUE(close(first.view.window(), second.view.window()));
  wheel(second.view, second.view.mapRect().rect().center() + QPoint(40, 30));
  EXPECT_TRUE(close(first.view.window(), second.view.window()));
  QTest::mouseMove(&first.view, first.view.mapRect().rect().center() + QPoint(-30, 40));
  QCoreApplication::processEvents();
  ASSERT_TRUE(first.view.cursor());
  EXPECT_EQ(second.view.cursor(), first.view.cursor());
  link.setWindowsLocked(false);
  wheel(first.view, first.view.mapRect().rect().center());
  EXPECT_FALSE(close(first.view.window(), second.view.window()));
}

TEST_F(MapBindingTest, TwoTracesAreSubtractedCellByCell) {
  Pane pane(sample("a.kva.h5")), other(sample("b.kva.h5", {.seed = 2}));
  ASSERT_TRUE(settled(pane) && settled(other));
  pane.view.map().setBadgeShown(false);
  pane.view.setSpans({});
  pane.selection.setHead({HeadChoice::QueryHead, 1});
  pane.binding->setOther(&other.tiles, QStringLiteral("b"));
  pane.binding->setPictureSides(PictureSides::Difference);
  pane.view.setWindow({60, 80, 120, 140});
  ASSERT_TRUE(settled(pane));
  const QImage image = screen(pane.view);
  const auto exact = [&](const char* name) {
    const trace::Reader reader(folder / name);
    return analysis::pooledTile(reader, {LayerIndex(0), HeadIndex(1), {120, 140}, {60, 80}}, {20, 20},
                                trace::Reduction::Max);
  };
  const analysis::ExactTile a = exact("a.kva.h5"), b = exact("b.kva.h5");
  const ColourSettings settings;
  int same = 0, all = 0;
  for (TokenIndex query = 122; query < 138; ++query)
    for (TokenIndex key = 62; key < 78; ++key) {
      const std::size_t at = (query - 120) * 20 + key - 60;
      const double t =
          (static_cast<double>(a.cells[at]) - static_cast<double>(b.cells[at])) / settings.difference_limit;
      const QRgb seen = image.pixel(pixelOf(pane.view, query, key));
      // Codes are exact to 0.03 %: a neighbouring step of the colours where a value lies between two.
      bool near = false;
      for (const double slack : {-0.004, 0.0, 0.004})
        near = near || seen == rgbOf(pane.view.map().colours().differenceColour(t + slack));
      same += near ? 1 : 0;
      ++all;
    }
  EXPECT_EQ(same, all);
  EXPECT_EQ(pane.view.picture().b->name, "b");
}

TEST_F(MapBindingTest, AHiddenPaneReadsNothingUntilItIsShown) {
  const auto path = sample("a.kva.h5");
  Pane pane(path);
  ASSERT_TRUE(settled(pane));
  QWidget window;
  auto* second = new MapView(&window);
  second->hide();
  new MapBinding(pane.document, pane.selection, pane.tiles, *second);
  window.show();
  pane.selection.setLayer(LayerIndex(2));
  EXPECT_EQ(second->map().tokens(), 0U);
  second->show();
  EXPECT_EQ(second->picture().a.layer, LayerIndex(2));
  EXPECT_GT(second->map().tokens(), 0U);
}

}  // namespace
}  // namespace kvatlas
