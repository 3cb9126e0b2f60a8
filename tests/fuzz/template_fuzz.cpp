// A chat template.
#include <array>

#include "core/text/chat_template.h"
#include "tests/fuzz/fuzz.h"

KVATLAS_FUZZ_TARGET {
  using namespace kvatlas;
  text::ChatTemplate chat{.source = std::string(fuzz::textOf(data, size)), .origin = "template"};
  chat.tokens["bos_token"] = "<s>";
  chat.tokens["eos_token"] = "</s>";
  const std::array<text::ChatMessage, 3> messages{
      {{"system", "Be brief."}, {"user", "Where is Marlow?"}, {"assistant", "In a boat.\n"}}};
  fuzz::onlyErrors([&] {
    static_cast<void>(text::renderChatTemplate(chat, messages, true, text::jinja::parseDate("2026-03-31", "date")));
  });
  return 0;
}
