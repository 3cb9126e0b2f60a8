// LRU cache of a document's tiles: the reading thread reads them, worker threads aggregate them over heads. Limited in
// bytes. Qt Core only.
#pragma once

#include <QThreadPool>
#include <list>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "views/models/document/document.h"
#include "views/models/map/tile_reader.h"
#include "views/models/map/tile_source.h"

namespace kvatlas::views {

class TileCache : public TileSource {
  Q_OBJECT
 public:
  // The limit must hold what all viewers ask for at once, or a picture evicts its own tiles: two sides of a 4K screen
  // take 96 MiB.
  explicit TileCache(Document& document, std::size_t limit_bytes = std::size_t{256} << 20, QObject* parent = nullptr);
  ~TileCache() override;

  [[nodiscard]] TilePyramid pyramid(LayerIndex layer) const override;
  [[nodiscard]] TilePointer find(const TileKey& key) override;
  [[nodiscard]] std::size_t limit() const { return m_limit; }
  [[nodiscard]] std::size_t bytes() const { return m_bytes; }
  [[nodiscard]] std::size_t inFlight() const { return m_in_flight.size(); }

 protected:
  void setRequests(std::uint64_t subscription, std::vector<TileKey> keys, Urgency urgency) override;

 private:
  struct Entry {
    TileKey key;
    TilePointer tile;
  };
  struct Request {
    std::uint64_t subscription;
    std::vector<TileKey> keys;
    Urgency urgency;
  };
  void forget();
  void forgetMissing();
  void pump();
  [[nodiscard]] bool next(TileKey& key) const;
  void read(const TileKey& key);
  void join(const TileKey& key, std::uint64_t generation, RawTile raw);
  void store(const TileKey& key, TilePointer tile);
  void shrink();

  Document& m_document;
  std::size_t m_limit, m_bytes = 0;
  std::list<Entry> m_recent;  // most recent first
  std::unordered_map<TileKey, std::list<Entry>::iterator, TileKeyHash> m_tiles;
  std::vector<Request> m_requests;  // latest last
  std::unordered_set<TileKey, TileKeyHash> m_in_flight;
  std::uint64_t m_generation = 0;  // of the document's contents: older answers are dropped
  QThreadPool m_workers;
};

}  // namespace kvatlas::views
