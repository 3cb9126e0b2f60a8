// Where maps get their tiles from: asked without waiting, told by signal. Qt Core only; knows no file and no view.
#pragma once

#include <QObject>
#include <vector>

#include "views/models/map/tile.h"
#include "views/models/map/tile_pyramid.h"

namespace kvatlas::views {

// Background: only when nothing else is wanted.
enum class Urgency { View, Background };

// All calls from the thread the object lives in.
class TileSource : public QObject {
  Q_OBJECT
 public:
  using QObject::QObject;

  // The levels of a layer; the same for all its heads. Empty while there is nothing to show.
  [[nodiscard]] virtual TilePyramid pyramid(LayerIndex layer) const = 0;
  // The tile if it is here, else null. Never waits.
  [[nodiscard]] virtual TilePointer find(const TileKey& key) = 0;
  // What `viewer` needs now, most important first; what it wanted before and does not name again is dropped. The
  // viewer that asked last is served first. An empty list: the viewer is gone or hidden.
  virtual void want(const void* viewer, std::vector<TileKey> keys, Urgency urgency = Urgency::View) = 0;

 signals:
  void arrived(const kvatlas::views::TileKey& key);  // find() has it now
  void failed(const QString& message);               // a tile could not be read; its place stays "not captured"
  void changed();                                    // other pyramids or other values: ask anew
};

}  // namespace kvatlas::views
