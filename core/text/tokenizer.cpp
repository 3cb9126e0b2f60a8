#include "core/text/tokenizer.h"

#include <algorithm>
#include <unordered_set>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json_field.h"
#include "core/base/sha256.h"
#include "core/gguf/model_file.h"
#include "core/text/added_tokens.h"
#include "core/text/aligned_text.h"
#include "core/text/bpe/bpe.h"
#include "core/text/decoder.h"
#include "core/text/folder_tokens.h"
#include "core/text/gguf_tokenizer.h"
#include "core/text/llama_tokenizer.h"
#include "core/text/normalizer.h"
#include "core/text/post_processor.h"
#include "core/text/pre_tokenizer.h"
#include "core/text/sentencepiece/model_tokenizer.h"
#include "core/text/vocabulary.h"

namespace kvatlas::text {
namespace {

// tokenizer.json counts before tokenizer.model.
std::filesystem::path tokenizerFile(const std::filesystem::path& folder_or_file) {
  std::error_code code;
  if (!std::filesystem::is_directory(folder_or_file, code)) return folder_or_file;
  std::filesystem::path json = folder_or_file / "tokenizer.json", model = folder_or_file / "tokenizer.model";
  return !std::filesystem::exists(json, code) && std::filesystem::exists(model, code) ? model : json;
}

bool isModelFile(const std::filesystem::path& path) {
  return path.extension() == ".model";
}

}  // namespace

struct Tokenizer::Impl {
  std::string where;  // the file
  std::unordered_map<TokenId, AddedToken> added;
  // What decoding sees of each id.
  struct DecodedPiece {
    std::string_view piece;
    bool special = false;  // left out where special tokens are skipped
  };
  std::vector<DecodedPiece> decoded;  // [vocabulary.size()]
  AddedTokenFinder raw_tokens, normalized_tokens;
  std::vector<std::unique_ptr<const TextStep>> normalizer;
  PreTokenizer pre_tokenizer;
  BpeModel model;
  std::unique_ptr<const PieceEncoder> pieces;   // cuts words in place of the model's merges
  Vocabulary& vocabulary = model.vocabulary();  // added tokens included
  PostProcessor post_processor;
  std::vector<std::unique_ptr<const DecodeStep>> decoder;
  std::optional<TokenId> bos, eos;
  std::vector<std::string> notices;

  void read(const JsonField& root);
  void read(const JsonField& root, FolderTokens tokens);
  void requireId(TokenId id) const;
  void readAddedTokens(const JsonField& list);
  void readAddedToken(const JsonField& entry);
  [[nodiscard]] std::string normalize(const std::string& text) const;
  void prepareDecoding();
  [[nodiscard]] SpannedText splitIntoWords(std::string_view text) const;
};

void Tokenizer::Impl::read(const JsonField& root) {
  where = root.where();
  normalizer = readNormalizer(root.find("normalizer"));
  pre_tokenizer = readPreTokenizer(root.find("pre_tokenizer"));
  const JsonField model_field = root.at("model");
  model = BpeModel::read(model_field, pre_tokenizer.byte_level ? BpeUnits::Bytes : BpeUnits::Characters);
  if (const auto list = root.find("added_tokens")) readAddedTokens(*list);
  if (vocabulary.size() == 0) model_field.at("vocab").complain("there is no piece in it");
  post_processor = readPostProcessor(root.find("post_processor"), vocabulary);
  decoder = readDecoder(root.find("decoder"));
  prepareDecoding();
}

void Tokenizer::Impl::read(const JsonField& root, FolderTokens tokens) {
  read(root);
  if (tokens.bos) bos = vocabulary.find(*tokens.bos);
  if (tokens.eos) eos = vocabulary.find(*tokens.eos);
  notices = std::move(tokens.notices);
}

void Tokenizer::Impl::requireId(TokenId id) const {
  if (!vocabulary.contains(id))
    fail("{}: the id {} is not in its vocabulary of {} pieces", where, id, vocabulary.size());
}

void Tokenizer::Impl::readAddedTokens(const JsonField& list) {
  for (const JsonField& entry : list.elements()) readAddedToken(entry);
  std::vector<TokenId> ids;
  for (const auto& [id, token] : added) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (const TokenId id : ids) {
    const AddedToken& token = added.at(id);
    (token.matches_normalized ? normalized_tokens : raw_tokens).add(token);
  }
}

void Tokenizer::Impl::readAddedToken(const JsonField& entry) {
  AddedToken token;
  token.content = entry.at("content").asString();
  if (token.content.empty()) return;
  token.id = vocabulary.addBeside(token.content, entry.at("id").asUnsigned(), entry);
  token.single_word = entry.boolean("single_word", false);
  token.strip_left = entry.boolean("lstrip", false);
  token.strip_right = entry.boolean("rstrip", false);
  token.special = entry.boolean("special", false);
  token.matches_normalized = entry.boolean("normalized", !token.special);
  if (token.matches_normalized) token.normalized = normalize(token.content);
  const TokenId id = token.id;
  added.insert_or_assign(id, std::move(token));
}

std::string Tokenizer::Impl::normalize(const std::string& text) const {
  SpannedText spanned{readText(text), {{0, text.size(), std::nullopt}}};
  for (const auto& step : normalizer) step->apply(spanned);
  return spanned.text.bytes;
}

// A token that is looked for in normalised text is decoded from there too; special is what spells a special token.
void Tokenizer::Impl::prepareDecoding() {
  std::unordered_set<std::string_view> special;
  for (const auto& entry : added) {
    if (entry.second.special) special.insert(entry.second.content);
  }
  decoded.resize(vocabulary.size());
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (!vocabulary.contains(id)) continue;
    const auto token = added.find(id);
    decoded[id].piece = token == added.end() ? vocabulary.piece(id) : std::string_view(token->second.pattern());
    decoded[id].special = special.contains(decoded[id].piece);
  }
}

