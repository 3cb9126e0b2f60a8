// The builders of the rows of core/figures/figure_rows.inc, in the order of figures::figureKinds().
#include <vector>

#include "views/plots/figures/figure_builder.h"

namespace kvatlas::views {

#define KVATLAS_FIGURE(builder, ...) FigureBuilder builder();
#include "core/figures/figure_rows.inc"
#undef KVATLAS_FIGURE

const FigureBuilder& builderOf(const FigureSpec& spec) {
#define KVATLAS_FIGURE(builder, ...) builder(),
  static const std::vector<FigureBuilder> builders{
#include "core/figures/figure_rows.inc"
  };
#undef KVATLAS_FIGURE
  return builders.at(static_cast<std::size_t>(&kindOf(spec) - figures::figureKinds().data()));
}

}  // namespace kvatlas::views
