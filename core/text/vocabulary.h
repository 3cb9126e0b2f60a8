// The pieces of a model and their ids; knows neither merges nor text.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/base/ids.h"
#include "core/base/json_field.h"

namespace kvatlas::text {

struct PieceHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view piece) const { return std::hash<std::string_view>{}(piece); }
};
// Can be asked with a string_view.
using PieceIds = std::unordered_map<std::string, TokenId, PieceHash, std::equal_to<>>;

class Vocabulary {
 public:
  // Ids at or above this are refused: nothing may be allocated because of one number in a file.
  static constexpr std::uint64_t kIdLimit = std::uint64_t{1} << 22;

  // An object of piece → id. Error on two pieces with one id, ids at or above kIdLimit, wrong types.
  [[nodiscard]] static Vocabulary read(const JsonField& vocab);
  Vocabulary() = default;
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  // Adds a piece beside those of the model. Error when the id already has another piece. A piece the vocabulary has
  // keeps its id.
  TokenId addBeside(std::string_view piece, std::uint64_t id, const JsonField& where);
  [[nodiscard]] std::optional<TokenId> find(std::string_view piece) const;
  [[nodiscard]] std::optional<TokenId> findInModel(std::string_view piece) const;
  [[nodiscard]] bool contains(TokenId id) const { return id < m_pieces.size() && m_pieces[id].data() != nullptr; }
  [[nodiscard]] std::string_view piece(TokenId id) const { return m_pieces[id]; }
  [[nodiscard]] std::size_t size() const { return m_pieces.size(); }  // largest id + 1

 private:
  TokenId insert(std::string_view piece, std::uint64_t id, const JsonField& where);

  PieceIds m_ids;                          // its nodes stay where they are, also when moved
  std::vector<std::string_view> m_pieces;  // [largest id + 1]; no data: the id has no piece
  std::unordered_set<TokenId> m_beside;    // ids that are not of the model
};

}  // namespace kvatlas::text
