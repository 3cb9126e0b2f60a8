// The keys that each branch's own attention gives most to when it chooses a token, step by step. Knows rows of
// probabilities, no cache, no model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/model/config.h"
#include "capture/session/watched_rows.h"

namespace kvatlas::capture {

inline constexpr std::uint32_t kAttendedKeys = 8;  // K: keys recorded per step, layer and query head

// Of one branch, [T, layers, query_heads, K]: by descending mass, ties to the lowest position. trace::kNoToken and 0
// where fewer keys are visible, and for a whole row that is not finite.
struct Attended {
  std::vector<TokenIndex> positions;
  std::vector<float> mass;
};

class AttendedTokens {
 public:
  AttendedTokens(const ModelConfig& config, std::size_t branches, std::uint64_t prompt_tokens, unsigned threads)
      : m_config(config),
        m_prompt_tokens(prompt_tokens),
        m_threads(threads),
        m_branches(branches),
        m_questions(branches) {}

  // Begins the next step, in which the branches marked active take part.
  void beginStep(const std::vector<bool>& active);
  // Step 0: the prompt's last query, [query_heads, N], the same for all branches.
  void takePrompt(LayerIndex layer, std::span<const float> rows);
  // The last token of `rows` chooses the step's token.
  void takeStep(LayerIndex layer, const WatchedRows& rows);

  // Makes room for the tokens of a question, which all branches are fed.
  void beginQuestion(std::uint32_t tokens);
  // `rows`: of the question's tokens from `first` on.
  void takeQuestion(LayerIndex layer, const WatchedRows& rows, std::uint32_t first);

  [[nodiscard]] Attended take(std::size_t branch) { return std::move(m_branches[branch]); }
  // [question tokens, layers, query_heads, K]
  [[nodiscard]] Attended takeQuestionOf(std::size_t branch) { return std::move(m_questions[branch]); }

 private:
  // Of the step that was begun last.
  [[nodiscard]] std::size_t cell(const Attended& branch, LayerIndex layer, std::uint32_t head) const;

  const ModelConfig& m_config;
  std::uint64_t m_prompt_tokens;
  unsigned m_threads;
  std::vector<Attended> m_branches, m_questions;
};

}  // namespace kvatlas::capture
