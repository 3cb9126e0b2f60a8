#include <algorithm>
#include <bit>
#include <functional>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/text/bpe/bpe.h"
#include "core/text/bpe/byte_alphabet.h"

namespace kvatlas::text {
namespace {

constexpr std::size_t kLongestWord = std::size_t{1} << 23;

}  // namespace

BpeEncoder::BpeEncoder(const BpeModel& model, std::size_t text_bytes)
    : m_model(model), m_known(std::bit_ceil(std::clamp<std::size_t>(text_bytes / 8, 16, std::size_t{1} << 15))) {}

void BpeEncoder::encode(std::string_view word, std::size_t begin, std::vector<PlacedToken>& tokens) {
  if (m_model.m_ignore_merges) {
    if (const std::optional<TokenId> id = wholeWord(word)) {
      tokens.push_back({*id, begin});
      return;
    }
  }
  if (!m_model.m_can_cut) {
    encodeUncut(word, begin, tokens);
    return;
  }
  for (std::size_t from = 0; from < word.size();) {
    const std::size_t cut = nextCut(word, from);
    encodeUncut(word.substr(from, cut - from), begin + from, tokens);
    from = cut;
  }
}

std::optional<TokenId> BpeEncoder::wholeWord(std::string_view word) const {
  if (m_model.m_units == BpeUnits::Characters) return m_model.m_vocabulary.findInModel(word);
  const auto found = m_model.m_words.find(word);
  if (found == m_model.m_words.end()) return std::nullopt;
  return found->second;
}

// The end of the stretch that begins at `from`. Only before a known character: a run of unknown ones may become one
// token.
std::size_t BpeEncoder::nextCut(std::string_view word, std::size_t from) const {
  std::uint32_t left = codePointAt(word, from);
  for (std::size_t at = from + utf8Length(word[from]); at < word.size(); at += utf8Length(word[at])) {
    const std::uint32_t right = codePointAt(word, at);
    const std::uint64_t pair = std::uint64_t{left} << 32 | right;
    if (!m_model.m_inner_pairs.contains(pair) && m_model.m_character_units.contains(right)) return at;
    left = right;
  }
  return word.size();
}

BpeEncoder::Known& BpeEncoder::slotOf(std::string_view word) {
  return m_known[std::hash<std::string_view>{}(word) & (m_known.size() - 1)];
}

void BpeEncoder::encodeUncut(std::string_view word, std::size_t begin, std::vector<PlacedToken>& tokens) {
  Known* slot = word.size() <= kLongestKnown ? &slotOf(word) : nullptr;
  if (slot && slot->word == word) {
    for (std::size_t i = slot->first; i < slot->first + slot->count; ++i) {
      tokens.push_back({m_known_tokens[i].id, begin + m_known_tokens[i].begin});
    }
    return;
  }
  splitIntoSymbols(word);
  mergeSymbols();
  const std::size_t first = m_known_tokens.size();
  for (const Symbol& symbol : m_symbols) {
    if (symbol.id == kMerged) continue;
    tokens.push_back({symbol.id, begin + symbol.begin});
    if (slot) m_known_tokens.push_back({symbol.id, symbol.begin});
  }
  if (slot) *slot = {word, first, m_known_tokens.size() - first};
}

void BpeEncoder::splitIntoSymbols(std::string_view word) {
  // Merging takes some thirty bytes of memory per byte of the word.
  if (word.size() > kLongestWord)
    fail("a stretch of {} bytes without any place to cut is too long for the tokenizer, the limit is {}", word.size(),
         kLongestWord);
  m_symbols.clear();
  m_pending_unknown.reset();
  if (m_model.m_units == BpeUnits::Characters) {
    splitIntoCharacters(word);
  } else {
    for (std::size_t at = 0; at < word.size(); ++at) {
      const auto byte = static_cast<unsigned char>(word[at]);
      if (const std::optional<TokenId> unit = m_model.m_byte_units[byte]) {
        flushUnknown();
        addSymbol(*unit, at);
      } else {
        std::string spelling;
        appendUtf8(spelling, byteToCharacter(byte));
        addUnknownUnit(spelling, at);
      }
    }
  }
  flushUnknown();
}

void BpeEncoder::splitIntoCharacters(std::string_view word) {
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t length = utf8Length(word[at]);
    if (const TokenId* unit = m_model.m_character_units.find(codePointAt(word, at))) {
      flushUnknown();
      addSymbol(*unit, at);
    } else {
      addUnknownUnit(word.substr(at, length), at);
    }
    at += length;
  }
}

