// The words of `kvatlas figure --help` and of its refusals, made from the table of kinds.
#pragma once

#include <span>
#include <string>

#include "core/figures/figure_kinds.h"

namespace kvatlas::figures {

// Every field, in the order in which the command line refuses them.
[[nodiscard]] std::span<const SpecField> specFields();
[[nodiscard]] const char* optionOf(SpecField field);        // "--clip"
[[nodiscard]] std::string helpOf(SpecField field);          // "heatmap: the layer (the middle one)"
[[nodiscard]] std::string sourceName(FigureSource source);  // "trace file"
[[nodiscard]] std::string kindsHelp();                      // "of a trace: pattern, heatmap, …"
[[nodiscard]] std::string filesHelp();                      // "trace file (several of one prompt for …), …"

// UsageError: a figure of this kind does not read the field; the sentence says which do.
[[noreturn]] void refuse(SpecField field, const FigureKind& kind);

}  // namespace kvatlas::figures
