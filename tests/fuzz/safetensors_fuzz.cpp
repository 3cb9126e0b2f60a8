// The header of a safetensors file, and the tensors it names.
#include "capture/model/safetensors.h"
#include "tests/fuzz/fuzz.h"

KVATLAS_FUZZ_TARGET {
  using namespace kvatlas::fuzz;
  const auto path = put("model.safetensors", textOf(data, size));
  onlyErrors([&] {
    const kvatlas::capture::SafetensorsFile file(path);
    unsigned sum = 0;
    for (const std::string& name : file.names()) {
      const auto bytes = file.find(name)->bytes;
      if (!bytes.empty()) sum += std::to_integer<unsigned>(bytes.front()) + std::to_integer<unsigned>(bytes.back());
    }
    [[maybe_unused]] volatile const unsigned used = sum;
  });
  return 0;
}
