// The kinds of figure as the command line, the Explorer and the views read them; knows nothing of drawing.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/trace/records.h"

namespace kvatlas::figures {

// What a figure is drawn from: a captured trace, a folder of results, the CSV log of a training.
enum class FigureSource { Trace, Results, TrainingLog };

// What only some kinds read; size, theme, title and panels per row belong to all.
enum class SpecField {
  Reduction,
  Scale,
  ColourMap,
  Clip,
  Floor,
  Layers,
  Layer,
  Head,
  Entropy,
  Runs,
  Budget,
  Score,
  By,
  Spans,
  Lowest,
};

struct ReadField {
  SpecField field;
  std::string_view usual = {};  // the default of this kind in the words of the help; empty: the same for all kinds
};

struct FigureDefaults {
  bool two_columns = false;  // printed width
  trace::Reduction reduction = trace::Reduction::Mean;
  bool log_scale = false;
  double clip = 0;  // upper end of the colour scale, a probability
  bool fit_clip = false;
  std::string_view colour_map = "viridis";
};

struct FigureKind {
  std::string_view name;
  FigureSource source = FigureSource::Trace;
  bool several = false;   // of one prompt in one figure
  const char* menu = "";  // with the key of the menu entry behind '&'
  FigureDefaults usual = {};
  std::vector<ReadField> fields = {};

  [[nodiscard]] bool reads(SpecField field) const;
};

// In the order of the menu and the help.
[[nodiscard]] std::span<const FigureKind> figureKinds();
[[nodiscard]] const FigureKind& findFigureKind(std::string_view name);  // UsageError with the nearest names

}  // namespace kvatlas::figures
