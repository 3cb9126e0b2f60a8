// config.json of a model.
#include "capture/model/config.h"
#include "tests/fuzz/fuzz.h"

KVATLAS_FUZZ_TARGET {
  using namespace kvatlas::fuzz;
  put("config.json", textOf(data, size));
  onlyErrors([] { static_cast<void>(kvatlas::capture::loadModelConfig(folder())); });
  return 0;
}
