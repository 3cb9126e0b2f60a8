#include "core/text/gguf_tokenizer.h"

#include <array>
#include <utility>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/text/bpe/score_merges.h"
#include "core/text/gguf_words.h"
#include "core/text/tokenizer_json.h"
#include "core/text/vocabulary.h"

namespace kvatlas::text {
namespace {

using gguf::Metadata;
using nlohmann::json;

constexpr const char* kModel = "tokenizer.ggml.model";
constexpr const char* kPre = "tokenizer.ggml.pre";
constexpr const char* kTokens = "tokenizer.ggml.tokens";
constexpr const char* kScores = "tokenizer.ggml.scores";
constexpr const char* kTypes = "tokenizer.ggml.token_type";
constexpr const char* kMerges = "tokenizer.ggml.merges";
constexpr const char* kChatTemplate = "tokenizer.chat_template";
constexpr std::uint64_t kMostTemplates = 100;

enum class TokenType { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };

struct NamedToken {
  const char* name;  // in a chat template
  const char* key;
};
constexpr std::array<NamedToken, 4> kNamed{{{"bos_token", "tokenizer.ggml.bos_token_id"},
                                            {"eos_token", "tokenizer.ggml.eos_token_id"},
                                            {"unk_token", "tokenizer.ggml.unknown_token_id"},
                                            {"pad_token", "tokenizer.ggml.padding_token_id"}}};

std::vector<std::string_view> validTexts(const Metadata& metadata, const char* key) {
  std::vector<std::string_view> texts = metadata.texts(key, Vocabulary::kIdLimit);
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (!isValidUtf8(texts[i])) metadata.refuse(key, fmt::format("valid UTF-8; element {} is not", i));
  return texts;
}

class Reader {
 public:
  explicit Reader(const Metadata& metadata)
      : m_metadata(metadata), m_tokens(validTexts(metadata, kTokens)), m_types(readTypes()) {
    if (m_tokens.empty()) metadata.refuse(kTokens, "the pieces of the vocabulary, found nothing");
  }

  [[nodiscard]] std::optional<TokenId> id(const char* key) const {
    const auto id = m_metadata.integer(key, 0, ~std::uint32_t{0});
    // Some converters write 2³²−1 for "none".
    if (!id || *id == ~std::uint32_t{0}) return std::nullopt;
    if (*id >= m_tokens.size())
      m_metadata.refuse(key, fmt::format("an id of the {} tokens, found {}", m_tokens.size(), *id));
    return static_cast<TokenId>(*id);
  }
  [[nodiscard]] std::string piece(TokenId id) const { return std::string(m_tokens[id]); }

  [[nodiscard]] json vocabulary() const {
    json vocabulary = json::object();
    for (std::size_t i = 0; i < m_tokens.size(); ++i) vocabulary[std::string(m_tokens[i])] = i;
    return vocabulary;
  }

  [[nodiscard]] json addedTokens() const {
    std::vector<bool> special(m_tokens.size(), false), added(m_tokens.size(), false);
    for (std::size_t i = 0; i < m_types.size(); ++i) {
      special[i] = m_types[i] == TokenType::Control;
      added[i] = special[i] || m_types[i] == TokenType::UserDefined;
    }
    for (const NamedToken& named : kNamed)
      if (const auto token = id(named.key)) special[*token] = added[*token] = true;
    json list = json::array();
    for (std::size_t i = 0; i < m_tokens.size(); ++i)
      if (added[i])
        list.push_back({{"id", i}, {"content", m_tokens[i]}, {"special", special[i] == true}, {"normalized", false}});
    return list;
  }

  // As a file's flags say; the piece must be there for the flag to mean anything.
  [[nodiscard]] json postProcessor(bool bos_by_default) const {
    const auto token = [&](const char* key, bool wanted) -> std::optional<PlacedPiece> {
      const auto found = wanted ? id(key) : std::nullopt;
      return found ? std::optional(PlacedPiece{*found, piece(*found)}) : std::nullopt;
    };
    const bool bos = m_metadata.boolean("tokenizer.ggml.add_bos_token").value_or(bos_by_default);
    const bool eos = m_metadata.boolean("tokenizer.ggml.add_eos_token").value_or(false);
    return postProcessorJson(token(kNamed[0].key, bos), token(kNamed[1].key, eos));
  }

