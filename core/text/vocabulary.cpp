#include "core/text/vocabulary.h"

#include "core/base/error.h"

namespace kvatlas::text {

Vocabulary Vocabulary::read(const JsonField& vocab) {
  Vocabulary result;
  if (!vocab.value().is_object()) vocab.complain("an object of pieces and their ids was expected");
  result.m_ids.reserve(vocab.value().size());
  for (const auto& [piece, id] : vocab.value().get_ref<const nlohmann::json::object_t&>()) {
    if (!id.is_number_unsigned()) vocab.complain(fmt::format("the id of '{}' is no whole number of 0 or more", piece));
    result.insert(piece, id.get<std::uint64_t>(), vocab);
  }
  return result;
}

TokenId Vocabulary::addBeside(std::string_view piece, std::uint64_t id, const JsonField& where) {
  if (const std::optional<TokenId> known = find(piece)) return *known;
  const TokenId token = insert(piece, id, where);
  m_beside.insert(token);
  return token;
}

TokenId Vocabulary::insert(std::string_view piece, std::uint64_t id, const JsonField& where) {
  if (id >= kIdLimit)
    where.complain(fmt::format("'{}' has the id {}, ids below {} were expected", piece, id, kIdLimit));
  const auto token = static_cast<TokenId>(id);
  if (contains(token)) where.complain(fmt::format("'{}' and '{}' both have the id {}", m_pieces[token], piece, id));
  if (token >= m_pieces.size()) m_pieces.resize(token + std::size_t{1});
  m_pieces[token] = m_ids.emplace(piece, token).first->first;
  return token;
}

std::optional<TokenId> Vocabulary::find(std::string_view piece) const {
  const auto found = m_ids.find(piece);
  if (found == m_ids.end()) return std::nullopt;
  return found->second;
}

std::optional<TokenId> Vocabulary::findInModel(std::string_view piece) const {
  const std::optional<TokenId> id = find(piece);
  return id && !m_beside.contains(*id) ? id : std::nullopt;
}

}  // namespace kvatlas::text
