// The keys that each branch's own attention gives most to when it chooses a token, step by step. Knows what branches
// hold, no store, no model.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "capture/model/config.h"
#include "capture/session/top_keys.h"
#include "core/cache/held_tokens.h"

namespace kvatlas::capture {

// Of one branch, [T, layers, query_heads, K]: by descending mass, ties to the lowest position. trace::kNoToken and 0
// where fewer keys are visible, and for a whole row that is not finite.
struct Attended {
  std::vector<TokenIndex> positions;
  std::vector<float> mass;
};

class AttendedTokens {
 public:
  // held: [branches]
  AttendedTokens(const ModelConfig& config, std::span<const cache::HeldTokens> held, unsigned threads)
      : m_config(config), m_held(held), m_threads(threads), m_branches(held.size()), m_questions(held.size()) {}

  // Begins the next step, in which the branches marked active take part.
  void beginStep(const std::vector<bool>& active);
  // Step 0: the prompt's last query, [query_heads, K] with positions as columns, the same for all branches.
  void takePrompt(LayerIndex layer, std::span<const kernels::TopEntry> keys);
  // The last token of `keys` chooses the step's token; the branches still hold what they held when they attended.
  void takeStep(const TopKeys& keys);

  // Makes room for the tokens of a question, which all branches are fed.
  void beginQuestion(std::uint32_t tokens);
  // `keys`: of the question's tokens from `first` on.
  void takeQuestion(const TopKeys& keys, std::uint32_t first);

  // Of the steps since it was last taken.
  [[nodiscard]] Attended take(std::size_t branch) { return std::exchange(m_branches[branch], {}); }
  // [question tokens, layers, query_heads, K]
  [[nodiscard]] Attended takeQuestionOf(std::size_t branch) { return std::move(m_questions[branch]); }

 private:
  // Of the step that was begun last.
  [[nodiscard]] std::size_t cell(const Attended& branch, LayerIndex layer, std::uint32_t head) const;
  void store(const TopKeys& keys, LayerIndex layer, std::size_t i, std::uint32_t token, std::uint32_t head,
             std::size_t cell, Attended& to) const;

  const ModelConfig& m_config;
  std::span<const cache::HeldTokens> m_held;
  unsigned m_threads;
  std::vector<Attended> m_branches, m_questions;
};

}  // namespace kvatlas::capture
