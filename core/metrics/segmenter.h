// Chinese word segmentation with jieba's dictionary and algorithm (accurate mode): the most probable path through the
// words of the dictionary, then a hidden Markov model for what it leaves as single characters.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/metrics/hidden_markov.h"

namespace kvatlas::metrics {

class Segmenter {
 public:
  // The folder of the Python package jieba (dict.txt and finalseg). Error names the file.
  explicit Segmenter(const std::filesystem::path& folder);
  Segmenter(const Segmenter&) = delete;
  Segmenter& operator=(const Segmenter&) = delete;

  // The words of a text, valid UTF-8, in order; together they are the text.
  [[nodiscard]] std::vector<std::string_view> cut(std::string_view text) const;
  [[nodiscard]] const std::string& sha256() const { return m_sha256; }  // of dict.txt

 private:
  class Block;
  void readDictionary(const std::filesystem::path& path);

  std::string m_text;  // of dict.txt; the words refer to it
  std::string m_sha256;
  std::unordered_map<std::string_view, std::uint64_t> m_counts;  // of words; 0: only the beginning of one
  double m_log_total = 0;
  HiddenMarkov m_markov;
};

// jieba's folder: $KVATLAS_JIEBA, or where Debian's python3-jieba puts it. Error says how to get it.
[[nodiscard]] std::filesystem::path jiebaFolder();
// The segmenter of that folder, opened at the first call.
[[nodiscard]] const Segmenter& jieba();

}  // namespace kvatlas::metrics
