// Asynchronous source of tiles for maps: find() never blocks, arrived() signals new tiles. Qt Core only, no file
// access.
#pragma once

#include <QObject>
#include <QPointer>
#include <cstdint>
#include <vector>

#include "views/models/map/tile.h"
#include "views/models/map/tile_pyramid.h"

namespace kvatlas::views {

// Background: only when no View request is pending.
enum class Urgency { View, Background };

class TileSource;

// A viewer's subscription to a tile source (RAII). It may outlive the source.
class TileSubscription {
 public:
  TileSubscription();  // without a source
  ~TileSubscription();
  TileSubscription(TileSubscription&& other) noexcept;
  TileSubscription& operator=(TileSubscription&& other) noexcept;
  TileSubscription(const TileSubscription&) = delete;
  TileSubscription& operator=(const TileSubscription&) = delete;

  // Replaces the viewer's requests, most important first. The source serves the viewer with the latest
  // request first.
  void request(std::vector<TileKey> keys, Urgency urgency = Urgency::View);
  [[nodiscard]] const TileSource* source() const;  // null: none, or destroyed

 private:
  friend class TileSource;
  TileSubscription(TileSource& source, std::uint64_t id);
  void end();

  QPointer<TileSource> m_source;
  std::uint64_t m_id = 0;
};

// Not thread-safe: call it from the thread it lives in.
class TileSource : public QObject {
  Q_OBJECT
 public:
  using QObject::QObject;

  // The levels of a layer, the same for all heads. Empty if there is no map.
  [[nodiscard]] virtual TilePyramid pyramid(LayerIndex layer) const = 0;
  // The tile if loaded, else null. Never blocks.
  [[nodiscard]] virtual TilePointer find(const TileKey& key) = 0;
  [[nodiscard]] TileSubscription subscribe() { return {*this, ++m_last_subscription}; }

 signals:
  void arrived(const kvatlas::views::TileKey& key);  // find() now returns it
  void failed(const QString& message);               // reading a tile failed; it stays "not captured"
  void changed();                                    // pyramids or values changed: request tiles again

 protected:
  // Replaces the requests of one subscription; empty: none.
  virtual void setRequests(std::uint64_t subscription, std::vector<TileKey> keys, Urgency urgency) = 0;

 private:
  friend class TileSubscription;
  std::uint64_t m_last_subscription = 0;
};

}  // namespace kvatlas::views
