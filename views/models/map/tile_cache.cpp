#include "views/models/map/tile_cache.h"

#include <algorithm>

namespace kvatlas::views {
namespace {

// Few, so that new requests do not wait behind tiles that have left the view.
constexpr std::size_t kMostInFlight = 3;

}  // namespace

TileCache::TileCache(Document& document, std::size_t limit_bytes, QObject* parent)
    : TileSource(parent), m_document(document), m_limit(limit_bytes) {
  connect(&document, &Document::replaced, this, &TileCache::forget);
  connect(&document, &Document::opened, this, &TileCache::changed);
  connect(&document, &Document::refreshed, this, &TileCache::forgetMissing);
  connect(&document, &Document::closed, this, &TileCache::changed);
}

TileCache::~TileCache() {
  m_workers.waitForDone();
}

TilePyramid TileCache::pyramid(LayerIndex layer) const {
  if (!m_document.isOpen()) return {};
  const DocumentIndex& index = m_document.index();
  TilePyramid pyramid = pyramidOf(index.header, layer);
  if (!index.hasLayer(layer)) {  // planned, but not written yet
    pyramid.cells.clear();
    pyramid.exact_levels = 0;
  }
  return pyramid;
}

TilePointer TileCache::find(const TileKey& key) {
  const auto known = m_tiles.find(key);
  if (known == m_tiles.end()) return nullptr;
  m_recent.splice(m_recent.begin(), m_recent, known->second);
  return known->second->tile;
}

void TileCache::setRequests(std::uint64_t subscription, std::vector<TileKey> keys, Urgency urgency) {
  std::erase_if(m_requests, [subscription](const Request& each) { return each.subscription == subscription; });
  if (!keys.empty()) m_requests.push_back({subscription, std::move(keys), urgency});
  pump();
}

void TileCache::forget() {
  ++m_generation;
  m_recent.clear();
  m_tiles.clear();
  m_bytes = 0;
  m_requests.clear();
  m_in_flight.clear();
}

// A growing file only adds: tiles that were read stay valid, so that the map does not turn grey meanwhile.
void TileCache::forgetMissing() {
  for (auto each = m_recent.begin(); each != m_recent.end();) {
    if (each->tile->state != Tile::State::NotCaptured) {
      ++each;
      continue;
    }
    m_bytes -= each->tile->bytes();
    m_tiles.erase(each->key);
    each = m_recent.erase(each);
  }
  emit changed();
}

bool TileCache::next(TileKey& key) const {
  for (const Urgency urgency : {Urgency::View, Urgency::Background}) {
    for (auto each = m_requests.rbegin(); each != m_requests.rend(); ++each) {
      if (each->urgency != urgency) continue;
      for (const TileKey& wanted : each->keys)
        if (!m_tiles.contains(wanted) && !m_in_flight.contains(wanted)) {
          key = wanted;
          return true;
        }
    }
  }
  return false;
}

void TileCache::pump() {
  TileKey key;
  while (m_in_flight.size() < kMostInFlight && m_document.isOpen() && next(key)) read(key);
}

void TileCache::read(const TileKey& key) {
  m_in_flight.insert(key);
  const TilePyramid pyramid = this->pyramid(key.layer);
  const std::uint64_t generation = m_generation;
  const bool there =
      key.level < pyramid.cells.size() && key.row < pyramid.tiles(key.level) && key.column < pyramid.tiles(key.level);
  if (!there) {
    store(key, joinTile({}, key.head));
    return;
  }
  m_document.post(
      {Priority::Tile, 0}, [pyramid, key](const trace::Reader& reader) { return readTile(reader, pyramid, key); }, this,
      [this, key, generation](Answer<RawTile> answer) {
        if (generation != m_generation) return;
        if (!answer) emit failed(QString::fromStdString(answer.error));
        join(key, generation, answer ? std::move(*answer.value) : RawTile{});
      });
}

// A single head is ready as read; a worker thread aggregates several.
void TileCache::join(const TileKey& key, std::uint64_t generation, RawTile raw) {
  if (raw.heads.size() <= 1) return store(key, joinTile(std::move(raw), key.head));
  m_workers.start([this, key, generation, raw = std::move(raw)]() mutable {
    TilePointer tile = joinTile(std::move(raw), key.head);
    QMetaObject::invokeMethod(
        this,
        [this, key, generation, tile = std::move(tile)] {
          if (generation == m_generation) store(key, tile);
        },
        Qt::QueuedConnection);
  });
}

void TileCache::store(const TileKey& key, TilePointer tile) {
  m_in_flight.erase(key);
  m_bytes += tile->bytes();
  m_recent.push_front({key, std::move(tile)});
  m_tiles[key] = m_recent.begin();
  shrink();
  emit arrived(key);
  pump();
}

void TileCache::shrink() {
  while (m_bytes > m_limit && m_recent.size() > 1) {
    m_bytes -= m_recent.back().tile->bytes();
    m_tiles.erase(m_recent.back().key);
    m_recent.pop_back();
  }
}

}  // namespace kvatlas::views
