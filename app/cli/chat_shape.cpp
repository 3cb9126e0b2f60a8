#include "app/cli/chat_shape.h"

#include "core/base/error.h"
#include "core/text/tokenizer.h"

namespace kvatlas::app {

std::string chatShape(const text::ChatRequest& request, const std::filesystem::path& model, const std::string& shape) {
  std::string text = text::wrapInChat(request, model, shape);
  const text::Tokenizer tokenizer = text::Tokenizer::load(model);
  const auto bos = tokenizer.bos();
  const bool set_by_tokenizer = bos && tokenizer.encode("x", true).ids.front() == *bos;
  if (!set_by_tokenizer) return text;
  const std::string piece(tokenizer.piece(*bos));
  if (!text.starts_with(piece))
    fail("{}: its tokenizer sets {} before a prompt, its chat template does not: such a pair cannot be evaluated",
         model.string(), piece);
  return text.substr(piece.size());
}

}  // namespace kvatlas::app
