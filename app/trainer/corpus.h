// The training and held-out texts as token ids, and where their sentences end; knows no task, no model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/text/tokenizer.h"

namespace kvatlas::trainer {

struct TextFile {
  std::string name, text;  // name without folder and ending
};

// The *.txt files of a folder in the order of their names. Error when there are none.
[[nodiscard]] std::vector<TextFile> readTexts(const std::filesystem::path& folder);

struct Passages {
  std::vector<TokenId> ids;          // all texts one after the other
  std::vector<std::uint32_t> bytes;  // [ids] bytes each token stands for
  std::vector<std::size_t> starts;   // ascending places behind a full stop, where a passage may begin or a fact stand

  // `count` tokens from the first sentence start at or behind `at`, wrapped to the front where too little is left.
  [[nodiscard]] std::span<const TokenId> window(std::size_t at, std::size_t count) const;
};

[[nodiscard]] Passages encodeTexts(std::span<const TextFile> texts, const text::Tokenizer& tokenizer);

}  // namespace kvatlas::trainer
