// One head's stored queries and keys, and the tile kernel over them.
#pragma once

#include <cstdint>
#include <vector>

#include "core/trace/reader.h"
#include "kernels/attention_tile.h"

namespace kvatlas::analysis {

struct TileRequest {
  LayerIndex layer;
  HeadIndex head;                     // query head
  kernels::TokenRange queries, keys;  // [begin, end), not empty, inside the prompt
  kernels::TileValue value = kernels::TileValue::kProbability;
};

[[nodiscard]] constexpr std::size_t length(kernels::TokenRange range) {
  return range.end - range.begin;
}

// Read from one thread, compute from many. Reader and request must outlive it.
class TileSource {
 public:
  // Reads the keys of the request. Error if they were not stored, UsageError for ranges outside the prompt.
  TileSource(const trace::Reader& reader, const TileRequest& request);

  // Reads the rows for compute().
  void loadQueries(kernels::TokenRange queries);
  // output [queries, keys]: any part of the loaded queries and the request's keys.
  void compute(kernels::TokenRange queries, kernels::TokenRange keys, float* output, unsigned threads) const;
  // The visible keys of the range for a query; empty (begin ≥ end) if there are none.
  [[nodiscard]] kernels::TokenRange visibleKeys(std::size_t query, kernels::TokenRange keys) const;
  [[nodiscard]] bool anyVisible(kernels::TokenRange queries, kernels::TokenRange keys) const;

 private:
  [[noreturn]] void failWithoutRows() const;

  const trace::Reader& m_reader;
  const TileRequest& m_request;
  std::size_t m_dim, m_window;
  std::vector<std::uint16_t> m_keys, m_queries;  // bf16 bits
  std::vector<float> m_lse;
  kernels::TokenRange m_loaded;
};

}  // namespace kvatlas::analysis
