// Arranges the tracks around a map and synchronises their axes with the map's.
#pragma once

#include <qcustomplot.h>

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
  void setStrips(const std::vector<StripPointer>& strips);
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

  QCustomPlot* m_plot;
  QCPAxisRect* m_map;
  QCPLayoutGrid* m_grid;
  QCPMarginGroup* m_sides;
  QCPMarginGroup* m_ends;
  Row<SpanTrack> m_spans;
  Row<SeriesTrack> m_received, m_entropy;
  std::vector<Row<KeptTrack>> m_strips;
  Theme m_theme = Theme::Light;
};

}  // namespace kvatlas::views
