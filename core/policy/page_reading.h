// Which of the tokens that a list holds a query reads, where nothing is evicted and every query chooses pages by the
// most that its logit can be over their keys (Quest, Tang et al., arXiv:2406.10774). Host arrays only.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "core/policy/policy.h"

namespace kvatlas::policy {

inline constexpr std::uint32_t kAllTokens = std::numeric_limits<std::uint32_t>::max();

struct PageReading {
  std::uint32_t page = 16;            // tokens, counted from position 0
  bool whole_pages = false;           // as published: whole pages, three at least, and none by right
  bool most_of_group = false;         // the largest bound of the query heads that share a list, not their mean
  std::vector<std::uint32_t> tokens;  // [layers, stored heads] that a query reads at most; kAllTokens: all it sees
};

// How the queries of a decided run read; empty where each reads all that it sees.
[[nodiscard]] std::optional<PageReading> pageReading(const Method& method, const Setting& setting,
                                                     const Decision& decision);

// [pages] the most that q·k can be over the keys of a page, of the queries of one list together. queries: [readers, d],
// keys: [rows, d], row r at position r.
[[nodiscard]] std::vector<float> pageBounds(const PageReading& reading, std::span<const float> queries,
                                            std::span<const float> keys, std::size_t head_dim);

// The rows of [first, end) that a query reads, ascending: `budget` of them, its own page's last ones and then the pages
// with the largest bounds, of the last page its front; or whole pages (see PageReading). Ties go to the first page.
[[nodiscard]] std::vector<std::uint32_t> chosenRows(const PageReading& reading, std::uint32_t budget,
                                                    std::span<const float> bounds, std::uint32_t first,
                                                    std::uint32_t end);

// Numbers that the bounds of a list of so many rows take: the least and the largest key of each page.
[[nodiscard]] std::uint64_t boundNumbers(const PageReading& reading, std::uint32_t rows, std::size_t head_dim);

}  // namespace kvatlas::policy
