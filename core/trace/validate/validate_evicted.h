// Replays what a run holds from what it kept, generated and evicted; part of validate(). Knows no HDF5.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/trace/records.h"

namespace kvatlas::trace {

// When each list of a run gave a position up.
class EvictionTimes {
 public:
  explicit EvictionTimes(const RunRecord& record);
  // The first step after which the list lost the position; empty: never.
  [[nodiscard]] std::optional<std::uint32_t> stepOf(std::uint32_t layer, std::uint32_t head, TokenIndex position) const;
  [[nodiscard]] std::size_t size() const { return m_steps.size(); }  // positions of lists

 private:
  struct Key {
    std::uint32_t layer = 0, head = 0;
    TokenIndex position = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  std::unordered_map<Key, std::uint32_t, Hash> m_steps;
};

// The first thing that cannot be: an entry of the log that names what does not exist, is out of order or was not held;
// a list that holds more than its capacity and `every` tokens; bytes that are not those of what is held. Empty:
// nothing. The record needs its kept positions.
[[nodiscard]] std::optional<std::string> evictionProblem(const TraceHeader& header, const RunHeader& run,
                                                         const RunRecord& record);

}  // namespace kvatlas::trace
