// How much of the full cache's attention each branch still holds, step by step; knows held tokens and
// rows of probabilities, no model.
#pragma once

#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "capture/model/config.h"
#include "capture/session/watched_rows.h"

namespace kvatlas::capture {

// The positions that a query of a branch read in the layer that attended last, ascending; empty: all that it held.
using ReadPositions = std::function<std::span<const TokenIndex>(std::size_t branch, std::uint32_t query_head)>;

// Mass of one branch over the steps measured since it was last taken, [T, layers, query_heads]; NaN where the full
// cache had stopped.
struct BranchMass {
  std::vector<float> retained, oracle;
};

class MassMeter {
 public:
  // held: [branches], the full cache's first. Room for `max_new_tokens` generated tokens.
  MassMeter(const ModelConfig& config, std::span<const cache::HeldTokens> held, std::uint32_t max_new_tokens,
            unsigned threads, ReadPositions read = {});

  // Begins the next step, in which the branches marked active take part.
  void beginStep(const std::vector<bool>& active);
  // Step 0: the prompt's last query, [query_heads, N].
  void measurePrompt(LayerIndex layer, std::span<const float> rows);
  // A later step, or the end of a question: `rows` watches the full cache first; its last token counts.
  void measureStep(LayerIndex layer, const WatchedRows& rows);

  [[nodiscard]] BranchMass takeMass(std::size_t branch) { return std::exchange(m_mass[branch], {}); }

 private:
  void measure(LayerIndex layer, std::span<const float> rows, std::size_t length, bool of_step);
  void measureHead(LayerIndex layer, std::uint32_t head, std::span<const float> row, bool of_step);

  const ModelConfig& m_config;
  std::span<const cache::HeldTokens> m_held;
  TokenIndex m_prompt_tokens;
  unsigned m_threads;
  ReadPositions m_read;
  std::vector<bool> m_active;      // [branches] of the step that was begun last
  std::vector<BranchMass> m_mass;  // [branches], the full cache's stays empty
  std::vector<float> m_rows;       // [query_heads, length], zero where the sliding window hides keys
};

}  // namespace kvatlas::capture
