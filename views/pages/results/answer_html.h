// The answers of one case as a table: what is expected beside what each method gives, with the words that differ
// marked.
#pragma once

#include <QString>

#include "views/models/palette.h"
#include "views/models/results/results_source.h"

namespace kvatlas::views {

// Methods with the same answer and score share a row; `right_from`: scores from here on are right.
[[nodiscard]] QString answersHtml(const ResultsView& view, std::size_t number, double right_from, Theme theme);

}  // namespace kvatlas::views
