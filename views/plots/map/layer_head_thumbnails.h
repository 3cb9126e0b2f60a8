// Small pictures for a grid of layers and heads: maps drawn from the coarse levels, or numbers on a colour; for item
// delegates to paint with. Knows tile sources, no grid and no model.
#pragma once

#include <QCache>
#include <QImage>
#include <QObject>
#include <QPainter>
#include <QPointer>
#include <QTimer>
#include <vector>

#include "views/models/map/map_picture.h"

namespace kvatlas::views {

class LayerHeadThumbnails : public QObject {
  Q_OBJECT
 public:
  explicit LayerHeadThumbnails(TileSource* source, QObject* parent = nullptr);

  void setReduction(trace::Reduction reduction);
  void setColours(const ColourSettings& settings, Theme theme);
  // The map in `area`, square and centred; what is not here yet is asked for, and arrived() follows.
  void paintMap(QPainter& painter, const QRect& area, LayerIndex layer, const HeadChoice& head);
  // A value on its colour with its text in ink that can be read; NaN: not captured.
  void paintNumber(QPainter& painter, const QRect& area, double value, const ValueScale& scale,
                   const QString& text) const;
  // Call when other cells come into view: what was asked for and not painted since is dropped.
  void forgetWishes();

 signals:
  void arrived(kvatlas::LayerIndex layer, kvatlas::views::HeadChoice head);  // paint it again
  void changed();                                                            // paint all again

 private:
  struct Picture {
    QImage image;
    bool complete = false;
  };
  [[nodiscard]] Picture make(const MapSide& side, int pixels);
  void take(const TileKey& key);
  void reset();

  QPointer<TileSource> m_source;
  trace::Reduction m_reduction = trace::Reduction::Max;
  MapColours m_colours;
  ColourTable m_table;
  Theme m_theme = Theme::Light;
  QCache<QString, Picture> m_pictures{4096};
  TileSubscription m_subscription;
  std::vector<TileKey> m_wanted;
  QTimer m_ask;
};

}  // namespace kvatlas::views
