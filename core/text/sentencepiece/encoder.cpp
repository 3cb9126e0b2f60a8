#include "core/text/sentencepiece/encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <queue>
#include <utility>

#include "core/base/error.h"
#include "core/base/utf8.h"

namespace kvatlas::text {
namespace {

constexpr float kUnknownPenalty = 10;  // below the least likely piece

// Merges neighbours into pieces, the highest score first, of equal ones the leftmost.
class Merger {
 public:
  using Ids = std::unordered_map<std::string_view, TokenId>;
  Merger(std::string_view text, const std::vector<SentencePiece>& pieces, const Ids& ids)
      : m_text(text), m_pieces(pieces), m_ids(ids) {
    for (std::size_t at = 0; at < text.size();) {
      const auto here = static_cast<std::int32_t>(m_symbols.size());
      const std::size_t length = utf8Length(text[at]);
      m_symbols.push_back({at, at + length, here - 1, here + 1});
      at += length;
    }
    if (!m_symbols.empty()) m_symbols.back().next = -1;
  }

  // Ranges of the text, in order.
  std::vector<std::pair<std::size_t, std::size_t>> run() {
    for (std::size_t i = 0; i + 1 < m_symbols.size(); ++i) queue(static_cast<std::int32_t>(i));
    while (!m_queue.empty()) {
      const Pair pair = m_queue.top();
      m_queue.pop();
      Symbol& left = m_symbols[static_cast<std::size_t>(pair.left)];
      if (left.begin == left.end || left.next < 0) continue;
      Symbol& right = m_symbols[static_cast<std::size_t>(left.next)];
      if (right.end - left.begin != pair.bytes) continue;  // one of the two has grown since
      left.end = right.end;
      right.begin = right.end;
      left.next = right.next;
      if (left.next >= 0) m_symbols[static_cast<std::size_t>(left.next)].previous = pair.left;
      queue(left.previous);
      queue(pair.left);
    }
    std::vector<std::pair<std::size_t, std::size_t>> ranges;
    for (std::int32_t at = m_symbols.empty() ? -1 : 0; at >= 0; at = m_symbols[static_cast<std::size_t>(at)].next)
      addRange(m_symbols[static_cast<std::size_t>(at)].begin, m_symbols[static_cast<std::size_t>(at)].end, ranges);
    return ranges;
  }

 private:
  struct Symbol {
    std::size_t begin, end;  // equal: merged into the one before
    std::int32_t previous, next;
  };
  struct Pair {
    float score;
    std::int32_t left;
    std::size_t bytes;
    bool operator<(const Pair& other) const {
      return score < other.score || (score == other.score && left > other.left);
    }
  };

  void queue(std::int32_t left) {
    if (left < 0) return;
    const Symbol& symbol = m_symbols[static_cast<std::size_t>(left)];
    if (symbol.next < 0) return;
    const std::size_t middle = symbol.end, end = m_symbols[static_cast<std::size_t>(symbol.next)].end;
    const auto found = m_ids.find(m_text.substr(symbol.begin, end - symbol.begin));
    if (found == m_ids.end()) return;
    m_queue.push({m_pieces[found->second].score, left, end - symbol.begin});
    if (m_pieces[found->second].type == PieceType::Unused) m_made_of[found->first] = middle - symbol.begin;
  }

  // An unused piece helps to merge but is taken apart again.
  void addRange(std::size_t begin, std::size_t end, std::vector<std::pair<std::size_t, std::size_t>>& ranges) {
    std::vector<std::pair<std::size_t, std::size_t>> todo{{begin, end}};
    while (!todo.empty()) {
      const auto [from, to] = todo.back();
      todo.pop_back();
      const std::string_view piece = m_text.substr(from, to - from);
      const auto found = m_ids.find(piece);
      const auto made = m_made_of.find(piece);
      const bool unused = found != m_ids.end() && m_pieces[found->second].type == PieceType::Unused;
      if (!unused || made == m_made_of.end()) {
        ranges.emplace_back(from, to);
        continue;
      }
      todo.emplace_back(from + made->second, to);
      todo.emplace_back(from, from + made->second);
    }
  }

