// The builder of one kind of figure: gather() reads the values from the input, draw() draws them.
// Every figure file defines one builder; the table of kinds lists it.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/base/error.h"
#include "core/results/reader.h"
#include "views/models/figures/figure_spec.h"
#include "views/models/figures/traces.h"
#include "views/models/figures/training_curves.h"
#include "views/plots/figures/figure.h"

namespace kvatlas::views {

struct FigureBuilder {
  FigureSource source = FigureSource::Trace;
  // Without Qt Gui, on the thread that may read the input. The values must not refer to the input.
  std::function<std::shared_ptr<const void>(const FigureInput&, const FigureSpec&)> gather;
  // On the GUI thread; reads no file.
  std::function<Figure(const void*, const FigureSpec&)> draw;
};

namespace detail {

template <class Input>
constexpr FigureSource kSourceOf = std::is_same_v<Input, results::ResultsReader> ? FigureSource::Results
                                   : std::is_same_v<Input, TrainingCurves>       ? FigureSource::TrainingLog
                                   : std::is_same_v<Input, policy::HeadTable>    ? FigureSource::HeadTable
                                                                                 : FigureSource::Trace;

template <class Input>
const Input& inputAs(const FigureInput& input) {
  if constexpr (std::is_same_v<Input, Traces>) {
    return std::get<Traces>(input);
  } else if constexpr (std::is_same_v<Input, trace::Reader>) {
    return *std::get<Traces>(input).front();
  } else {
    return *std::get<const Input*>(input);
  }
}

}  // namespace detail

// Input: trace::Reader for one trace, Traces for one or several of the same prompt, results::ResultsReader,
// TrainingCurves or policy::HeadTable.
template <class Input, class Values>
FigureBuilder makeBuilder(Values (*gather)(const Input&, const FigureSpec&),
                          Figure (*draw)(const Values&, const FigureSpec&)) {
  return {
      detail::kSourceOf<Input>,
      [gather](const FigureInput& input, const FigureSpec& spec) -> std::shared_ptr<const void> {
        return std::make_shared<const Values>(gather(detail::inputAs<Input>(input), spec));
      },
      [draw](const void* values, const FigureSpec& spec) { return draw(*static_cast<const Values*>(values), spec); }};
}

// The builder of a kind. UsageError for an unknown kind.
[[nodiscard]] const FigureBuilder& builderOf(const FigureSpec& spec);

}  // namespace kvatlas::views
