// The kinds of figure, shared by command line, Explorer and views. No drawing code.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/trace/records.h"

namespace kvatlas::figures {

// The input of a figure: a captured trace, a folder of results, the CSV log of a training run, a table of heads.
enum class FigureSource { Trace, Results, TrainingLog, HeadTable };

// Options that only some kinds read; size, theme, title and panels per row apply to all.
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
  std::string_view default_text = {};  // this kind's default, as shown in the help; empty: the same for all kinds
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
  bool several = false;   // several traces of one prompt in one figure
  const char* menu = "";  // menu label with its access key after '&'
  FigureDefaults defaults = {};
  std::vector<ReadField> fields = {};

  [[nodiscard]] bool reads(SpecField field) const;
};

// In menu and help order.
[[nodiscard]] std::span<const FigureKind> figureKinds();
[[nodiscard]] const FigureKind& findFigureKind(std::string_view name);  // UsageError with the nearest names

}  // namespace kvatlas::figures
