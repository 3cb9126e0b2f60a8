// Where maps get their tiles from: asked without waiting, told by signal. Qt Core only; knows no file and no view.
#pragma once

#include <QObject>
#include <QPointer>
#include <cstdint>
#include <vector>

#include "views/models/map/tile.h"
#include "views/models/map/tile_pyramid.h"

namespace kvatlas::views {

// Background: only when nothing else is wanted.
enum class Urgency { View, Background };

class TileSource;

// A viewer's place at a source of tiles: ends with its owner, and outlives the source without harm.
class TileSubscription {
 public:
  TileSubscription();  // of no source: wants nothing
  ~TileSubscription();
  TileSubscription(TileSubscription&& other) noexcept;
  TileSubscription& operator=(TileSubscription&& other) noexcept;
  TileSubscription(const TileSubscription&) = delete;
  TileSubscription& operator=(const TileSubscription&) = delete;

  // What the viewer needs now, most important first; what it wanted before and does not name again is dropped. The
  // viewer that asked last is served first.
  void want(std::vector<TileKey> keys, Urgency urgency = Urgency::View);
  [[nodiscard]] const TileSource* source() const;  // null: none, or it is gone

 private:
  friend class TileSource;
  TileSubscription(TileSource& source, std::uint64_t id);
  void end();

  QPointer<TileSource> m_source;
  std::uint64_t m_id = 0;
};

// All calls from the thread the object lives in.
class TileSource : public QObject {
  Q_OBJECT
 public:
  using QObject::QObject;

  // The levels of a layer; the same for all its heads. Empty while there is nothing to show.
  [[nodiscard]] virtual TilePyramid pyramid(LayerIndex layer) const = 0;
  // The tile if it is here, else null. Never waits.
  [[nodiscard]] virtual TilePointer find(const TileKey& key) = 0;
  [[nodiscard]] TileSubscription subscribe() { return {*this, ++m_last_subscription}; }

 signals:
  void arrived(const kvatlas::views::TileKey& key);  // find() has it now
  void failed(const QString& message);               // a tile could not be read; its place stays "not captured"
  void changed();                                    // other pyramids or other values: ask anew

 protected:
  // Replaces what one subscription wants; empty: nothing any more.
  virtual void setWanted(std::uint64_t subscription, std::vector<TileKey> keys, Urgency urgency) = 0;

 private:
  friend class TileSubscription;
  std::uint64_t m_last_subscription = 0;
};

}  // namespace kvatlas::views
