// Parts of a tokenizer.json for tokenizers that are stored otherwise.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/base/ids.h"

namespace kvatlas::text {

// Where "▁" is set that no blank stands for: before the text, before each part between special tokens, or nowhere.
enum class DummyPrefix { First, Always, Never };

// "Metaspace": blanks as "▁", no split.
[[nodiscard]] nlohmann::json metaspaceJson(DummyPrefix prefix);
// Back to blanks and bytes, without the first `strip` blanks of a text.
[[nodiscard]] nlohmann::json metaspaceDecoderJson(unsigned strip);

struct PlacedPiece {
  TokenId id = 0;
  std::string text;
};
// The tokens around a text.
[[nodiscard]] nlohmann::json postProcessorJson(const std::optional<PlacedPiece>& before,
                                               const std::optional<PlacedPiece>& after);

}  // namespace kvatlas::text
