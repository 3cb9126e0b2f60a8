// The configuration of a random model, for benchmarks that make its weights in memory.
#pragma once

#include "app/cli/bench/random_model.h"
#include "capture/model/config.h"

namespace kvatlas::app {

[[nodiscard]] capture::ModelConfig configOf(const ModelShape& shape);

}  // namespace kvatlas::app
