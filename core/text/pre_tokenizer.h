// The pre-tokeniser part of tokenizer.json: where words may begin and end; knows no vocabulary.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/base/json_field.h"
#include "core/text/aligned_text.h"

namespace kvatlas::text {

struct PreTokenizer {
  std::vector<std::unique_ptr<const TextStep>> steps;
  bool byte_level = false;  // ends with ByteLevel: the model's units are bytes
};

// ByteLevel (last), Split, Digits, Metaspace and Sequences of them; null gives no step. Error names file and component
// otherwise.
[[nodiscard]] PreTokenizer readPreTokenizer(const std::optional<JsonField>& field);

}  // namespace kvatlas::text
