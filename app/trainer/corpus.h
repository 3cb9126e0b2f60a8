// The training and held-out texts as token ids, with their sentence boundaries.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/text/tokenizer.h"

namespace kvatlas::trainer {

struct TextFile {
  std::string name, text;  // name without folder and extension
};

// The *.txt files of a folder, sorted by name. Error when there are none.
[[nodiscard]] std::vector<TextFile> readTexts(const std::filesystem::path& folder);

struct Passages {
  std::vector<TokenId> ids;          // all texts one after the other
  std::vector<std::uint32_t> bytes;  // [ids] bytes each token stands for
  std::vector<std::size_t> starts;  // ascending positions after a full stop, where a passage may begin or a fact may go

  // `count` tokens from the first sentence start at or after `at`; starts over at the front when too few are left.
  [[nodiscard]] std::span<const TokenId> window(std::size_t at, std::size_t count) const;
};

[[nodiscard]] Passages encodeTexts(std::span<const TextFile> texts, const text::Tokenizer& tokenizer);

}  // namespace kvatlas::trainer
