// A square tile of an attention map at one level of detail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/trace/reader.h"
#include "views/models/document/head_choice.h"

namespace kvatlas::views {

inline constexpr std::size_t kTileSide = 256;  // cells; the last tile of a row or column may have fewer

// `level` indexes the TilePyramid of the layer; row and column are in tiles.
struct TileKey {
  LayerIndex layer;
  HeadChoice head;
  trace::Reduction reduction = trace::Reduction::Max;
  std::uint32_t level = 0, row = 0, column = 0;
  friend constexpr bool operator==(const TileKey&, const TileKey&) = default;
};

struct TileKeyHash {
  std::size_t operator()(const TileKey& key) const {
    const std::uint64_t what = (std::uint64_t{key.layer.value} << 32) | (std::uint64_t{key.head.index} << 8) |
                               (std::uint64_t{key.head.kind} << 1) | (key.reduction == trace::Reduction::Max ? 1U : 0U);
    const std::uint64_t where = (std::uint64_t{key.level} << 56) ^ (std::uint64_t{key.row} << 28) ^ key.column;
    return std::hash<std::uint64_t>{}(what * 0x9E3779B97F4A7C15ULL ^ where * 0xC2B2AE3D27D4EB4FULL);
  }
};

// log₂ codes of probabilities as in a trace. The geometry, not the codes, determines which cells are masked.
struct Tile {
  enum class State : std::uint8_t { Ready, NotCaptured };
  State state = State::Ready;
  std::uint32_t rows = 0, columns = 0;
  std::vector<std::uint16_t> codes;  // [rows, columns]; empty unless Ready
  [[nodiscard]] std::size_t bytes() const { return sizeof(Tile) + codes.capacity() * sizeof(std::uint16_t); }
};
using TilePointer = std::shared_ptr<const Tile>;

}  // namespace kvatlas::views
