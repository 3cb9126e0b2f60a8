#include "views/models/contrast.h"

#include <algorithm>
#include <cmath>

namespace kvatlas::views {
namespace {

constexpr Rgb kBlack = rgb(0x000000), kWhite = rgb(0xFFFFFF);

// Relative luminance of an sRGB colour.
double luminance(Rgb colour) {
  const auto linear = [](std::uint8_t value) {
    const double v = value / 255.0;
    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(colour.r) + 0.7152 * linear(colour.g) + 0.0722 * linear(colour.b);
}

}  // namespace

double contrast(Rgb a, Rgb b) {
  const double one = luminance(a), other = luminance(b);
  const double dark = std::min(one, other), light = std::max(one, other);
  return (light + 0.05) / (dark + 0.05);
}

Rgb inkOn(Rgb ground) {
  return contrast(kBlack, ground) >= contrast(kWhite, ground) ? kBlack : kWhite;
}

}  // namespace kvatlas::views
