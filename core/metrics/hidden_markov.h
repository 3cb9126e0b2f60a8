// Words among characters that no dictionary word joins: the most probable tags begin, middle, end, single of a hidden
// Markov model, with jieba's probabilities.
#pragma once

#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace kvatlas::metrics {

class HiddenMarkov {
 public:
  // Reads prob_start.py, prob_trans.py and prob_emit.py of jieba's folder finalseg. Error names the file.
  explicit HiddenMarkov(const std::filesystem::path& folder);

  // The lengths, in characters, of the words of a run of Chinese characters.
  [[nodiscard]] std::vector<std::size_t> wordLengths(std::span<const std::uint32_t> characters) const;

 private:
  using Tags = std::array<double, 4>;  // natural logarithms, in the order of kTags

  [[nodiscard]] std::vector<std::size_t> bestTags(std::span<const std::uint32_t> characters) const;
  [[nodiscard]] const Tags& emission(std::uint32_t character) const;

  Tags m_start{};
  std::array<Tags, 4> m_step{};  // [from][to]
  std::unordered_map<std::uint32_t, Tags> m_emission;
};

}  // namespace kvatlas::metrics
