// Learns a byte-level byte-pair encoding from text and writes its tokenizer.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvatlas::trainer {

// Pieces are byte strings: first <s>, </s> and <pad>, then the 256 bytes, then one piece per merge.
struct BytePairs {
  std::vector<std::string> pieces;                          // [vocabulary]
  std::vector<std::pair<std::string, std::string>> merges;  // in the order they were learned
};

// Sennrich et al. 2016: merge the most frequent pair of neighbouring pieces until `vocabulary` pieces exist or none
// occurs twice. Ties go to the pair of lowest ids. Texts are split into words first; each digit is a word.
[[nodiscard]] BytePairs learnBytePairs(std::span<const std::string> texts, std::uint32_t vocabulary);

// tokenizer.json and tokenizer_config.json as Hugging Face writes them, BOS before every text.
void writeTokenizer(const BytePairs& pairs, std::uint32_t positions, const std::filesystem::path& folder);

}  // namespace kvatlas::trainer
