#include "views/models/figures/figure_spec.h"

#include <array>
#include <charconv>
#include <cmath>

#include "core/base/error.h"
#include "core/base/suggest.h"

namespace kvatlas::views {
namespace {

// The index of `text` in `names`; UsageError naming the option.
template <std::size_t N>
std::size_t choose(std::string_view option, std::string_view text, const std::array<std::string_view, N>& names) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == text) return i;
  failUsage("{} '{}' is unknown{}", option, text, suggestion(text, {names.begin(), names.end()}));
}

}  // namespace

FigureSpec defaultSpec(std::string_view name) {
  const FigureKind& kind = figures::findFigureKind(name);
  const figures::FigureDefaults& defaults = kind.defaults;
  FigureSpec spec;
  spec.kind = kind.name;
  spec.width_inches = defaults.two_columns ? kDoubleColumnInches : kSingleColumnInches;
  spec.reduction = defaults.reduction;
  spec.scale = defaults.log_scale ? ScaleKind::Log : ScaleKind::Linear;
  spec.clip = defaults.clip;
  spec.fit_clip = defaults.fit_clip;
  spec.colour_map = defaults.colour_map;
  spec.floor = 1e-5;
  return spec;
}

const FigureKind& kindOf(const FigureSpec& spec) {
  return figures::findFigureKind(spec.kind);
}

trace::Reduction parseReduction(std::string_view text) {
  return choose<2>("--reduction", text, {"mean", "max"}) == 0 ? trace::Reduction::Mean : trace::Reduction::Max;
}

ScaleKind parseScale(std::string_view text) {
  return choose<2>("--scale", text, {"linear", "log"}) == 0 ? ScaleKind::Linear : ScaleKind::Log;
}

Theme parseTheme(std::string_view text) {
  return choose<2>("--theme", text, {"light", "dark"}) == 0 ? Theme::Light : Theme::Dark;
}

AccuracyBy parseBy(std::string_view text) {
  return choose<2>("--by", text, {"kind", "length"}) == 0 ? AccuracyBy::Kind : AccuracyBy::Length;
}

double parseWidth(std::string_view text) {
  if (text == "single") return kSingleColumnInches;
  if (text == "double") return kDoubleColumnInches;
  double inches = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), inches);
  if (code != std::errc{} || end != text.data() + text.size())
    failUsage("--width '{}': expected single, double or a number of inches", text);
  return inches;
}

std::optional<std::uint32_t> parseHead(std::string_view text) {
  if (text == "mean") return std::nullopt;
  std::uint32_t head = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), head);
  if (code != std::errc{} || end != text.data() + text.size())
    failUsage("--head '{}': expected a head number or mean", text);
  return head;
}

void checkSpec(const FigureSpec& spec) {
  const auto inside = [](std::string_view option, double value, double low, double high) {
    if (!(value >= low && value <= high)) failUsage("{} {}: expected a number from {} to {}", option, value, low, high);
  };
  inside("--width", spec.width_inches, 2.5, 20);
  inside("--dpi", spec.dpi, 50, 1200);
  if (kindOf(spec).reads(SpecField::Clip)) {
    if (!(spec.clip > 0 && spec.clip <= 1)) failUsage("--clip {}: expected a probability above 0, up to 1", spec.clip);
    if (spec.scale == ScaleKind::Log && !(spec.floor > 0 && spec.floor < spec.clip))
      failUsage("--floor {}: expected a probability above 0 and below --clip {}", spec.floor, spec.clip);
  }
  inside("--lowest", spec.lowest_retained, 0, 0.99);
  if (spec.columns > 12) failUsage("--columns {}: expected at most 12", spec.columns);
}

}  // namespace kvatlas::views
