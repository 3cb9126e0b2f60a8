#include "core/policy/page_reading.h"

#include <algorithm>

#include "core/policy/parameters.h"
#include "core/policy/selection.h"

namespace kvatlas::policy {
namespace {

constexpr std::uint32_t kLeastPages = 3;  // of the published code

// Adds the largest q·k of one query over the box that the keys of a page span.
double boundOf(std::span<const float> query, std::span<const float> low, std::span<const float> high) {
  double sum = 0;
  for (std::size_t c = 0; c < query.size(); ++c)
    sum += static_cast<double>(query[c]) * static_cast<double>(query[c] >= 0 ? high[c] : low[c]);
  return sum;
}

void widen(std::span<const float> key, std::span<float> low, std::span<float> high) {
  for (std::size_t c = 0; c < key.size(); ++c) {
    low[c] = std::min(low[c], key[c]);
    high[c] = std::max(high[c], key[c]);
  }
}

struct Page {
  std::uint32_t first = 0, end = 0;  // its rows that the query sees
};

Page pageAt(const PageReading& reading, std::uint32_t number, std::uint32_t first, std::uint32_t end) {
  return {std::max(first, number * reading.page), std::min(end, (number + 1) * reading.page)};
}

// Pages from `from` on, the first to be read first.
std::vector<std::uint32_t> pageOrder(const PageReading& reading, std::span<const float> bounds, std::uint32_t from) {
  std::vector<std::uint32_t> order = rankedPositions(bounds, bounds.size());
  for (std::uint32_t& page : order) page += from;
  if (reading.whole_pages) return order;
  const auto own = std::ranges::find(order, from + static_cast<std::uint32_t>(bounds.size()) - 1);
  std::rotate(order.begin(), own, own + 1);
  return order;
}

}  // namespace

std::optional<PageReading> pageReading(const Method& method, const Setting& setting, const Decision& decision) {
  if (!method.reads_pages || decision.reads.empty()) return std::nullopt;
  PageReading reading{.page = static_cast<std::uint32_t>(integerParameter(setting, kPageParameter.name)),
                      .whole_pages = setting.preset == Preset::Paper,
                      .most_of_group = textParameter(setting, kGroupParameter.name) == "max"};
  for (const std::uint32_t tokens : decision.reads)
    reading.tokens.push_back(tokens >= setting.shape.tokens ? kAllTokens : tokens);
  return reading;
}

std::vector<float> pageBounds(const PageReading& reading, std::span<const float> queries, std::span<const float> keys,
                              std::size_t head_dim) {
  const std::size_t rows = keys.size() / head_dim, readers = queries.size() / head_dim;
  std::vector<float> bounds, low, high;
  for (std::size_t begin = 0; begin < rows; begin += reading.page) {
    const std::span<const float> front = keys.subspan(begin * head_dim, head_dim);
    low.assign(front.begin(), front.end());
    high = low;
    const std::size_t end = std::min(begin + reading.page, rows);
    for (std::size_t row = begin + 1; row < end; ++row) widen(keys.subspan(row * head_dim, head_dim), low, high);
    double joined = 0;
    for (std::size_t reader = 0; reader < readers; ++reader) {
      const double bound = boundOf(queries.subspan(reader * head_dim, head_dim), low, high);
      if (reading.most_of_group)
        joined = reader == 0 ? bound : std::max(joined, bound);
      else
        joined += bound / static_cast<double>(readers);
    }
    bounds.push_back(static_cast<float>(joined));
  }
  return bounds;
}

std::vector<std::uint32_t> chosenRows(const PageReading& reading, std::uint32_t budget, std::span<const float> bounds,
                                      std::uint32_t first, std::uint32_t end) {
  const std::uint32_t from = first / reading.page, own = (end - 1) / reading.page;
  const std::vector<std::uint32_t> order = pageOrder(reading, bounds.subspan(from, own - from + 1), from);
  std::uint32_t left = std::min(budget, end - first);
  const std::size_t whole = std::max(kLeastPages, budget / reading.page);
  std::vector<Page> read;
  for (std::size_t i = 0; i < order.size() && (reading.whole_pages ? i < whole : left > 0); ++i) {
    Page page = pageAt(reading, order[i], first, end);
    if (!reading.whole_pages) {
      const std::uint32_t take = std::min(left, page.end - page.first);
      page = order[i] == own ? Page{page.end - take, page.end} : Page{page.first, page.first + take};
      left -= take;
    }
    read.push_back(page);
  }
  std::ranges::sort(read, {}, &Page::first);
  std::vector<std::uint32_t> rows;
  for (const Page& page : read)
    for (std::uint32_t row = page.first; row < page.end; ++row) rows.push_back(row);
  return rows;
}

std::uint64_t boundNumbers(const PageReading& reading, std::uint32_t rows, std::size_t head_dim) {
  return 2 * ((std::uint64_t{rows} + reading.page - 1) / reading.page) * head_dim;
}

}  // namespace kvatlas::policy
