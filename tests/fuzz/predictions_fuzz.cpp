// Lines of predictions, as `kvatlas evaluate score` reads them.
#include "core/metrics/predictions.h"
#include "tests/fuzz/fuzz.h"

KVATLAS_FUZZ_TARGET {
  using namespace kvatlas;
  const auto path = fuzz::put("qasper.jsonl", fuzz::textOf(data, size));
  fuzz::onlyErrors([&] { static_cast<void>(metrics::scorePredictions(path, [](const metrics::ScoredLine&) {})); });
  return 0;
}
