#include "app/trainer/bpe_trainer.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "core/base/files.h"
#include "core/base/utf8.h"
#include "core/text/bpe/byte_alphabet.h"
#include "core/text/regex.h"

namespace kvatlas::trainer {
namespace {

using nlohmann::ordered_json;
using Pair = std::pair<std::uint32_t, std::uint32_t>;

// English contractions, words with the space before them, single digits, punctuation, white space.
constexpr const char* kWordPattern = R"('(?:[sdmt]|ll|ve|re)| ?[A-Za-z]+|[0-9]| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+)";
constexpr std::uint32_t kSpecials = 3;

struct Word {
  std::vector<std::uint32_t> pieces;
  std::int64_t count = 0;
};

std::vector<Word> countWords(std::span<const std::string> texts) {
  const text::Regex pattern(kWordPattern, "the word pattern");
  text::Matcher matcher(pattern);
  std::map<std::string, std::int64_t> counts;
  std::vector<text::Matcher::Range> ranges;
  for (const std::string& text : texts) {
    matcher.findAll(text, ranges);
    for (const auto& [first, last] : ranges) ++counts[text.substr(first, last - first)];
  }
  std::vector<Word> words;
  for (const auto& [bytes, count] : counts) {
    Word word{{}, count};
    for (const char byte : bytes) word.pieces.push_back(kSpecials + static_cast<unsigned char>(byte));
    words.push_back(std::move(word));
  }
  return words;
}

std::uint64_t keyOf(std::uint32_t left, std::uint32_t right) {
  return (std::uint64_t{left} << 32) | right;
}

// Pair counts, updated at each merge, and the words that contain each pair.
class PairCounts {
 public:
  explicit PairCounts(std::vector<Word>& words) : m_words(words) {
    for (std::size_t w = 0; w < words.size(); ++w) add(w, +1);
  }

  // The most frequent pair; count 0 when there is none.
  [[nodiscard]] std::pair<std::uint64_t, std::int64_t> best() const {
    std::pair<std::uint64_t, std::int64_t> found{0, 0};
    for (const auto& [key, count] : m_counts)
      if (count > found.second || (count == found.second && count > 0 && key < found.first)) found = {key, count};
    return found;
  }

  void merge(std::uint64_t key, std::uint32_t piece) {
    const Pair pair{static_cast<std::uint32_t>(key >> 32), static_cast<std::uint32_t>(key)};
    const std::vector<std::size_t> seen_in = std::move(m_seen_in[key]);
    for (const std::size_t w : seen_in) {
      add(w, -1);
      mergeIn(m_words[w].pieces, pair, piece);
      add(w, +1);
    }
    m_counts.erase(key);
    m_seen_in.erase(key);
  }

 private:
  void add(std::size_t w, std::int64_t sign) {
    const Word& word = m_words[w];
    for (std::size_t i = 0; i + 1 < word.pieces.size(); ++i) {
      const std::uint64_t key = keyOf(word.pieces[i], word.pieces[i + 1]);
      m_counts[key] += sign * word.count;
      std::vector<std::size_t>& seen = m_seen_in[key];
      if (sign > 0 && (seen.empty() || seen.back() != w)) seen.push_back(w);
    }
  }

  static void mergeIn(std::vector<std::uint32_t>& pieces, const Pair& pair, std::uint32_t merged) {
    std::size_t to = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i, ++to) {
      const bool here = i + 1 < pieces.size() && pieces[i] == pair.first && pieces[i + 1] == pair.second;
      pieces[to] = here ? merged : pieces[i];
      if (here) ++i;
    }
    pieces.resize(to);
  }

  std::vector<Word>& m_words;
  std::unordered_map<std::uint64_t, std::int64_t> m_counts;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> m_seen_in;
};

std::string printable(const std::string& bytes) {
  std::string piece;
  for (const char byte : bytes) appendUtf8(piece, text::byteToCharacter(static_cast<unsigned char>(byte)));
  return piece;
}

ordered_json specialToken(std::uint32_t id, const std::string& content) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

ordered_json tokenizerJson(const BytePairs& pairs) {
  const ordered_json bos = {{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}};
  const ordered_json first = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
                     second = {{"Sequence", {{"id", "B"}, {"type_id", 0}}}};
  ordered_json vocabulary = ordered_json::object(), merges = ordered_json::array(), specials = ordered_json::array();
  for (std::uint32_t id = 0; id < pairs.pieces.size(); ++id) {
    if (id < kSpecials) specials.push_back(specialToken(id, pairs.pieces[id]));
    vocabulary[id < kSpecials ? pairs.pieces[id] : printable(pairs.pieces[id])] = id;
  }
  for (const auto& [left, right] : pairs.merges)
    merges.push_back(ordered_json::array({printable(left), printable(right)}));
  const ordered_json split = {
      {"type", "Split"}, {"pattern", {{"Regex", kWordPattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  const ordered_json bytes = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", specials},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", ordered_json::array({split, bytes})}}},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single", ordered_json::array({bos, first})},
            {"pair", ordered_json::array({bos, first, bos, second})},
            {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {0}}, {"tokens", {"<s>"}}}}}}}},
          {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", vocabulary},
            {"merges", merges}}}};
}

}  // namespace

BytePairs learnBytePairs(std::span<const std::string> texts, std::uint32_t vocabulary) {
  BytePairs pairs;
  pairs.pieces = {"<s>", "</s>", "<pad>"};
  for (int byte = 0; byte < 256; ++byte) pairs.pieces.emplace_back(1, static_cast<char>(byte));
  std::vector<Word> words = countWords(texts);
  PairCounts counts(words);
  std::unordered_map<std::string, std::uint32_t> ids;
  while (pairs.pieces.size() < vocabulary) {
    const auto [key, count] = counts.best();
    if (count < 2) break;
    const std::string left = pairs.pieces[key >> 32], right = pairs.pieces[key & 0xFFFFFFFFU];
    // Two merges that give the same bytes share one piece.
    const auto [known, is_new] = ids.try_emplace(left + right, static_cast<std::uint32_t>(pairs.pieces.size()));
    counts.merge(key, known->second);
    if (is_new) pairs.pieces.push_back(known->first);
    pairs.merges.emplace_back(left, right);
  }
  return pairs;
}

void writeTokenizer(const BytePairs& pairs, std::uint32_t positions, const std::filesystem::path& folder) {
  writeFileAtomically(folder / "tokenizer.json", tokenizerJson(pairs).dump(1) + "\n");
  const ordered_json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                               {"bos_token", "<s>"},
                               {"eos_token", "</s>"},
                               {"pad_token", "<pad>"},
                               {"model_max_length", positions},
                               {"clean_up_tokenization_spaces", false}};
  writeFileAtomically(folder / "tokenizer_config.json", config.dump(2) + "\n");
}

}  // namespace kvatlas::trainer
