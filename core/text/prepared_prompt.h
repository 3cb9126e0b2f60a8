// A prompt ready for a model: token ids, their text and named spans.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/ids.h"

namespace kvatlas::text {

struct PromptSpan {
  TokenIndex begin = 0, end = 0;  // tokens [begin, end)
  std::string name;
};

// A question that follows a compressed context.
struct PreparedQuestion {
  std::vector<TokenId> ids;            // [Q], Q ≥ 1
  std::string text;                    // empty for ids files
  std::vector<std::uint64_t> offsets;  // [Q+1], zero without text
};

struct PreparedPrompt {
  std::vector<TokenId> ids;            // [N], N ≥ 1
  std::string text;                    // empty for ids files
  std::vector<std::uint64_t> offsets;  // [N+1], zero without text
  std::vector<PromptSpan> spans;       // by beginning
  std::string chat;  // the chat template: "auto" (the model's own), "llama2", …, "unused", "none"; "": unknown
  // If there are any, the prompt is a context that is compressed before it meets them: each follows the same caches.
  std::vector<PreparedQuestion> questions;
  std::vector<std::string> notices;  // what a user should know of it: one sentence each
};

}  // namespace kvatlas::text
