// The normaliser part of tokenizer.json; knows no vocabulary.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/base/json_field.h"
#include "core/text/aligned_text.h"

namespace kvatlas::text {

// Prepend, Replace, Strip and Sequences of them; null gives no step. Error names file and component otherwise.
[[nodiscard]] std::vector<std::unique_ptr<const TextStep>> readNormalizer(const std::optional<JsonField>& field);

}  // namespace kvatlas::text
