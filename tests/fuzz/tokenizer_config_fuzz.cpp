// tokenizer_config.json beside a good tokenizer.json: special tokens, added tokens, the chat template.
#include "core/base/files.h"
#include "core/text/chat_template.h"
#include "core/text/tokenizer.h"
#include "tests/fuzz/fuzz.h"

KVATLAS_FUZZ_TARGET {
  using namespace kvatlas;
  static const auto good =
      fuzz::put("tokenizer.json", readFile(KVATLAS_TEST_DATA "/tokenizers/unknown/tokenizer.json"));
  fuzz::put("tokenizer_config.json", fuzz::textOf(data, size));
  fuzz::onlyErrors([] {
    const auto tokenizer = text::Tokenizer::load(fuzz::folder());
    static_cast<void>(tokenizer.encode("a text"));
  });
  fuzz::onlyErrors([] { static_cast<void>(text::findChatTemplate(fuzz::folder())); });
  return 0;
}
