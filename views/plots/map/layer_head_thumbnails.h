// Thumbnails for a grid of layers and heads: maps from the coarse levels, or numbers on a colour. Item delegates paint
// with it.
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
  // Paints the map in `area`, square and centred. Requests missing tiles; arrived() follows.
  void paintMap(QPainter& painter, const QRect& area, LayerIndex layer, const HeadChoice& head);
  // Paints a value on its colour with legible text; NaN: not captured.
  void paintNumber(QPainter& painter, const QRect& area, double value, const ValueScale& scale,
                   const QString& text) const;
  // Call after scrolling: drops requests of cells that are not painted again.
  void forgetWishes();

 signals:
  void arrived(kvatlas::LayerIndex layer, kvatlas::views::HeadChoice head);  // paint it again
  void changed();                                                            // paint all again

 private:
  struct Picture {
    QImage image;
    bool complete = false;
  };
  [[nodiscard]] Picture make(const MapSide& side, const QSize& pixels);
  void tileArrived(const TileKey& key);
  void reset();

  QPointer<TileSource> m_source;
  trace::Reduction m_reduction = trace::Reduction::Max;
  MapColours m_colours;
  ColourTable m_table;
  Theme m_theme = Theme::Light;
  QCache<QString, Picture> m_pictures{4096};
  TileSubscription m_subscription;
  std::vector<TileKey> m_requests;
  QTimer m_request_timer;
};

}  // namespace kvatlas::views
