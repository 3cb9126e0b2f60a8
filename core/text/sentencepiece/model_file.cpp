#include "core/text/sentencepiece/model_file.h"

#include <array>
#include <cmath>
#include <unordered_set>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/utf8.h"
#include "core/text/sentencepiece/protobuf.h"
#include "core/text/vocabulary.h"

namespace kvatlas::text {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 28;
constexpr std::size_t kLongestPiece = 512;  // bytes: the time to encode a text grows with it

// Numbers of fields in SentencePiece's sentencepiece_model.proto.
namespace field {
constexpr std::uint64_t kPieces = 1, kTrainer = 2, kNormalizer = 3;
constexpr std::uint64_t kPiece = 1, kScore = 2, kType = 3;
constexpr std::uint64_t kModelType = 3, kSuffixWhitespace = 24, kByteFallback = 35, kUnkId = 40, kBosId = 41,
                        kEosId = 42;
constexpr std::uint64_t kCharsmap = 2, kDummyPrefix = 3, kRemoveExtra = 4, kEscape = 5;
}  // namespace field

class ModelReader {
 public:
  explicit ModelReader(const std::filesystem::path& path) : m_name(path.string()) {}

  SentencePieceModel read(std::string_view bytes) {
    ProtobufReader fields(bytes, m_name);
    while (const auto field = fields.next()) {
      if (field->number == field::kPieces) readPiece(field->bytes);
      if (field->number == field::kTrainer) readTrainer(field->bytes);
      if (field->number == field::kNormalizer) readNormalizer(field->bytes);
    }
    check();
    return std::move(m_model);
  }

 private:
  void readPiece(std::string_view bytes) {
    SentencePiece piece;
    ProtobufReader fields(bytes, m_name);
    while (const auto field = fields.next()) {
      if (field->number == field::kPiece) piece.text = field->bytes;
      if (field->number == field::kScore) piece.score = field->asFloat();
      if (field->number == field::kType) piece.type = typeOf(field->varint);
    }
    if (m_model.pieces.size() >= Vocabulary::kIdLimit) fail("{}: more than {} pieces", m_name, Vocabulary::kIdLimit);
    m_model.pieces.push_back(std::move(piece));
  }

  PieceType typeOf(std::uint64_t number) const {
    if (number < 1 || number > 6) fail("{}: piece {}: type {} is unknown", m_name, m_model.pieces.size(), number);
    return static_cast<PieceType>(number);
  }

  void readTrainer(std::string_view bytes) {
    ProtobufReader fields(bytes, m_name);
    while (const auto field = fields.next()) {
      if (field->number == field::kModelType) {
        if (field->varint != 1 && field->varint != 2)
          fail("{}: model_type {}: only Unigram (1) and BPE (2) are read", m_name, field->varint);
        m_model.kind = static_cast<SentencePieceModel::Kind>(field->varint);
      }
      if (field->number == field::kByteFallback) m_model.byte_fallback = field->varint != 0;
      if (field->number == field::kSuffixWhitespace && field->varint != 0)
        fail("{}: treat_whitespace_as_suffix is not supported", m_name);
      if (field->number == field::kUnkId) m_unknown = field->varint;
      if (field->number == field::kBosId) m_bos = field->varint;
      if (field->number == field::kEosId) m_eos = field->varint;
    }
  }

  void readNormalizer(std::string_view bytes) {
    ProtobufReader fields(bytes, m_name);
    while (const auto field = fields.next()) {
      if (field->number == field::kCharsmap) m_model.charsmap = field->bytes;
      if (field->number == field::kDummyPrefix) m_model.add_dummy_prefix = field->varint != 0;
      if (field->number == field::kRemoveExtra) m_model.remove_extra_whitespaces = field->varint != 0;
      if (field->number == field::kEscape) m_model.escape_whitespaces = field->varint != 0;
    }
  }

  void check() {
    const auto& pieces = m_model.pieces;
    if (pieces.empty()) fail("{}: is no SentencePiece model: it has no pieces", m_name);
    std::unordered_set<std::string_view> seen;
    for (std::size_t id = 0; id < pieces.size(); ++id) {
      const SentencePiece& piece = pieces[id];
      if (piece.text.empty() || !isValidUtf8(piece.text) || !std::isfinite(piece.score))
        fail("{}: piece {}: expected a text in UTF-8 and a finite score", m_name, id);
      if (piece.text.size() > kLongestPiece)
        fail("{}: piece {}: has {} bytes, at most {} are read", m_name, id, piece.text.size(), kLongestPiece);
      if (!seen.insert(piece.text).second) fail("{}: piece {}: '{}' stands there twice", m_name, id, piece.text);
    }
    const auto at = [&](std::uint64_t id, PieceType type) -> std::optional<TokenId> {
      if (id >= pieces.size() || pieces[id].type != type) return std::nullopt;
      return static_cast<TokenId>(id);
    };
    const auto unknown = at(m_unknown, PieceType::Unknown);
    if (!unknown) fail("{}: piece {} is not the unknown one, though unk_id says so", m_name, m_unknown);
    m_model.unknown = *unknown;
    m_model.bos = at(m_bos, PieceType::Control);
    m_model.eos = at(m_eos, PieceType::Control);
  }

  std::string m_name;
  SentencePieceModel m_model;
  std::uint64_t m_unknown = 0, m_bos = 1, m_eos = 2;  // the format's defaults; −1, for none, is above every id
};

}  // namespace

SentencePieceModel readSentencePieceModel(const std::filesystem::path& path) {
  return ModelReader(path).read(readFile(path, kMostBytes));
}

}  // namespace kvatlas::text
