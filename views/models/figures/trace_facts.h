// Metadata of a trace for its figures; no Qt Gui.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/trace/reader.h"

namespace kvatlas::views {

struct TraceFacts {
  std::string file;  // name without folder
  std::string model, architecture, compute_dtype, weights_fingerprint, generator, created, prompt_sha256;
  std::uint32_t layers = 0, query_heads = 0, kv_heads = 0, window = 0;
  std::uint64_t tokens = 0, sliding_window = 0;
  std::vector<trace::Span> spans;
  bool complete = true;
};

// prompt_sha256: over the ids as little-endian u32.
[[nodiscard]] TraceFacts traceFacts(const trace::Reader& reader);

}  // namespace kvatlas::views
