// Prefix sums of what a run keeps: constant-time queries for any range of tokens. Immutable; may be built on any
// thread.
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
  // For tokens [begin, end): the kept fraction, whether it contains sinks, and whether it is mostly window.
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
