// What the query of a decoding step reads of a list where its branch's method has queries choose pages: the chosen
// rows, side by side for attention. Host memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/session/watched_rows.h"
#include "core/policy/page_reading.h"

namespace kvatlas::capture {

struct PageRows {
  std::vector<std::uint32_t> rows;   // of the list, ascending; empty: all that the query sees
  std::vector<float> key, value;     // [rows, d]
  std::vector<float> probabilities;  // [readers, rows], once attended
};

// All of one list: keys and values [rows, d], the queries [readers, d] of its newest token, the rows that they see, and
// how many of these they read at most.
struct PageQuestion {
  std::span<const float> queries, key, value;
  VisibleRows seen;
  std::uint32_t budget = policy::kAllTokens;
};

void choosePages(const policy::PageReading& reading, const PageQuestion& question, std::size_t head_dim, PageRows& to);

}  // namespace kvatlas::capture
