// A GGUF file: its metadata, the model's configuration, its tokenizer and its weights.
#include "capture/model/gguf_config.h"
#include "core/gguf/dequantise.h"
#include "core/gguf/model_file.h"
#include "core/text/tokenizer.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace kvatlas;

void readWeights(const gguf::Container& part) {
  for (const auto& [name, tensor] : part.tensors()) {
    const gguf::TensorLayout& layout = gguf::layoutOf(tensor.type);
    std::vector<float> values(tensor.bytes.size() / layout.bytes * layout.elements);
    fuzz::onlyErrors([&] { gguf::dequantise(tensor.type, tensor.bytes, values); });
  }
}

}  // namespace

KVATLAS_FUZZ_TARGET {
  const auto path = fuzz::put("model.gguf", fuzz::textOf(data, size));
  fuzz::onlyErrors([&] {
    const gguf::ModelFile file(path);
    static_cast<void>(file.fingerprint());
    for (const gguf::Container& part : file.parts()) readWeights(part);
  });
  fuzz::onlyErrors([&] { static_cast<void>(capture::loadGgufConfig(path)); });
  fuzz::onlyErrors([&] {
    const auto tokenizer = text::Tokenizer::load(path);
    static_cast<void>(tokenizer.decode(tokenizer.encode("The secret number is 48213.\n Größe 你好").ids));
  });
  return 0;
}
