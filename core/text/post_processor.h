// The post-processor part of tokenizer.json: tokens set around a text; knows no text.
#pragma once

#include <optional>
#include <vector>

#include "core/base/ids.h"
#include "core/base/json_field.h"
#include "core/text/vocabulary.h"

namespace kvatlas::text {

struct PostProcessor {
  std::vector<TokenId> before, after;
};

// TemplateProcessing (its form for a single text), ByteLevel (changes no token) and Sequences; null sets nothing.
// Error names file and component otherwise, and on ids that are not in the vocabulary.
[[nodiscard]] PostProcessor readPostProcessor(const std::optional<JsonField>& field, const Vocabulary& vocabulary);

}  // namespace kvatlas::text
