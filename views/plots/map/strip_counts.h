// What a run keeps, summed so that any range of tokens is answered in constant time. Made once, on any thread; knows
// arrays, no plot.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "views/models/map/kept_strip.h"
#include "views/models/map/position_counts.h"

namespace kvatlas::views {

class StripCounts {
 public:
  explicit StripCounts(const KeptStrip& strip);

  [[nodiscard]] const std::string& title() const { return m_title; }
  [[nodiscard]] Rgb colour() const { return m_colour; }
  [[nodiscard]] std::uint64_t tokens() const { return m_before.size() - 1; }
  // Of the tokens [begin, end): the fraction that is kept, and whether sinks, or mostly window, are among them.
  [[nodiscard]] double share(std::uint64_t begin, std::uint64_t end) const;
  [[nodiscard]] bool holdsSink(std::uint64_t begin, std::uint64_t end) const { return m_sinks.count(begin, end) > 0; }
  [[nodiscard]] bool isWindow(std::uint64_t begin, std::uint64_t end) const {
    return std::uint64_t{m_window.count(begin, end)} * 2 > end - begin;
  }

 private:
  std::string m_title;
  Rgb m_colour;
  std::vector<double> m_before;  // [tokens + 1] sums of shares
  PositionCounts m_sinks, m_window;
};
using StripPointer = std::shared_ptr<const StripCounts>;

}  // namespace kvatlas::views
