// What a trace knows about one (query, key) pair of a head: probability and rank where a row was kept, mass received.
// Runs on the reading thread; values only.
#pragma once

#include <cstddef>
#include <optional>

#include "core/trace/reader.h"
#include "views/models/head_choice.h"
#include "views/models/selection.h"

namespace kvatlas::views {

struct PairFacts {
  Cell cell;
  std::optional<double> probability;  // exact
  std::size_t rank = 0;               // of the key in its query's row, from 1; 0: the row was not kept
  std::optional<double> cell_value;   // of the finest recorded map cell instead, and its width
  std::uint64_t cell_tokens = 0;
  std::optional<double> received;  // mass the key receives from all queries
  std::size_t received_rank = 0;
  std::optional<double> entropy;  // of the query, nats
};

// Several heads are joined as the choice says. A row comes from the recorded last queries, or from queries and keys.
[[nodiscard]] PairFacts readPair(const trace::Reader& reader, LayerIndex layer, const HeadChoice& head,
                                 trace::Reduction reduction, Cell cell);

}  // namespace kvatlas::views
