// Has a model repeat its prompt, chunk by chunk behind the prompt's own keys and values, and measures how much
// attention these receive (KVzip, Kim et al., arXiv:2505.23416).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "capture/model/decoder.h"
#include "core/text/tokenizer.h"

namespace kvatlas::capture {

// What stands between a prompt and its repetition.
struct RepeatRequest {
  std::vector<TokenId> first;   // asks for the first chunk
  std::vector<TokenId> later;   // asks for a chunk that begins with the end of the one before
  std::vector<TokenId> suffix;  // ends the user's turn
};

// In the words of the published code. `chat`: the template that the prompt was rendered with, whose end of the user's
// turn becomes the suffix; empty, "unused" or "none": a line end.
[[nodiscard]] RepeatRequest repeatRequest(const text::Tokenizer& tokenizer, const std::filesystem::path& model_folder,
                                          const std::string& chat);

struct Reconstruction {
  std::span<const TokenId> ids;       // the prompt
  std::span<const LayerCache> cache;  // its keys and values, [layers]
  RepeatRequest request;
  std::uint32_t chunk = 2048;  // tokens that one pass repeats
  std::uint32_t sinks = 4;     // first tokens that are seen with every chunk
};

// [layers] of [kv_heads, N]: the most that a query head of the group gives a key in its chunk's pass, in a softmax over
// the sinks, the chunk and the pass's own tokens. As many prompts are computed again as there are chunks, each over the
// whole cache; memory for one.
[[nodiscard]] std::vector<std::vector<float>> reconstruct(const Decoder& decoder, const Reconstruction& of,
                                                          const WorkContext& work);

}  // namespace kvatlas::capture
