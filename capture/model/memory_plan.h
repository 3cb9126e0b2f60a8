// How much memory a run needs, of the host or of devices, and which layers go on which device.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "capture/model/config.h"

namespace kvatlas::capture {

// What determines the memory of a run.
struct MemoryQuestion {
  std::uint64_t tokens = 0;         // N
  std::uint64_t new_tokens = 0;     // generated at most
  std::uint64_t element_bytes = 2;  // of the compute type
  std::uint64_t row_chunk = 0;      // rows per projection and MLP chunk
  std::uint64_t branches = 1;       // caches decoded together, full included
  double kept_share = 0;            // share of the prompt that a branch other than full keeps, mean
};

struct MemoryNeed {
  std::uint64_t layer_weights = 0;  // of one layer
  std::uint64_t ends = 0;           // embedding, final norm and logits matrix; on the first device
  std::uint64_t layer_cache = 0;    // keys and values of one layer, all branches
  std::uint64_t working = 0;        // on every device: residual rows, projections, attention, probe, chunks
  std::uint32_t layers = 0;
  [[nodiscard]] std::uint64_t total(std::size_t devices) const {
    return ends + layers * (layer_weights + layer_cache) + devices * working;
  }
};

[[nodiscard]] MemoryNeed memoryNeed(const ModelConfig& config, const MemoryQuestion& question);

struct DeviceMemory {
  int index = 0;
  std::uint64_t free = 0, total = 0;  // bytes
};

// Device of each layer, consecutive layers together, devices in the order given: the fewest that hold everything,
// loaded in proportion to their free memory. The first also holds the ends. nullopt when all of them together are too
// small.
[[nodiscard]] std::optional<std::vector<int>> placeLayers(const MemoryNeed& need,
                                                          std::span<const DeviceMemory> devices);

// "needs 41.2 GB (weights 16.1, keys and values 17.2, working 7.9); free: cuda:0 39.5 of 80.0 GB. Fewer …" with the
// options that would help, cheapest first.
[[nodiscard]] std::string outOfMemoryText(const ModelConfig& config, const MemoryQuestion& question,
                                          std::span<const DeviceMemory> devices, int devices_of_machine);

// What a run on the host holds beside its weights.
struct HostNeed {
  std::uint64_t cache = 0;  // keys and values of the prompt, full cache alone
  std::uint64_t least = 0;  // and the residual rows of the prefill: no run takes less
  std::uint64_t about = 0;  // and all branches, new tokens, the work of a layer
};
[[nodiscard]] HostNeed hostNeed(const ModelConfig& config, const MemoryQuestion& question);

// Empty where `least` fits into `free` bytes; else what the run needs, what is free and what helps.
[[nodiscard]] std::string missingHostMemory(const ModelConfig& config, const MemoryQuestion& question,
                                            std::uint64_t free);

struct HostShares {
  std::uint64_t weights = 0, beside = 0, free = 0;  // bytes
};
// The sentence for converted or packed weights that do not fit beside what the run needs.
[[nodiscard]] std::string missingWeightMemory(const ModelConfig& config, const HostShares& shares,
                                              std::uint64_t element_bytes);

}  // namespace kvatlas::capture
