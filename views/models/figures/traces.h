// Several traces of one prompt, for figures that compare them; knows no Qt Gui.
#pragma once

#include <string>
#include <vector>

#include "core/trace/reader.h"

namespace kvatlas::views {

using Traces = std::vector<const trace::Reader*>;  // at least one; the readers outlive the figure's making

// "kellynch" of "…/kellynch.kva.h5", with its folder where two are alike; empty for a single trace.
[[nodiscard]] std::vector<std::string> traceNames(const Traces& traces);

// Error unless all hold the same tokens, naming two files and the first difference.
void requireOneTokenisation(const Traces& traces);

}  // namespace kvatlas::views