  std::string_view m_text;
  const std::vector<SentencePiece>& m_pieces;
  const Ids& m_ids;
  std::vector<Symbol> m_symbols;
  std::priority_queue<Pair> m_queue;
  std::unordered_map<std::string_view, std::size_t> m_made_of;  // unused piece → bytes of its left part
};

}  // namespace

PieceEncoder::PieceEncoder(SentencePieceModel model) : m_model(std::move(model)) {
  float least = std::numeric_limits<float>::max();
  for (std::size_t id = 0; id < m_model.pieces.size(); ++id) {
    const SentencePiece& piece = m_model.pieces[id];
    const auto token = static_cast<TokenId>(id);
    const bool normal = piece.type == PieceType::Normal, user = piece.type == PieceType::UserDefined;
    if (normal) least = std::min(least, piece.score);
    if (normal || user || piece.type == PieceType::Unused) m_ids.emplace(piece.text, token);
    if ((normal || user) && m_model.kind == SentencePieceModel::Kind::Unigram) m_trie.add(piece.text, token);
    for (unsigned byte = 0; piece.type == PieceType::Byte && byte < 256; ++byte)
      if (piece.text == fmt::format("<0x{:02X}>", byte)) m_bytes[byte] = token;
  }
  m_unknown_score = least - kUnknownPenalty;
}

TokenId PieceEncoder::idOf(std::string_view piece) const {
  const auto found = m_ids.find(piece);
  return found == m_ids.end() ? m_model.unknown : found->second;
}

std::vector<PieceEncoder::Cut> PieceEncoder::byMerges(std::string_view text) const {
  std::vector<Cut> cuts;
  for (const auto& [begin, end] : Merger(text, m_model.pieces, m_ids).run())
    cuts.push_back({begin, end, idOf(text.substr(begin, end - begin))});
  return cuts;
}

// Viterbi's path over the characters, in single precision as SentencePiece adds its scores.
std::vector<PieceEncoder::Cut> PieceEncoder::byLikelihood(std::string_view text) const {
  struct Step {
    float score = 0;
    std::size_t from = std::string_view::npos;
    TokenId id = 0;
  };
  std::vector<Step> best(text.size() + 1);
  for (std::size_t at = 0; at < text.size(); at += utf8Length(text[at])) {
    const float here = best[at].score;
    const std::size_t length = utf8Length(text[at]);
    bool single = false;
    const auto offer = [&](std::size_t bytes, TokenId id, float score) {
      Step& step = best[at + bytes];
      if (step.from != std::string_view::npos && here + score <= step.score) return;
      step = {here + score, at, id};
    };
    m_trie.forPrefixes(text.substr(at), [&](std::size_t bytes, TokenId id) {
      offer(bytes, id, m_model.pieces[id].score);
      single = single || bytes == length;
    });
    if (!single) offer(length, m_model.unknown, m_unknown_score);
  }
  std::vector<Cut> cuts;
  for (std::size_t end = text.size(); end > 0; end = best[end].from)
    cuts.push_back({best[end].from, end, best[end].id});
  std::ranges::reverse(cuts);
  return cuts;
}

// A character without a piece becomes its bytes, or one unknown token for all that follow each other.
void PieceEncoder::encode(std::string_view text, std::size_t begin, std::vector<PlacedToken>& tokens) const {
  if (text.size() >= std::size_t{1} << 31)
    fail("a text of {} bytes is too large for one word of the tokenizer", text.size());
  bool after_unknown = false;
  for (const Cut& cut : m_model.kind == SentencePieceModel::Kind::Bpe ? byMerges(text) : byLikelihood(text)) {
    const bool unknown = cut.id == m_model.unknown;
    if (unknown && m_model.byte_fallback) {
      for (std::size_t at = cut.begin; at < cut.end; ++at)
        tokens.push_back({m_bytes[static_cast<unsigned char>(text[at])].value_or(m_model.unknown), begin + at});
    } else if (!unknown || !after_unknown) {
      tokens.push_back({cut.id, begin + cut.begin});
    }
    after_unknown = unknown;
  }
}

}  // namespace kvatlas::text
