// The options of `kvatlas figure` as text, passed to the figures library; must not know Qt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kvatlas::app {

// An empty optional or string: the kind's default.
struct FigureOptions {
  std::string kind;
  std::vector<std::string> files;
  std::string output;
  std::string width, theme, reduction, scale, colour_map, head, title, score, by;
  std::optional<double> dpi, clip, floor, lowest;
  std::optional<std::uint32_t> layer;
  std::vector<std::uint32_t> layers;
  std::vector<std::string> runs, budgets;
  std::size_t columns = 0;
  bool entropy = false, no_spans = false, quiet = false;
};

inline constexpr const char* kFiguresLibrary = "kvatlas_figures";
inline constexpr const char* kFigureSymbol = "kvatlasFigureMain";
// Draws one figure. Returns 0 done, 1 failed, 2 wrong usage, with one sentence in *error_message. Never throws.
using FigureEntry = int (*)(const FigureOptions* options, std::string* error_message);

}  // namespace kvatlas::app