Tokenizer::Tokenizer(std::unique_ptr<const Impl> impl) : m_impl(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer Tokenizer::load(const std::filesystem::path& folder_or_file) {
  if (gguf::isModelFile(folder_or_file)) return loadGguf(folder_or_file);
  std::error_code code;
  const std::filesystem::path path = tokenizerFile(folder_or_file);
  if (path != folder_or_file && !std::filesystem::exists(path, code)) {
    fail("{}: there is no tokenizer.json in it{}", folder_or_file.string(), otherTokenizer(folder_or_file));
  }
  if (isModelFile(path)) return loadModelFile(path);
  auto impl = std::make_unique<Impl>();
  nlohmann::json json = readJsonFile(path);
  FolderTokens tokens = addFolderTokens(path.parent_path(), json);
  if (std::string notice = applyLlamaTokenizer(path.parent_path(), json); !notice.empty())
    tokens.notices.push_back(std::move(notice));
  impl->read(JsonField(path.string(), json), std::move(tokens));
  return Tokenizer(std::move(impl));
}

Tokenizer Tokenizer::loadModelFile(const std::filesystem::path& path) {
  auto impl = std::make_unique<Impl>();
  ModelTokenizer stored = readModelTokenizer(path);
  FolderTokens tokens = addFolderTokens(path.parent_path(), stored.json);
  // They are found before the text is normalised, so that the parts between them are texts of their own.
  for (nlohmann::json& entry : stored.json["added_tokens"]) entry["normalized"] = false;
  impl->bos = stored.bos;
  impl->eos = stored.eos;
  impl->read(JsonField(path.string(), stored.json), std::move(tokens));
  impl->normalizer.push_back(std::move(stored.normaliser));
  impl->pieces = std::move(stored.encoder);
  return Tokenizer(std::move(impl));
}

bool Tokenizer::isIn(const std::filesystem::path& folder_or_file) {
  if (gguf::isModelFile(folder_or_file)) return hasGgufTokenizer(gguf::ModelFile(folder_or_file).metadata());
  std::error_code code;
  return std::filesystem::exists(tokenizerFile(folder_or_file), code);
}

std::string Tokenizer::otherTokenizer(const std::filesystem::path& folder) {
  std::error_code code;
  for (const char* name : {"vocab.json", "tekken.json"})
    if (std::filesystem::exists(folder / name, code))
      return fmt::format(
          "; {} alone is not read, Transformers writes a tokenizer.json from it: python3 -c \"from transformers import "
          "AutoTokenizer as T; T.from_pretrained('{}').save_pretrained('{}')\"",
          name, folder.string(), folder.string());
  return {};
}

std::string Tokenizer::sha256(const std::filesystem::path& folder_or_file) {
  if (!gguf::isModelFile(folder_or_file)) return sha256Hex(readFile(tokenizerFile(folder_or_file)));
  const gguf::ModelFile file(folder_or_file);
  return sha256Hex(readGgufTokenizer(file.metadata()).json.dump());
}

Tokenizer Tokenizer::loadGguf(const std::filesystem::path& path) {
  const gguf::ModelFile file(path);
  auto impl = std::make_unique<Impl>();
  const GgufTokenizer stored = readGgufTokenizer(file.metadata());
  impl->read(JsonField(file.path().string(), stored.json));
  impl->bos = stored.bos;
  impl->eos = stored.eos;
  return Tokenizer(std::move(impl));
}

SpannedText Tokenizer::Impl::splitIntoWords(std::string_view text) const {
  SpannedText spanned{readText(text), {}};
  if (!text.empty()) spanned.spans.push_back({0, spanned.text.bytes.size(), std::nullopt});
  raw_tokens.apply(spanned);
  for (const auto& step : normalizer) step->apply(spanned);
  normalized_tokens.apply(spanned);
  for (const auto& step : pre_tokenizer.steps) step->apply(spanned);
  return spanned;
}

Encoding Tokenizer::encode(std::string_view text, bool add_special) const {
  const SpannedText spanned = m_impl->splitIntoWords(text);
  std::vector<PlacedToken> tokens;
  BpeEncoder encoder(m_impl->model, spanned.text.bytes.size());
  for (const Span& span : spanned.spans) {
    if (span.token) {
      tokens.push_back({*span.token, span.begin});
    } else if (m_impl->pieces) {
      m_impl->pieces->encode(spanned.view(span), span.begin, tokens);
    } else {
      encoder.encode(spanned.view(span), span.begin, tokens);
    }
  }

  Encoding encoding;
  const PostProcessor& around = m_impl->post_processor;
  encoding.ids.reserve(tokens.size() + around.before.size() + around.after.size());
  encoding.offsets.reserve(encoding.ids.capacity() + 1);
  std::uint64_t reached = 0;
  const auto add = [&](TokenId id, std::uint64_t begin) {
    reached = std::max(reached, begin);
    encoding.ids.push_back(id);
    encoding.offsets.push_back(reached);
  };
  if (add_special) {
    for (const TokenId id : around.before) add(id, 0);
  }
  // Bytes that no token stands for belong to the token before them, at the start to the first.
  for (std::size_t i = 0; i < tokens.size(); ++i)
    add(tokens[i].id, i == 0 ? 0 : spanned.text.sourceOf(tokens[i].begin));
  if (add_special) {
    for (const TokenId id : around.after) add(id, text.size());
  }
  encoding.offsets.push_back(text.size());
  return encoding;
}

Decoded Tokenizer::decodeWithOffsets(std::span<const TokenId> ids, bool skip_special) const {
  DecodingText text;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!has(ids[i])) continue;
    const Impl::DecodedPiece& decoded = m_impl->decoded[ids[i]];
    if (skip_special && decoded.special) continue;
    text.beginPiece();
    text.append(decoded.piece, static_cast<std::uint32_t>(i));
  }
  for (const auto& step : m_impl->decoder) text = step->apply(text);
  Decoded decoded;
  decoded.offsets.reserve(ids.size() + 1);
  std::size_t at = 0;
  for (std::size_t i = 0; i <= ids.size(); ++i) {
    while (at < text.owners.size() && text.owners[at] < i) ++at;
    decoded.offsets.push_back(at);
  }
  decoded.text = std::move(text.bytes);
  return decoded;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool skip_special) const {
  return decodeWithOffsets(ids, skip_special).text;
}

bool Tokenizer::has(TokenId id) const {
  return m_impl->vocabulary.contains(id);
}

std::string_view Tokenizer::piece(TokenId id) const {
  m_impl->requireId(id);
  return m_impl->vocabulary.piece(id);
}

std::optional<TokenId> Tokenizer::idOf(std::string_view piece) const {
  return m_impl->vocabulary.find(piece);
}
std::size_t Tokenizer::vocabularySize() const {
  return m_impl->vocabulary.size();
}

bool Tokenizer::isSpecial(TokenId id) const {
  const auto token = m_impl->added.find(id);
  return token != m_impl->added.end() && token->second.special;
}

const std::vector<std::string>& Tokenizer::notices() const {
  return m_impl->notices;
}
std::optional<TokenId> Tokenizer::bos() const {
  return m_impl->bos;
}
std::optional<TokenId> Tokenizer::eos() const {
  return m_impl->eos;
}

}  // namespace kvatlas::text
