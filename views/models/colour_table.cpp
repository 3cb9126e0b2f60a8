#include "views/models/colour_table.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/suggest.h"

namespace kvatlas::views {
namespace {

constexpr std::size_t kControls = 33;
using Controls = std::array<std::uint32_t, kControls>;

// Every eighth entry of the published 256-entry tables. viridis and magma: S. van der Walt, N. Smith, E. Firing, CC0.
// cividis: J. R. Nuñez, C. R. Anderson, R. S. Renslow, PLOS ONE 13(7), 2018. Linear interpolation is within 2/255 of
// the first two and 6/255 of cividis.
constexpr Controls kViridis = {0x440154, 0x470d60, 0x48186a, 0x482374, 0x472d7b, 0x453781, 0x424086, 0x3e4989, 0x3b528b,
                               0x375b8d, 0x33638d, 0x2f6b8e, 0x2c728e, 0x297a8e, 0x26828e, 0x23898e, 0x21918c, 0x1f978b,
                               0x1f9f88, 0x21a685, 0x27ad81, 0x31b57b, 0x3dbc74, 0x4cc26c, 0x5cc863, 0x6ece58, 0x81d34d,
                               0x95d840, 0xaadc32, 0xc0df25, 0xd5e21a, 0xeae51a, 0xfde725};
constexpr Controls kMagma = {0x000004, 0x030312, 0x0a0822, 0x130d34, 0x1d1147, 0x29115a, 0x36106b, 0x440f76, 0x51127c,
                             0x5d177f, 0x6a1c81, 0x762181, 0x832681, 0x902a81, 0x9c2e7f, 0xaa337d, 0xb73779, 0xc23b75,
                             0xcf4070, 0xdb476a, 0xe55064, 0xee5b5e, 0xf4695c, 0xf9785d, 0xfb8761, 0xfd9668, 0xfea571,
                             0xfeb47b, 0xfec287, 0xfed194, 0xfde0a1, 0xfceeb0, 0xfcfdbf};
constexpr Controls kCividis = {0x00224e, 0x00285b, 0x002e6a, 0x053371, 0x1a386f, 0x273e6e, 0x32436d, 0x3b496c, 0x434e6c,
                               0x4b546c, 0x535a6d, 0x5a5f6e, 0x61656f, 0x686a71, 0x6f7073, 0x767676, 0x7d7c78, 0x838179,
                               0x8b8778, 0x928d78, 0x9a9376, 0xa29975, 0xaaa073, 0xb3a670, 0xbbad6d, 0xc3b369, 0xccba64,
                               0xd4c15f, 0xddc858, 0xe6d051, 0xefd748, 0xf8df3c, 0xfee838};

ColourTable interpolate(const Controls& controls) {
  ColourTable table;
  // Control point i is entry round(255 i / 32).
  const auto entryOf = [](std::size_t i) { return (i * 255 + 16) / 32; };
  for (std::size_t i = 0; i + 1 < kControls; ++i) {
    const std::size_t begin = entryOf(i), end = entryOf(i + 1);
    for (std::size_t e = begin; e <= end; ++e)
      table.entries[e] = mix(rgb(controls[i]), rgb(controls[i + 1]),
                             static_cast<double>(e - begin) / static_cast<double>(end - begin));
  }
  return table;
}

struct Named {
  std::string_view name;
  ColourTable table;
};

const std::array<Named, 4>& tables() {
  static const std::array<Named, 4> all = {Named{"viridis", interpolate(kViridis)}, Named{"magma", interpolate(kMagma)},
                                           Named{"cividis", interpolate(kCividis)},
                                           Named{"grey", rampTo(rgb(0x000000), rgb(0xFFFFFF))}};
  return all;
}

}  // namespace

Rgb ColourTable::at(double t) const {
  return entries[static_cast<std::size_t>(std::lround(std::clamp(t, 0.0, 1.0) * 255.0))];
}

ColourTable rampTo(Rgb from, Rgb colour) {
  ColourTable table;
  for (std::size_t e = 0; e < table.entries.size(); ++e)
    table.entries[e] = mix(from, colour, static_cast<double>(e) / 255.0);
  return table;
}

const ColourTable& scoreTable() {
  static const ColourTable table = [] {
    ColourTable made;
    for (std::size_t e = 0; e < made.entries.size(); ++e) {
      const double t = static_cast<double>(e) / 255.0;
      made.entries[e] =
          t < 0.5 ? mix(rgb(0xF0496E), rgb(0xEBB839), 2 * t) : mix(rgb(0xEBB839), rgb(0x0CD79F), 2 * t - 1);
    }
    return made;
  }();
  return table;
}

std::vector<std::string> colourTableNames() {
  std::vector<std::string> names;
  for (const Named& named : tables()) names.emplace_back(named.name);
  return names;
}

const ColourTable& colourTable(std::string_view name) {
  for (const Named& named : tables())
    if (named.name == name) return named.table;
  failUsage("unknown colour map '{}'{}", name, suggestion(name, colourTableNames()));
}

}  // namespace kvatlas::views
