#include "views/models/map/map_colours.h"

#include <algorithm>
#include <cmath>

#include "kernels/log2_codec.h"
#include "views/models/map/code_table.h"

namespace kvatlas::views {
namespace {

constexpr std::int64_t kCapturePeriod = 16, kCaptureWidth = 4, kEvictedPeriod = 6;
constexpr double kBitsPerCode = 32.0 / 65534;
constexpr std::size_t kHatchShade = 4;  // after the shades of the enum

std::uint32_t packed(Rgb colour) {
  return 0xFF000000U | (std::uint32_t{colour.r} << 16) | (std::uint32_t{colour.g} << 8) | colour.b;
}

std::int64_t modulo(std::int64_t value, std::int64_t period) {
  return ((value % period) + period) % period;
}

double decode(std::int32_t code) {
  return static_cast<double>(probabilityOfCode()[static_cast<std::size_t>(code)]);
}

}  // namespace

Rgb divergingColour(double t, Theme theme) {
  const Rgb middle = theme == Theme::Light ? rgb(0xF4F4F4) : rgb(0x24272D);
  const Rgb near = t < 0 ? rgb(0x2F8FCB) : rgb(0xE5742A);
  const Rgb far =
      theme == Theme::Light ? (t < 0 ? rgb(0x003A63) : rgb(0x6E2600)) : (t < 0 ? rgb(0xBFE3FA) : rgb(0xFFD9B8));
  const double size = std::min(std::abs(t), 1.0);
  return size < 0.6 ? mix(middle, near, size / 0.6) : mix(near, far, (size - 0.6) / 0.4);
}

MapColours::MapColours(const ColourSettings& settings, Theme theme, ShadeColours shades)
    : m_theme(themeColours(theme)),
      m_difference_limit(settings.difference_limit),
      m_ratio_limit(settings.ratio_limit),
      m_opacity(settings.eviction_opacity),
      m_eviction(settings.eviction),
      m_entry_of(kCodes) {
  const ColourTable& table = colourTable(settings.table);
  // Black; if the table starts with black, a blue that is neither in grey nor in magma.
  m_zero = table.entries[0].b > 40 ? rgb(0x000000) : rgb(0x10324A);
  m_masked = mix(m_theme.paper, m_theme.ink, theme == Theme::Light ? 0.06 : 0.05);
  m_not_loaded = mix(m_theme.paper, m_theme.ink, 0.16);
  const ValueScale scale{settings.kind, settings.low, settings.high};
  m_entry_of[0] = kZeroEntry;
  for (std::size_t code = 1; code < kCodes; ++code)
    m_entry_of[code] =
        static_cast<std::uint16_t>(std::lround(scale.position(decode(static_cast<std::int32_t>(code))) * 255));
  for (std::size_t shade = 0; shade < kShades; ++shade) {
    for (std::size_t entry = 0; entry < kEntries; ++entry)
      m_palettes[shade][entry] = packed(shaded(table.entries[entry], shade, shades));
    m_palettes[shade][kZeroEntry] = packed(shaded(m_zero, shade, shades));
    for (std::size_t step = 0; step <= kSteps; ++step)
      m_signed[shade][step] =
          packed(shaded(divergingColour(static_cast<double>(step) / (kSteps / 2) - 1, theme), shade, shades));
  }
}

Rgb MapColours::shaded(Rgb colour, std::size_t shade, const ShadeColours& shades) const {
  switch (shade) {
    case static_cast<std::size_t>(Shade::Evicted):
      return m_eviction == EvictionStyle::Dim ? mix(colour, m_theme.paper, m_opacity) : colour;
    case static_cast<std::size_t>(Shade::OnlyA):
      return mix(colour, shades.only_a, 0.65);
    case static_cast<std::size_t>(Shade::OnlyB):
      return mix(colour, shades.only_b, 0.65);
    case kHatchShade:
      return mix(colour, m_theme.paper, m_opacity);
    default:
      return colour;
  }
}

Rgb MapColours::colourOf(double probability) const {
  const std::uint32_t pixel = m_palettes[0][m_entry_of[kernels::encodeLog2(probability)]];
  return rgb(pixel & 0xFFFFFFU);
}

Rgb MapColours::differenceColour(double t) const {
  const auto step = static_cast<std::size_t>(std::lround((std::clamp(t, -1.0, 1.0) + 1) * (kSteps / 2)));
  return rgb(m_signed[0][step] & 0xFFFFFFU);
}

Rgb MapColours::notCaptured(std::int64_t x, std::int64_t y) const {
  return modulo(x + y, kCapturePeriod) < kCaptureWidth ? m_theme.not_captured_hatch : m_theme.not_captured;
}

std::uint32_t MapColours::state(std::int32_t code, std::int64_t x, std::int64_t y) const {
  switch (code) {
    case kMaskedPixel:
      return packed(m_masked);
    case kNotCapturedPixel:
      return packed(notCaptured(x, y));
    case kNotLoadedPixel:
      return packed(m_not_loaded);
    default:
      return packed(m_theme.paper);
  }
}

void MapColours::values(const std::int32_t* codes, const Row& row) const {
  for (std::size_t i = 0; i < row.count; ++i) {
    const std::int64_t x = row.x + static_cast<std::int64_t>(i);
    if (codes[i] < 0) {
      row.out[i] = state(codes[i], x, row.y);
      continue;
    }
    std::size_t shade = row.shades == nullptr ? 0 : static_cast<std::size_t>(row.shades[i]);
    if (shade == static_cast<std::size_t>(Shade::Evicted) && m_eviction == EvictionStyle::Hatch &&
        modulo(x + row.y, kEvictedPeriod) == 0)
      shade = kHatchShade;
    row.out[i] = m_palettes[shade][m_entry_of[static_cast<std::size_t>(codes[i])]];
  }
}

// step(a, b): maps two codes to [−1, 1].
template <class Step>
void MapColours::signedRow(const std::int32_t* a, const std::int32_t* b, const Row& row, const Step& step) const {
  for (std::size_t i = 0; i < row.count; ++i) {
    if (a[i] < 0 || b[i] < 0) {
      row.out[i] = state(std::min(a[i], b[i]), row.x + static_cast<std::int64_t>(i), row.y);
      continue;
    }
    const double t = std::clamp(step(a[i], b[i]), -1.0, 1.0);
    const std::size_t shade = row.shades == nullptr ? 0 : static_cast<std::size_t>(row.shades[i]);
    row.out[i] = m_signed[shade][static_cast<std::size_t>(std::lround((t + 1) * (kSteps / 2)))];
  }
}

void MapColours::difference(const std::int32_t* a, const std::int32_t* b, const Row& row) const {
  signedRow(a, b, row, [this](std::int32_t x, std::int32_t y) { return (decode(x) - decode(y)) / m_difference_limit; });
}

// Treats zero as the smallest code: values below 2⁻³² are indistinguishable from it.
void MapColours::ratio(const std::int32_t* a, const std::int32_t* b, const Row& row) const {
  signedRow(a, b, row, [this](std::int32_t x, std::int32_t y) {
    return (std::max(x, 1) - std::max(y, 1)) * kBitsPerCode / m_ratio_limit;
  });
}

}  // namespace kvatlas::views
