// Arranges the tracks around a map and synchronises their axes with the map's.
#pragma once

#include <qcustomplot.h>

#include <optional>
#include <vector>

#include "views/plots/map/track.h"

namespace kvatlas::views {

class MapTracks {
 public:
  // Replaces the plot's layout: tracks above the map, one to its right.
  MapTracks(QCustomPlot* plot, QCPAxisRect* map);

  void setTheme(Theme theme);
  void setTokens(std::uint64_t tokens);
  void setSpans(const std::vector<trace::Span>& spans);
  void setReceived(std::vector<float> values);
  void setEntropy(std::vector<float> values);
  // Shows as many as the plot has room for; the others scroll.
  void setStrips(const std::vector<StripPointer>& strips);
  void setRoom(int plot_height);
  bool scrollStrips(int by);  // false: nothing to scroll
  // The strip under a pixel of the plot, its title included; as an index into the last setStrips.
  [[nodiscard]] std::optional<std::size_t> stripAt(const QPoint& pixel) const;
  [[nodiscard]] std::size_t shownStrips() const { return m_strips.size(); }
  void setShown(bool shown);         // false: the map alone
  void setCell(std::uint64_t cell);  // tokens per cell of the drawn map
  // Call after changes of the map's ranges.
  void follow();

  [[nodiscard]] std::vector<QCPAxisRect*> alongKeys() const;
  [[nodiscard]] std::vector<QCPAxisRect*> alongQueries() const;
  [[nodiscard]] QCPAxisRect* entropyRect() const { return m_entropy.rect; }

 private:
  template <class T>
  struct Row {
    QCPAxisRect* rect = nullptr;
    T* track = nullptr;
  };
  [[nodiscard]] QCPAxisRect* makeRect(bool along_keys);
  template <class T>
  Row<T> makeRow(int thickness, const QString& title);
  void arrange();
  void fillStrips();
  [[nodiscard]] std::size_t firstStrip() const;

  QCustomPlot* m_plot;
  QCPAxisRect* m_map;
  QCPLayoutGrid* m_grid;
  QCPMarginGroup* m_sides;
  QCPMarginGroup* m_ends;
  Row<SpanTrack> m_spans;
  Row<SeriesTrack> m_received, m_entropy;
  std::vector<StripPointer> m_all;
  std::vector<Row<KeptTrack>> m_strips;  // rows for the visible part of m_all
  std::size_t m_first = 0, m_most = 8;
  bool m_shown = true;
  Theme m_theme = Theme::Light;
};

}  // namespace kvatlas::views
