// Normalises a text as its SentencePiece model says.
#pragma once

#include <memory>
#include <string>

#include "core/text/aligned_text.h"
#include "core/text/sentencepiece/model_file.h"
#include "core/text/tokenizer_json.h"

namespace kvatlas::text {

// Replaces characters by the model's table, removes surplus blanks, writes blanks as "▁" and sets the first one.
// User-defined pieces become tokens. Error "where: …" on a broken table.
[[nodiscard]] std::unique_ptr<const TextStep> sentencePieceNormaliser(const SentencePieceModel& model,
                                                                      DummyPrefix prefix, const std::string& where);

}  // namespace kvatlas::text
