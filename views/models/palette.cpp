#include "views/models/palette.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/runs/titles.h"

namespace kvatlas::views {
namespace {

struct MethodLook {
  std::string_view name;
  std::uint32_t colour;
  Mark mark;
};

// Okabe & Ito's eight colours for the most common methods, then Paul Tol's muted ones; `full` uses ink.
constexpr std::array kLooks = {
    MethodLook{"pyramidkv", 0xD55E00, Mark::Circle},    MethodLook{"snapkv", 0x0072B2, Mark::Square},
    MethodLook{"h2o", 0x009E73, Mark::Triangle},        MethodLook{"streamingllm", 0xCC79A7, Mark::Diamond},
    MethodLook{"headkv", 0xE69F00, Mark::TriangleDown}, MethodLook{"adakv", 0x56B4E9, Mark::Star},
    MethodLook{"l2norm", 0x882255, Mark::Cross},        MethodLook{"tova", 0x999933, Mark::Plus},
    MethodLook{"cam", 0x332288, Mark::Circle},          MethodLook{"think", 0x117733, Mark::Square},
    MethodLook{"random", 0x888888, Mark::Cross},
};

// For methods without an entry above, in the order of the method table.
constexpr std::array kFurther = {
    MethodLook{"", 0x44AA99, Mark::Triangle},     MethodLook{"", 0xAA4499, Mark::Diamond},
    MethodLook{"", 0x661100, Mark::TriangleDown}, MethodLook{"", 0x6699CC, Mark::Star},
    MethodLook{"", 0xDDCC77, Mark::Cross},        MethodLook{"", 0xCC6677, Mark::Plus},
    MethodLook{"", 0x8B4513, Mark::Circle},       MethodLook{"", 0x4B0082, Mark::Square},
    MethodLook{"", 0x2F4F4F, Mark::Triangle},     MethodLook{"", 0xB8860B, Mark::Diamond},
    MethodLook{"", 0x6B8E23, Mark::TriangleDown}, MethodLook{"", 0xDC143C, Mark::Star},
    MethodLook{"", 0x4682B4, Mark::Cross},        MethodLook{"", 0x9370DB, Mark::Plus},
    MethodLook{"", 0x20B2AA, Mark::Circle},       MethodLook{"", 0xFF7F50, Mark::Square},
    MethodLook{"", 0x708090, Mark::Triangle},     MethodLook{"", 0xC71585, Mark::Diamond},
    MethodLook{"", 0x2E8B57, Mark::TriangleDown}, MethodLook{"", 0xD2691E, Mark::Star},
    MethodLook{"", 0x5F9EA0, Mark::Cross},        MethodLook{"", 0xBC8F8F, Mark::Plus},
    MethodLook{"", 0x483D8B, Mark::Circle},       MethodLook{"", 0x808000, Mark::Square},
};

constexpr MethodLook kUnknown{"", 0x7A6A8A, Mark::Plus};

constexpr ThemeColours kLight{rgb(0xFFFFFF), rgb(0x000000), rgb(0x5F5F5F), rgb(0xDDDDDD),
                              rgb(0xE9E9E9), rgb(0xD0D0D0), rgb(0xB0B0B0)};
constexpr ThemeColours kDark{rgb(0x16181D), rgb(0xF0F0F0), rgb(0xA8ACB3), rgb(0x3A3E46),
                             rgb(0x2E3138), rgb(0x4A4D54), rgb(0x62666E)};

const MethodLook* ownLook(std::string_view method) {
  const auto* found = std::ranges::find(kLooks, method, &MethodLook::name);
  return found == kLooks.end() ? nullptr : &*found;
}

const MethodLook& look(std::string_view method) {
  if (const MethodLook* own = ownLook(method)) return *own;
  std::size_t further = 0;
  for (const policy::Method& known : policy::methods()) {
    if (known.name == runs::kFullMethod || ownLook(known.name) != nullptr) continue;
    if (known.name == method) return kFurther[further % kFurther.size()];
    ++further;
  }
  return kUnknown;
}

}  // namespace

Rgb mix(Rgb a, Rgb b, double t) {
  const auto channel = [t](std::uint8_t from, std::uint8_t to) {
    return static_cast<std::uint8_t>(std::lround(from + (to - from) * std::clamp(t, 0.0, 1.0)));
  };
  return {channel(a.r, b.r), channel(a.g, b.g), channel(a.b, b.b)};
}

const ThemeColours& themeColours(Theme theme) {
  return theme == Theme::Light ? kLight : kDark;
}

Rgb methodColour(std::string_view method, Theme theme) {
  if (method == runs::kFullMethod) return themeColours(theme).ink;
  return rgb(look(method).colour);
}

Mark methodMark(std::string_view method) {
  return method == runs::kFullMethod ? Mark::None : look(method).mark;
}

std::string methodTitle(std::string_view method) {
  return runs::methodTitle(method);
}

Rgb oracleColour(Theme theme) {
  return theme == Theme::Light ? rgb(0x808080) : rgb(0x9A9A9A);
}

Rgb budgetShade(Rgb colour, double place) {
  constexpr Rgb kWhite = rgb(0xFFFFFF), kBlack = rgb(0x000000);
  constexpr double kLighter = 0.45, kDarker = 0.35;
  return place < 0.5 ? mix(colour, kWhite, kLighter * (1 - 2 * place)) : mix(colour, kBlack, kDarker * (2 * place - 1));
}

}  // namespace kvatlas::views
