// The interactive map: a map plottable with token axes, linked tracks, crosshair, zoom and zoom
// history. Reads from tile sources; no document, no file.
#pragma once

#include <qcustomplot.h>

#include <functional>
#include <optional>
#include <vector>

#include "views/models/map/map_viewport.h"
#include "views/plots/map/map_cursor.h"
#include "views/plots/map/map_plottable.h"
#include "views/plots/map/track.h"

namespace kvatlas::views {

class MapGestures;
class MapTracks;

class MapView : public QCustomPlot {
  Q_OBJECT
 public:
  explicit MapView(QWidget* parent = nullptr);
  ~MapView() override;

  // Shows the whole map if the number of tokens changed; else keeps the window.
  void setPicture(const MapPicture& picture);
  void setCaptionShown(bool shown);  // layer, heads and reduction in the corner of the map
  void setTheme(Theme theme);
  void setColours(const ColourSettings& colours);
  void setShadeColours(ShadeColours colours);  // of the compared runs
  void setSpans(const std::vector<trace::Span>& spans);
  void setReceived(std::vector<float> values);  // [tokens], empty: no track
  void setEntropy(std::vector<float> values);   // [tokens], nats
  void setStrips(const std::vector<StripPointer>& strips);
  // Text of a token for the axes, shown where tokens are wide enough. Null: indices only.
  void setTokenText(std::function<QString(TokenIndex token)> text);
  // What the crosshair says about a cell; null: nothing. Asked again when the picture or the tiles change.
  void setReadout(std::function<CursorReadout(const Cell& cell)> readout);
  void setReadoutShown(bool shown);
  [[nodiscard]] const CursorReadout& readout() const { return m_cursor->readout(); }
  void setTracksShown(bool shown);  // false: the map without tracks and strips
  void setStretch(double stretch);  // MapFrame::stretch

  [[nodiscard]] MapPlottable& map() { return *m_map; }
  [[nodiscard]] const MapPicture& picture() const { return m_map->picture(); }
  [[nodiscard]] const ColourSettings& colours() const { return m_colours; }
  [[nodiscard]] Theme theme() const { return m_theme; }
  [[nodiscard]] QCPAxisRect& mapRect() const { return *m_rect; }

  [[nodiscard]] TokenWindow window() const { return m_map->window(); }
  enum class Step { Gesture /* merges with the last */, Jump /* a new history step */, Silent /* not recorded */ };
  void setWindow(const TokenWindow& window, Step step = Step::Jump);
  [[nodiscard]] MapFrame frame() const;
  [[nodiscard]] std::optional<std::size_t> stripAt(const QPoint& pixel) const;  // index into the last setStrips
  bool scrollStrips(int by);                                                    // false: nothing to scroll
  [[nodiscard]] std::optional<Cell> cellAt(const QPointF& pixel) const;         // empty outside the map
  [[nodiscard]] std::optional<TokenIndex> keyAt(double x) const;                // the token of a pixel column
  [[nodiscard]] QPointF tokensAt(const QPointF& pixel) const;                   // key, query; not clamped
  [[nodiscard]] std::optional<Cell> cursor() const { return m_cursor->cell(); }
  void endGesture();  // the next step is a new history step
  using QWidget::setCursor;
  void setCursor(std::optional<Cell> cell);  // draws it; emits no signal
  void setBox(const QRect& box);             // the zoom box, in pixels
  void jumpTo(const Cell& cell);             // centres it at the current zoom

 public slots:
  void fit();
  void goBack();
  void goForward();
  void zoomIn();
  void zoomOut();

 signals:
  void windowChanged(const kvatlas::views::TokenWindow& window);
  void cursorMoved(std::optional<kvatlas::views::Cell> cell);  // by the mouse
  void clicked(kvatlas::views::Cell cell);
  void layerStepped(int by);
  void headStepped(int by);
  void blinkWanted();
  void menuWanted(const QPoint& global, std::optional<kvatlas::views::Cell> cell);
  void stripHovered(std::size_t strip, std::optional<kvatlas::TokenIndex> key, const QPoint& global);
  void stripClicked(std::size_t strip);
  void stripMenuWanted(std::size_t strip, const QPoint& global);
  void pictureChanged();  // picture, colours or theme
  void drawn();           // map().detailText() and map().visibleValues() may have changed

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void setUpAxes();
  void labelAxes();
  void applyTheme();
  void adaptToSize();
  void showWindow(const TokenWindow& window);
  [[nodiscard]] CursorReadout readoutNow() const;
  void updateReadout();

  QCPAxisRect* m_rect = nullptr;
  MapPlottable* m_map = nullptr;
  MapCursor* m_cursor = nullptr;
  std::unique_ptr<MapTracks> m_tracks;
  MapGestures* m_gestures = nullptr;
  ZoomHistory m_history;
  ColourSettings m_colours;
  ShadeColours m_shades;
  Theme m_theme = Theme::Light;
  MapFrame m_shown;  // the frame of the current window
  bool m_fitted = true;
  double m_stretch = 1;
  std::function<QString(TokenIndex)> m_token_text;
  std::function<CursorReadout(const Cell&)> m_readout;
  bool m_readout_shown = true;
};

}  // namespace kvatlas::views
