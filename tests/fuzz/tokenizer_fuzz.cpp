// tokenizer.json: what it makes of some texts, there and back.
#include <vector>

#include "core/text/tokenizer.h"
#include "tests/fuzz/fuzz.h"

KVATLAS_FUZZ_TARGET {
  using namespace kvatlas;
  const auto path = fuzz::put("tokenizer.json", fuzz::textOf(data, size));
  fuzz::onlyErrors([&] {
    const auto tokenizer = text::Tokenizer::load(path);
    for (const std::string_view words :
         {"The secret number is 48213.", "  \n\t Größe 你好 🦙 [NORM]", "\xff\xc3(a", ""}) {
      const auto encoding = tokenizer.encode(words);
      if (encoding.offsets.size() != encoding.ids.size() + 1) __builtin_trap();
      static_cast<void>(tokenizer.decodeWithOffsets(encoding.ids, true));
    }
  });
  return 0;
}
