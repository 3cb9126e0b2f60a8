// Maps pixel codes to colours: single values, differences or ratios, shaded per column.
// Limits and tables apply only here, after the reduction. No Qt Gui.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "views/models/map/map_raster.h"
#include "views/models/value_scale.h"

namespace kvatlas::views {

// How evicted columns are marked. Kept columns always have the colours of the scale.
enum class EvictionStyle : std::uint8_t {
  Dim,    // faded towards the paper
  Edge,   // a band along the top of the map; all colours of the scale
  Hatch,  // thin diagonal lines; the colours of the scale between them
};

// User settings. Limits are absolute: only the user changes them.
struct ColourSettings {
  std::string table = "viridis";
  ScaleKind kind = ScaleKind::Log;
  double low = 1e-5, high = 1;
  double difference_limit = 0.05;  // A−B is drawn from −limit to +limit
  double ratio_limit = 8;          // log₂(A/B), likewise
  EvictionStyle eviction = EvictionStyle::Dim;
  double eviction_opacity = 0.6;  // 0: evicted columns look like kept ones
  std::uint64_t skip_keys = 4;    // first keys (sinks) that fitted limits leave out
  friend bool operator==(const ColourSettings&, const ColourSettings&) = default;
};

// How a pixel is shaded, independent of its value.
enum class Shade : std::uint8_t {
  Plain,
  Evicted,  // the focus run keeps none of its keys
  OnlyA,    // kept only by the first of two compared runs
  OnlyB,
};

struct ShadeColours {
  Rgb only_a, only_b;
};

class MapColours {
 public:
  MapColours(const ColourSettings& settings, Theme theme, ShadeColours shades = {});

  [[nodiscard]] Rgb colourOf(double probability) const;  // unshaded; 0 gives the colour of exact zeros
  [[nodiscard]] Rgb differenceColour(double t) const;    // t in [−1, 1]
  [[nodiscard]] Rgb zero() const { return m_zero; }
  [[nodiscard]] Rgb masked() const { return m_masked; }
  [[nodiscard]] Rgb notLoaded() const { return m_not_loaded; }
  [[nodiscard]] Rgb notCaptured(std::int64_t x, std::int64_t y) const;  // hatched

  // A row of `count` pixels from world pixel (x, y), as 0xFFRRGGBB. `shades`: null for plain.
  struct Row {
    std::int64_t x = 0, y = 0;
    std::size_t count = 0;
    const Shade* shades = nullptr;
    std::uint32_t* out = nullptr;
  };
  void values(const std::int32_t* codes, const Row& row) const;
  void difference(const std::int32_t* a, const std::int32_t* b, const Row& row) const;
  void ratio(const std::int32_t* a, const std::int32_t* b, const Row& row) const;
  [[nodiscard]] EvictionStyle evictionStyle() const { return m_eviction; }

 private:
  static constexpr std::size_t kEntries = 256, kZeroEntry = 256, kSteps = 512, kShades = 5;
  using Palette = std::array<std::uint32_t, kEntries + 1>;
  using SignedPalette = std::array<std::uint32_t, kSteps + 1>;

  [[nodiscard]] std::uint32_t state(std::int32_t code, std::int64_t x, std::int64_t y) const;
  [[nodiscard]] Rgb shaded(Rgb colour, std::size_t shade, const ShadeColours& shades) const;
  template <class Step>
  void signedRow(const std::int32_t* a, const std::int32_t* b, const Row& row, const Step& step) const;

  ThemeColours m_theme;
  Rgb m_zero, m_masked, m_not_loaded;
  double m_difference_limit, m_ratio_limit, m_opacity;
  EvictionStyle m_eviction;
  std::vector<std::uint16_t> m_entry_of;  // [kCodes] palette entry
  std::array<Palette, kShades> m_palettes{};
  std::array<SignedPalette, kShades> m_signed{};
};

// Diverging colours from −1 to +1: blue, the theme's neutral at 0, vermilion.
[[nodiscard]] Rgb divergingColour(double t, Theme theme);

}  // namespace kvatlas::views
