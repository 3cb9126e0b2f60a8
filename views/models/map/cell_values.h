// The values of one (query, key) pair in a trace: its probability, exact if possible, and its rank among the query's
// keys. Runs on the reading thread.
#pragma once

#include <optional>
#include <vector>

#include "core/trace/reader.h"
#include "views/models/document/head_choice.h"

namespace kvatlas::views {

struct CellValues {
  enum Source { NotCaptured, Masked, MapCell, WindowRow, Exact } source = NotCaptured;
  std::optional<double> probability;  // of the pair, or of its map cell
  std::uint64_t cell_tokens = 1;      // tokens per map cell if Source is MapCell
  std::optional<std::size_t> rank;    // among the visible keys, 1 = largest
  std::size_t visible = 0;            // keys the query sees
  std::optional<double> entropy;      // of the query's row, nats; mean or max over the heads of the choice
};

[[nodiscard]] CellValues readCell(const trace::Reader& reader, LayerIndex layer, const HeadChoice& choice,
                                  trace::Reduction reduction, TokenIndex query, TokenIndex key);

// Attention of one query on every prompt token, aggregated over the heads of a choice.
struct QueryRow {
  CellValues::Source source = CellValues::NotCaptured;  // MapCell: means of cells of `cell_tokens` tokens
  std::uint64_t cell_tokens = 1;
  std::vector<float> probabilities;  // [N], 0 where masked; empty if nothing was captured
};
[[nodiscard]] QueryRow readQueryRow(const trace::Reader& reader, LayerIndex layer, const HeadChoice& choice,
                                    TokenIndex query);

}  // namespace kvatlas::views
