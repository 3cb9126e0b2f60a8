#include "core/text/bpe/score_merges.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <unordered_map>

#include "core/base/utf8.h"

namespace kvatlas::text {
namespace {

struct Merge {
  double score;
  std::uint32_t left_characters, right_characters;
  std::uint32_t left, right;  // indices of pieces
};

using Places = std::unordered_map<std::string_view, std::uint32_t>;

std::uint32_t charactersIn(std::string_view text) {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void addSplits(const ScoredPiece& piece, const Places& places, std::vector<Merge>& merges) {
  const std::size_t first = merges.size();
  const std::string_view text = piece.text;
  std::uint32_t characters = 0;
  const std::uint32_t all = charactersIn(text);
  for (std::size_t cut = 0; cut < text.size();) {
    cut += utf8Length(text[cut]);
    ++characters;
    if (cut >= text.size()) break;
    const auto left = places.find(text.substr(0, cut));
    if (left == places.end()) continue;
    const auto right = places.find(text.substr(cut));
    if (right == places.end()) continue;
    merges.push_back({piece.score, characters, all - characters, left->second, right->second});
  }
  std::sort(merges.begin() + static_cast<std::ptrdiff_t>(first), merges.end(),
            [](const Merge& a, const Merge& b) { return std::tie(a.left, a.right) < std::tie(b.left, b.right); });
}

}  // namespace

nlohmann::json mergesByScore(std::span<const ScoredPiece> pieces) {
  Places places;
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (pieces[i].merges) places.insert_or_assign(pieces[i].text, static_cast<std::uint32_t>(i));
  std::vector<Merge> merges;
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (pieces[i].merges && pieces[i].text.size() <= kLongestMerged && places.at(pieces[i].text) == i)
      addSplits(pieces[i], places, merges);
  std::stable_sort(merges.begin(), merges.end(), [](const Merge& a, const Merge& b) {
    return std::tie(a.score, a.left_characters, a.right_characters) >
           std::tie(b.score, b.left_characters, b.right_characters);
  });
  nlohmann::json list = nlohmann::json::array();
  for (const Merge& merge : merges) list.push_back({pieces[merge.left].text, pieces[merge.right].text});
  return list;
}

}  // namespace kvatlas::text
