// Everything a person can choose about a figure, parsed and checked; knows no Qt Gui and no file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/figures/figure_kinds.h"
#include "core/trace/records.h"
#include "views/models/palette.h"
#include "views/models/value_scale.h"

namespace kvatlas::views {

using figures::FigureKind;
using figures::FigureSource;
using figures::SpecField;

// One panel for everything, or one per kind of needle or context length.
enum class AccuracyBy { All, Kind, Length };

inline constexpr double kSingleColumnInches = 3.3;
inline constexpr double kDoubleColumnInches = 6.9;

struct FigureSpec {
  std::string kind = "pattern";  // a name of figures::figureKinds()
  double width_inches = kDoubleColumnInches;
  double dpi = 300;  // of PNG; vector formats do not depend on it
  Theme theme = Theme::Light;
  std::string title;
  std::vector<std::uint32_t> layers;   // pattern: empty = six spread over the model
  std::optional<std::uint32_t> layer;  // heatmap: empty = the middle recorded one
  std::optional<std::uint32_t> head;   // heatmap: empty = over all query heads
  std::vector<std::string> runs;       // "snapkv", "snapkv@128", a label or a run number; empty = all
  std::vector<std::string> budgets;    // as given at the capture: "128", "20%"; empty = see run_choice.h
  trace::Reduction reduction = trace::Reduction::Mean;
  ScaleKind scale = ScaleKind::Linear;
  double clip = 0;        // upper end of the colour scale
  bool fit_clip = false;  // lower it where nearly all cells lie below: a mean over many tokens is small
  double floor = 0;       // lower end of a log scale
  std::string colour_map = "viridis";
  bool spans = true;
  bool entropy = false;        // heatmap: the track along the queries
  std::size_t columns = 0;     // panels per row; 0 = by width
  double lowest_retained = 0;  // retained: lower end of the y axis
  std::string score;           // needle, accuracy: a recorded score; empty = the run's own
  AccuracyBy by = AccuracyBy::All;

  friend bool operator==(const FigureSpec&, const FigureSpec&) = default;
};

// The settings a figure has where a person says nothing, from the table of kinds. UsageError for an unknown kind.
[[nodiscard]] FigureSpec defaultSpec(std::string_view kind);
[[nodiscard]] const FigureKind& kindOf(const FigureSpec& spec);

// "mean", "linear", "light", "single" or inches, "0,6,12": UsageError that names the option and what it takes.
[[nodiscard]] trace::Reduction parseReduction(std::string_view text);
[[nodiscard]] ScaleKind parseScale(std::string_view text);
[[nodiscard]] Theme parseTheme(std::string_view text);
[[nodiscard]] AccuracyBy parseBy(std::string_view text);
[[nodiscard]] double parseWidth(std::string_view text);
[[nodiscard]] std::optional<std::uint32_t> parseHead(std::string_view text);  // "mean" → empty

// UsageError when two settings cannot go together or a number is out of range.
void checkSpec(const FigureSpec& spec);

}  // namespace kvatlas::views
