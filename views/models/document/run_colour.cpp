#include "views/models/document/run_colour.h"

#include <iterator>
#include <set>

namespace kvatlas::views {
namespace {

constexpr Rgb kWarm = rgb(0xD55E00), kCool = rgb(0x0072B2), kWhite = rgb(0xFFFFFF);
constexpr double kLightest = 0.6;  // share of white in the smallest budget's colour

}  // namespace

Rgb runColour(const Document& document, RunId run, Theme theme) {
  if (!document.hasRun(run)) return themeColours(theme).ink;
  const trace::RunHeader& header = document.runHeader(run);
  const Rgb colour = methodColour(header.method, theme);
  if (header.is_full || isWhatIf(run)) return colour;
  std::set<double> budgets;
  for (const RunId id : document.runIds())
    if (!isWhatIf(id) && document.runHeader(id).method == header.method)
      budgets.insert(document.runHeader(id).budget_nominal);
  if (budgets.size() < 2) return colour;
  const auto rank = static_cast<double>(std::distance(budgets.begin(), budgets.find(header.budget_nominal)));
  const double place = rank / static_cast<double>(budgets.size() - 1);  // 0: smallest budget, 1: largest
  // On dark paper a shade darker than the method's colour would not stand out.
  return theme == Theme::Dark ? mix(colour, kWhite, kLightest * (1 - place)) : budgetShade(colour, place);
}

ComparedColours comparedColours(const Document& document, RunId a, RunId b, Theme theme) {
  const auto method = [&](RunId run) { return document.hasRun(run) ? document.runHeader(run).method : std::string(); };
  if (method(a) == method(b)) return {kWarm, kCool};
  // The full cache has the theme's ink, which is no colour on a grey map.
  const auto colour = [&](RunId run, Rgb other) {
    return document.hasRun(run) && !document.runHeader(run).is_full ? methodColour(method(run), theme) : other;
  };
  return {colour(a, kWarm), colour(b, kCool)};
}

}  // namespace kvatlas::views
