// model.safetensors.index.json: the files of a checkpoint in several parts.
#include "capture/model/shard_index.h"
#include "tests/fuzz/fuzz.h"

KVATLAS_FUZZ_TARGET {
  using namespace kvatlas::fuzz;
  const auto path = put("model.safetensors.index.json", textOf(data, size));
  onlyErrors([&] {
    for (const auto& [tensor, file] : kvatlas::capture::readShardIndex(path))
      if (std::filesystem::path("folder") / file != std::filesystem::path("folder/" + file) ||
          file.find('/') != std::string::npos || file == "..")
        __builtin_trap();  // leads out of the folder
  });
  return 0;
}
