#include "views/models/map/tile_source.h"

#include <utility>

namespace kvatlas::views {

TileSubscription::TileSubscription() = default;

TileSubscription::TileSubscription(TileSource& source, std::uint64_t id) : m_source(&source), m_id(id) {}

TileSubscription::~TileSubscription() {
  end();
}

TileSubscription::TileSubscription(TileSubscription&& other) noexcept
    : m_source(std::exchange(other.m_source, nullptr)), m_id(other.m_id) {}

TileSubscription& TileSubscription::operator=(TileSubscription&& other) noexcept {
  if (this == &other) return *this;
  end();
  m_source = std::exchange(other.m_source, nullptr);
  m_id = other.m_id;
  return *this;
}

const TileSource* TileSubscription::source() const {
  return m_source;
}

void TileSubscription::want(std::vector<TileKey> keys, Urgency urgency) {
  if (m_source) m_source->setWanted(m_id, std::move(keys), urgency);
}

void TileSubscription::end() {
  want({});
  m_source = nullptr;
}

}  // namespace kvatlas::views
