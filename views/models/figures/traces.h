// Several traces of one prompt, for figures that compare them; no Qt Gui.
#pragma once

#include <string>
#include <vector>

#include "core/trace/reader.h"

namespace kvatlas::views {

using Traces = std::vector<const trace::Reader*>;  // at least one; the readers must outlive the gathering

// "kellynch" of "…/kellynch.kva.h5", with its folder if two names are equal; empty for a single trace.
[[nodiscard]] std::vector<std::string> traceNames(const Traces& traces);

// Error unless all have the same tokens; it names two files and the first difference.
void requireOneTokenisation(const Traces& traces);

}  // namespace kvatlas::views