  [[nodiscard]] json mergesFromFile() const {
    json merges = json::array();
    for (const std::string_view merge : validTexts(m_metadata, kMerges)) merges.push_back(merge);
    return merges;
  }
  [[nodiscard]] json mergesFromScores() const {
    const std::vector<double> scores = m_metadata.numbers(kScores, Vocabulary::kIdLimit);
    if (scores.size() != m_tokens.size())
      m_metadata.refuse(kScores,
                        fmt::format("{} scores, one for each token, found {}", m_tokens.size(), scores.size()));
    std::vector<ScoredPiece> pieces;
    pieces.reserve(m_tokens.size());
    for (std::size_t i = 0; i < m_tokens.size(); ++i) {
      const TokenType type = m_types.empty() ? TokenType::Normal : m_types[i];
      const bool made = type != TokenType::Control && type != TokenType::Unknown && type != TokenType::Byte;
      pieces.push_back({m_tokens[i], scores[i], made});
    }
    return mergesByScore(pieces);
  }

 private:
  [[nodiscard]] std::vector<TokenType> readTypes() const {
    std::vector<TokenType> types;
    for (const double type : m_metadata.numbers(kTypes, Vocabulary::kIdLimit)) {
      if (!(type >= 0 && type <= 6))
        m_metadata.refuse(kTypes, fmt::format("types from 0 to 6; element {} is {}", types.size(), type));
      types.push_back(static_cast<TokenType>(type));
    }
    if (!types.empty() && types.size() != m_tokens.size())
      m_metadata.refuse(kTypes, fmt::format("{} types, one for each token, found {}", m_tokens.size(), types.size()));
    return types;
  }

  const Metadata& m_metadata;
  std::vector<std::string_view> m_tokens;
  std::vector<TokenType> m_types;  // [tokens] or empty
};

json byteLevel(const Metadata& metadata, const Reader& reader) {
  const std::string_view name = metadata.text(kPre).value_or("default");
  const WordRule* rule = wordRule(name);
  if (rule == nullptr)
    metadata.refuse(kPre, fmt::format("a rule for words that is known here, found '{}'", gguf::printable(name)));
  return {{"pre_tokenizer", preTokenizerJson(*rule)},
          {"decoder", {{"type", "ByteLevel"}}},
          {"post_processor", reader.postProcessor(rule->begins_with_bos)},
          {"model",
           {{"type", "BPE"},
            {"ignore_merges", rule->whole_words_first},
            {"vocab", reader.vocabulary()},
            {"merges", reader.mergesFromFile()}}}};
}

json sentencePiece(const Metadata& metadata, const Reader& reader) {
  const bool prefix = metadata.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
  json model = {{"type", "BPE"},
                {"byte_fallback", true},
                {"fuse_unk", true},
                {"vocab", reader.vocabulary()},
                {"merges", metadata.has(kMerges) ? reader.mergesFromFile() : reader.mergesFromScores()}};
  if (const auto unknown = reader.id(kNamed[2].key)) model["unk_token"] = reader.piece(*unknown);
  return {{"pre_tokenizer", metaspaceJson(prefix ? DummyPrefix::First : DummyPrefix::Never)},
          {"decoder", metaspaceDecoderJson(prefix ? 1 : 0)},
          {"post_processor", reader.postProcessor(true)},
          {"model", std::move(model)}};
}

}  // namespace

bool hasGgufTokenizer(const Metadata& metadata) {
  const auto model = metadata.text(kModel);
  return model && *model != "none" && *model != "no_vocab";
}

GgufTokenizer readGgufTokenizer(const Metadata& metadata) {
  const auto model = metadata.text(kModel);
  if (!model) metadata.refuse(kModel, "'gpt2' or 'llama', found nothing");
  if (*model != "gpt2" && *model != "llama")
    metadata.refuse(kModel, fmt::format("'gpt2' or 'llama', found '{}'", gguf::printable(*model)));
  const Reader reader(metadata);
  GgufTokenizer result;
  result.json = *model == "gpt2" ? byteLevel(metadata, reader) : sentencePiece(metadata, reader);
  result.json["added_tokens"] = reader.addedTokens();
  result.bos = reader.id(kNamed[0].key);
  result.eos = reader.id(kNamed[1].key);
  return result;
}

GgufChat readGgufChat(const Metadata& metadata) {
  GgufChat chat;
  const auto add = [&](const std::string& key, std::string_view name) {
    const auto text = metadata.text(key);
    if (!text) return;
    if (!isValidUtf8(*text)) metadata.refuse(key, "valid UTF-8");
    chat.templates.push_back({std::string(name), std::string(*text)});
  };
  add(kChatTemplate, "default");
  for (const std::string_view name : metadata.texts("tokenizer.chat_templates", kMostTemplates))
    if (name != "default") add(fmt::format("{}.{}", kChatTemplate, name), name);
  if (!metadata.has(kTokens)) return chat;
  const Reader reader(metadata);
  for (const NamedToken& named : kNamed)
    if (const auto token = reader.id(named.key)) chat.special_tokens.emplace_back(named.name, reader.piece(*token));
  return chat;
}

}  // namespace kvatlas::text
