#include "core/evaluation/stops.h"

#include <algorithm>

namespace kvatlas::evaluation {

std::vector<TokenId> endTokens(const text::Tokenizer& tokenizer) {
  std::vector<TokenId> stops;
  if (const auto eos = tokenizer.eos()) stops.push_back(*eos);
  for (const char* piece : {"<|eot_id|>", "<|end_of_text|>"})
    if (const auto id = tokenizer.idOf(piece)) stops.push_back(*id);
  return stops;
}

void addLineBreak(const text::Tokenizer& tokenizer, std::vector<TokenId>& stops) {
  if (const auto line_break = tokenizer.encode("\n", false).ids; !line_break.empty())
    stops.push_back(line_break.back());
}

StopRule stopAt(std::vector<TokenId> stops) {
  return [stops = std::move(stops)](std::span<const TokenId> ids) {
    return std::ranges::find(stops, ids.back()) != stops.end();
  };
}

}  // namespace kvatlas::evaluation
