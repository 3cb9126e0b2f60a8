// What a user gives as text: prompts, token ids, and the rows and documents of a benchmark.
#include <array>
#include <optional>

#include "capture/session/prompt.h"
#include "core/base/files.h"
#include "core/evaluation/haystack.h"
#include "core/evaluation/questions/question_rows.h"
#include "core/evaluation/row_file.h"
#include "core/evaluation/ruler/ruler_material.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace kvatlas;

constexpr std::uint32_t kVocabulary = 310;

const std::optional<text::Tokenizer>& tokenizer() {
  static const std::optional<text::Tokenizer> loaded = text::Tokenizer::load(
      fuzz::put("tokenizer.json", readFile(KVATLAS_TEST_DATA "/tokenizers/unknown/tokenizer.json")));
  return loaded;
}

void prepare(const capture::PromptOptions& options) {
  capture::ModelConfig config;
  config.vocab_size = kVocabulary;
  for (const capture::PreparedPrompt& prompt : capture::preparePrompts(options, fuzz::folder(), config, tokenizer()))
    if (prompt.offsets.size() != prompt.ids.size() + 1 || prompt.offsets.back() != prompt.text.size()) __builtin_trap();
}

}  // namespace

KVATLAS_FUZZ_TARGET {
  const auto path = fuzz::put("lines", fuzz::textOf(data, size));
  fuzz::onlyErrors([&] { prepare({.ids_file = path}); });
  fuzz::onlyErrors([&] { prepare({.file = path}); });
  fuzz::onlyErrors([&] { static_cast<void>(evaluation::readQuestions(path, {.metric = "f1", .new_tokens = 8})); });
  fuzz::onlyErrors([&] { static_cast<void>(evaluation::readSquad(path)); });
  fuzz::onlyErrors([&] { static_cast<void>(evaluation::readHotpot(path)); });
  fuzz::onlyErrors([&] {
    const std::array paths{path};
    const auto haystack = evaluation::readHaystack(paths);
    static_cast<void>(evaluation::wordsOf(haystack));
    static_cast<void>(evaluation::Haystack(haystack, *tokenizer()));
  });
  return 0;
}
