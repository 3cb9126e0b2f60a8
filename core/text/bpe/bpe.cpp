#include "core/text/bpe/bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/utf8.h"
#include "core/text/bpe/byte_alphabet.h"

namespace kvatlas::text {
namespace {

std::uint64_t neighbours(std::uint32_t left, std::uint32_t right) {
  return std::uint64_t{left} << 32 | right;
}

std::string byteTokenPiece(unsigned byte) {
  return fmt::format("<0x{:02X}>", byte);
}

// "a b" or ["a", "b"].
std::optional<std::pair<std::string_view, std::string_view>> piecesOfMerge(const nlohmann::json& entry) {
  if (entry.is_string()) {
    const std::string_view both = entry.get_ref<const std::string&>();
    const std::size_t space = both.find(' ');
    if (space == both.npos || both.find(' ', space + 1) != both.npos) return std::nullopt;
    return std::pair(both.substr(0, space), both.substr(space + 1));
  }
  if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_string()) return std::nullopt;
  return std::pair<std::string_view, std::string_view>(entry[0].get_ref<const std::string&>(),
                                                       entry[1].get_ref<const std::string&>());
}

void refuseAffix(const JsonField& model, std::string_view key) {
  if (const auto affix = model.find(key); affix && !affix->asString().empty())
    affix->complain("only null is supported here");
}

void refuseDropout(const JsonField& model) {
  const auto dropout = model.find("dropout");
  if (dropout && (!dropout->value().is_number() || dropout->value().get<double>() != 0.0)) {
    dropout->complain("only null is supported here, dropout makes tokens random");
  }
}

}  // namespace

BpeModel BpeModel::read(const JsonField& model, BpeUnits units) {
  BpeModel result;
  result.m_units = units;
  if (const auto type = model.find("type"); type && type->asString() != "BPE") {
    type->complain(fmt::format("the model '{}' is not supported, only BPE is", type->asString()));
  }
  refuseAffix(model, "continuing_subword_prefix");
  refuseAffix(model, "end_of_word_suffix");
  refuseDropout(model);
  result.m_ignore_merges = model.boolean("ignore_merges", false);
  result.m_fuse_unknown = model.boolean("fuse_unk", false);
  result.m_byte_fallback = model.boolean("byte_fallback", false);
  result.m_vocabulary = Vocabulary::read(model.at("vocab"));
  result.readMerges(model);
  if (const auto unknown = model.find("unk_token")) {
    result.m_unknown = result.m_vocabulary.find(unknown->asString());
    if (!result.m_unknown) unknown->complain(fmt::format("'{}' is not in the vocabulary", unknown->asString()));
  }
  if (result.m_byte_fallback) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      result.m_byte_tokens[byte] = result.m_vocabulary.find(byteTokenPiece(byte));
    }
  }
  if (units == BpeUnits::Bytes) {
    result.prepareBytes();
  } else {
    result.prepareCharacters(model);
  }
  return result;
}

void BpeModel::readMerges(const JsonField& model) {
  const JsonField merges = model.at("merges");
  if (!merges.value().is_array()) merges.complain("a list was expected");
  m_results.reserve(merges.value().size());
  for (const nlohmann::json& entry : merges.value()) {
    const std::string problem = addMerge(entry);
    if (!problem.empty()) JsonField(merges.where() + fmt::format("[{}]", m_results.size()), entry).complain(problem);
  }
}

std::string BpeModel::addMerge(const nlohmann::json& entry) {
  const std::optional<std::pair<std::string_view, std::string_view>> pieces = piecesOfMerge(entry);
  if (!pieces) return "two pieces were expected";
  const auto [left, right] = *pieces;
  const std::string both = std::string(left).append(right);
  const std::optional<TokenId> left_id = m_vocabulary.find(left), right_id = m_vocabulary.find(right);
  const std::optional<TokenId> result = m_vocabulary.find(both);
  if (!left_id || !right_id || !result) {
    return fmt::format("'{}' is not in the vocabulary", !left_id ? left : !right_id ? right : std::string_view(both));
  }
  m_merges.insertOrAssign(neighbours(*left_id, *right_id), {static_cast<std::uint32_t>(m_results.size()), *result});
  m_results.push_back(*result);
  return {};
}

void BpeModel::prepareBytes() {
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::string character;
    appendUtf8(character, byteToCharacter(static_cast<unsigned char>(byte)));
    m_byte_units[byte] = m_vocabulary.find(character);
  }
  if (!m_ignore_merges) return;
  for (TokenId id = 0; id < m_vocabulary.size(); ++id) {
    if (!m_vocabulary.contains(id)) continue;
    if (auto bytes = bytesOfPiece(m_vocabulary.piece(id))) m_words.emplace(*std::move(bytes), id);
  }
}

void BpeModel::prepareCharacters(const JsonField& model) {
  for (TokenId id = 0; id < m_vocabulary.size(); ++id) {
    if (!m_vocabulary.contains(id)) continue;
    const std::string_view piece = m_vocabulary.piece(id);
    if (!isValidUtf8(piece)) model.at("vocab").complain(fmt::format("the piece of id {} is not valid UTF-8", id));
    if (!piece.empty() && utf8Length(piece[0]) == piece.size())
      m_character_units.insertOrAssign(codePointAt(piece, 0), id);
  }
  prepareCuts();
}

// A text may be cut, without changing any token, between two characters that stand side by side in no result of a
// merge. That holds as long as the pieces of merges are spelled by their characters: stand-ins for unknown characters
// must not merge.
void BpeModel::prepareCuts() {
  std::vector<bool> stand_in(m_vocabulary.size(), false);
  if (m_unknown) stand_in[*m_unknown] = true;
  for (const auto& token : m_byte_tokens) {
    if (token) stand_in[*token] = true;
  }
  m_can_cut = m_unknown ||
              std::all_of(m_byte_tokens.begin(), m_byte_tokens.end(), [](const auto& id) { return id.has_value(); });
  for (const TokenId result : m_results) {
    const std::string_view piece = m_vocabulary.piece(result);
    for (std::size_t at = 0, next = 0; at < piece.size(); at = next) {
      next = at + utf8Length(piece[at]);
      if (next < piece.size())
        m_inner_pairs.insertOrAssign(neighbours(codePointAt(piece, at), codePointAt(piece, next)), 1);
    }
  }
  m_merges.forEach([&](std::uint64_t pair, const Merge& merge) {
    const auto left = static_cast<TokenId>(pair >> 32), right = static_cast<TokenId>(pair);
    if (stand_in[left] || stand_in[right] || stand_in[merge.result]) m_can_cut = false;
  });
}

}  // namespace kvatlas::text
