// Prompts that are made as texts: cut in the middle, set in a frame, encoded as a whole.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "core/text/prepared_prompt.h"
#include "core/text/tokenizer.h"

namespace kvatlas::evaluation {

// What stands around a prompt, a chat template's texts.
struct TextFrame {
  enum class Place { None, BeforeCutting, AfterCutting };
  Place place = Place::None;
  std::string before, after;
  bool adds_special = true;  // whether the tokenizer adds its own special tokens, too
};

[[nodiscard]] nlohmann::json frameJson(const TextFrame& frame);
[[nodiscard]] TextFrame readFrame(const nlohmann::json& json);  // json::exception

[[nodiscard]] std::string framed(const TextFrame& frame, const std::string& text);

// A tokenizer as Transformers decodes with it: some are set to take out the blanks before English punctuation.
struct Decoding {
  const text::Tokenizer& tokenizer;
  bool cleans_up = false;

  [[nodiscard]] std::string text(std::span<const TokenId> ids) const;  // without special tokens
};
// `clean_up_tokenization_spaces` of the tokenizer_config.json in a model's folder; false without one.
[[nodiscard]] bool cleansUp(const std::filesystem::path& model_folder);
[[nodiscard]] std::string cleanedUp(std::string text);

// The text if it has at most `most` tokens, special ones included; else its first and its last ⌊most/2⌋ tokens as text.
[[nodiscard]] std::string cutInTheMiddle(const std::string& text, std::size_t most, const Decoding& decoding);

[[nodiscard]] text::PreparedPrompt encodedPrompt(std::string text, bool add_special, const text::Tokenizer& tokenizer);
// Adds the tokens that touch the bytes [begin, end) of the prompt's text.
void addSpan(text::PreparedPrompt& prompt, const std::string& name, std::size_t begin, std::size_t end);
// Adds the last occurrence of `part`, if there is one.
void addLastSpan(text::PreparedPrompt& prompt, const std::string& name, std::string_view part);

}  // namespace kvatlas::evaluation