void BpeEncoder::addSymbol(TokenId id, std::size_t begin) {
  const auto here = static_cast<std::int32_t>(m_symbols.size());
  if (here > 0) m_symbols.back().next = here;
  m_symbols.push_back({id, static_cast<std::uint32_t>(begin), here - 1, -1});
}

// As its bytes if all of them have tokens, else as the unknown token, else not at all. An unknown token that is waiting
// to be fused waits behind byte tokens, as in `tokenizers`.
void BpeEncoder::addUnknownUnit(std::string_view spelling, std::size_t begin) {
  if (m_model.m_byte_fallback) {
    const auto tokenOf = [&](char byte) { return m_model.m_byte_tokens[static_cast<unsigned char>(byte)]; };
    if (std::all_of(spelling.begin(), spelling.end(), [&](char byte) { return tokenOf(byte).has_value(); })) {
      // The spelling of a byte is longer than the byte itself.
      const bool spelled = m_model.m_units == BpeUnits::Bytes;
      for (std::size_t i = 0; i < spelling.size(); ++i) addSymbol(*tokenOf(spelling[i]), begin + (spelled ? i > 0 : i));
      return;
    }
  }
  if (!m_model.m_unknown) return;
  if (m_pending_unknown && m_model.m_fuse_unknown) return;
  flushUnknown();
  m_pending_unknown = begin;
}

void BpeEncoder::flushUnknown() {
  if (!m_pending_unknown) return;
  addSymbol(*m_model.m_unknown, *m_pending_unknown);
  m_pending_unknown.reset();
}

void BpeEncoder::queuePair(std::int32_t left) {
  if (left < 0) return;
  const Symbol& symbol = m_symbols[static_cast<std::size_t>(left)];
  if (symbol.next < 0) return;
  const auto* merge = m_model.merge(symbol.id, m_symbols[static_cast<std::size_t>(symbol.next)].id);
  if (merge) m_queue.push_back(std::uint64_t{merge->rank} << 32 | static_cast<std::uint32_t>(left));
}

void BpeEncoder::mergeSymbols() {
  m_queue.clear();
  for (std::size_t i = 0; i + 1 < m_symbols.size(); ++i) queuePair(static_cast<std::int32_t>(i));
  std::make_heap(m_queue.begin(), m_queue.end(), std::greater<>());
  const auto pushPair = [&](std::int32_t left) {
    const std::size_t before = m_queue.size();
    queuePair(left);
    if (m_queue.size() > before) std::push_heap(m_queue.begin(), m_queue.end(), std::greater<>());
  };
  while (!m_queue.empty()) {
    std::pop_heap(m_queue.begin(), m_queue.end(), std::greater<>());
    const std::uint64_t top = m_queue.back();
    m_queue.pop_back();
    const auto at = static_cast<std::int32_t>(top & 0xFFFFFFFFu);
    Symbol& left = m_symbols[static_cast<std::size_t>(at)];
    if (left.id == kMerged || left.next < 0) continue;
    Symbol& right = m_symbols[static_cast<std::size_t>(left.next)];
    // The pair may have changed since it was queued; it still counts if it makes the same piece.
    const auto* merge = m_model.merge(left.id, right.id);
    if (!merge || merge->result != m_model.m_results[top >> 32]) continue;
    left.id = merge->result;
    left.next = right.next;
    right.id = kMerged;
    if (left.next >= 0) m_symbols[static_cast<std::size_t>(left.next)].previous = at;
    pushPair(left.previous);
    pushPair(at);
  }
}

}  // namespace kvatlas::text
