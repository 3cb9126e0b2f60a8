// Text ↔ token ids of a Hugging Face tokenizer.json, a SentencePiece tokenizer.model or a GGUF file; knows no model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"

namespace kvatlas::text {

struct Encoding {
  std::vector<TokenId> ids;  // [n]
  // [n+1]: token i covers bytes [offsets[i], offsets[i+1]) of the text given, and the ranges part it. Tokens set around
  // a text (BOS) and marks that a normaliser inserts cover none; tokens that split a character get the bytes they stand
  // for; bytes that no token stands for (stripped, dropped as unknown) belong to the token before them, at the start to
  // the first.
  std::vector<std::uint64_t> offsets;
};

struct Decoded {
  std::string text;                    // UTF-8; bytes that form no character become U+FFFD
  std::vector<std::uint64_t> offsets;  // [n+1] byte range of each token in text
};

// Byte-level BPE (Llama 3, GPT-2 style), SentencePiece-style BPE with byte fallback (Llama 2, Mistral, TinyLlama), and
// SentencePiece's own BPE and Unigram models.
// Immutable after loading; may be used from several threads.
class Tokenizer {
 public:
  // Reads tokenizer.json of a folder, else its tokenizer.model (or one of these files itself), with the tokens the
  // files beside it add (folder_tokens.h), or the metadata of a GGUF file. Error names file and field.
  [[nodiscard]] static Tokenizer load(const std::filesystem::path& folder_or_file);
  // Whether a folder or a GGUF file has one. Error on a broken GGUF file.
  [[nodiscard]] static bool isIn(const std::filesystem::path& folder_or_file);
  // What a folder without either has instead and what to run, as the end of a sentence; empty: nothing.
  [[nodiscard]] static std::string otherTokenizer(const std::filesystem::path& folder);
  // SHA-256 in lower-case hex of tokenizer.json or tokenizer.model, or of the one a GGUF file's metadata stand for.
  [[nodiscard]] static std::string sha256(const std::filesystem::path& folder_or_file);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  // Invalid UTF-8 is read as U+FFFD per maximal subpart. add_special: as the post-processor says (BOS, EOS).
  [[nodiscard]] Encoding encode(std::string_view text, bool add_special = true) const;
  // Equal to Hugging Face `decode(ids, skip_special_tokens, clean_up_tokenization_spaces=False)`: ids without a piece
  // (a model's vocabulary is often padded beyond its tokenizer's) give no text.
  [[nodiscard]] std::string decode(std::span<const TokenId> ids, bool skip_special = false) const;
  [[nodiscard]] Decoded decodeWithOffsets(std::span<const TokenId> ids, bool skip_special = false) const;
  [[nodiscard]] bool has(TokenId id) const;  // whether a piece has that id
  // The piece as it stands in the vocabulary ("Ġthe", "▁the", "<0x0A>"). Error on ids without one.
  [[nodiscard]] std::string_view piece(TokenId id) const;
  [[nodiscard]] std::optional<TokenId> idOf(std::string_view piece) const;
  [[nodiscard]] std::size_t vocabularySize() const;  // largest id + 1
  [[nodiscard]] bool isSpecial(TokenId id) const;
  [[nodiscard]] std::optional<TokenId> bos() const;
  [[nodiscard]] std::optional<TokenId> eos() const;
  // What the files say that a user should know: one sentence each.
  [[nodiscard]] const std::vector<std::string>& notices() const;

 private:
  struct Impl;
  [[nodiscard]] static Tokenizer loadGguf(const std::filesystem::path& path);
  [[nodiscard]] static Tokenizer loadModelFile(const std::filesystem::path& path);
  explicit Tokenizer(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> m_impl;
};

}  // namespace kvatlas::text
