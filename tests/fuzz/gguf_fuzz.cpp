// A GGUF file: its metadata, the model's configuration and its tokenizer.
#include "capture/model/gguf_config.h"
#include "core/gguf/model_file.h"
#include "core/text/tokenizer.h"
#include "tests/fuzz/fuzz.h"

KVATLAS_FUZZ_TARGET {
  using namespace kvatlas;
  const auto path = fuzz::put("model.gguf", fuzz::textOf(data, size));
  fuzz::onlyErrors([&] {
    const gguf::ModelFile file(path);
    static_cast<void>(file.fingerprint());
  });
  fuzz::onlyErrors([&] { static_cast<void>(capture::loadGgufConfig(path)); });
  fuzz::onlyErrors([&] {
    const auto tokenizer = text::Tokenizer::load(path);
    static_cast<void>(tokenizer.decode(tokenizer.encode("The secret number is 48213.\n Größe 你好").ids));
  });
  return 0;
}
