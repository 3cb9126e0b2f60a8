// What one branch's KV cache holds, list by list: attention, measurements and the trace ask it and nothing else.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/policy/policy.h"

namespace kvatlas::cache {

// Why a list gave a token up while decoding.
enum class EvictionReason : std::uint8_t { LowScore, LeftWindow };

// One entry of the eviction log. `step` is the decoding step after whose token the cache decided again.
struct Eviction {
  std::uint32_t step = 0, layer = 0, head = 0;
  TokenIndex position = 0;
  EvictionReason reason = EvictionReason::LowScore;
  friend bool operator==(const Eviction&, const Eviction&) = default;
};

// The original positions that one list holds, ascending: row r of the list holds position [r]. Valid until the cache
// changes.
class HeldList {
 public:
  explicit HeldList(std::uint32_t count) : m_count(count) {}  // 0 … count − 1
  explicit HeldList(std::span<const TokenIndex> positions)
      : m_positions(positions), m_count(static_cast<std::uint32_t>(positions.size())), m_listed(true) {}

  [[nodiscard]] std::uint32_t size() const { return m_count; }
  [[nodiscard]] TokenIndex operator[](std::uint32_t row) const { return m_listed ? m_positions[row] : row; }
  [[nodiscard]] bool everything() const { return !m_listed; }
  // Empty where everything is held: there is no list.
  [[nodiscard]] std::span<const TokenIndex> positions() const { return m_positions; }
  // The first row that holds `position` or a later one; size() where there is none.
  [[nodiscard]] std::uint32_t rowFrom(std::uint64_t position) const;
  [[nodiscard]] bool contains(TokenIndex position) const;
  // How many of the first rows a query at `position` no longer sees; 0 without a sliding window (0).
  [[nodiscard]] std::uint32_t hiddenRows(std::uint64_t position, std::uint64_t sliding_window) const;

 private:
  std::span<const TokenIndex> m_positions;
  std::uint32_t m_count = 0;
  bool m_listed = false;
};

// Every list (layer × stored head) of one branch. Lists that hold everything take no memory.
class HeldTokens {
 public:
  // All of a prompt of `prompt_tokens`.
  HeldTokens(std::uint32_t layers, std::uint32_t heads, TokenIndex prompt_tokens);
  // What a decision at the end of the prompt keeps.
  HeldTokens(const policy::Decision& decision, TokenIndex prompt_tokens);

  [[nodiscard]] std::uint32_t layers() const { return m_layers; }
  [[nodiscard]] std::uint32_t heads() const { return m_heads; }
  [[nodiscard]] TokenIndex promptTokens() const { return m_prompt_tokens; }
  // Tokens of the question behind the prompt: no list gives them up, and no capacity counts them.
  [[nodiscard]] TokenIndex questionTokens() const { return m_question_tokens; }
  [[nodiscard]] TokenIndex firstGenerated() const { return m_prompt_tokens + m_question_tokens; }
  [[nodiscard]] TokenIndex nextPosition() const { return m_next; }  // prompt and appended tokens so far

  [[nodiscard]] HeldList list(LayerIndex layer, std::uint32_t head) const;
  [[nodiscard]] std::uint64_t heldRows() const { return m_rows; }  // over all lists

  // The first row of the question in a list.
  [[nodiscard]] std::uint32_t questionRow(LayerIndex layer, std::uint32_t head) const {
    return list(layer, head).rowFrom(m_prompt_tokens);
  }

  // The next token goes into every list.
  void append();
  // The same for the next tokens of the question; std::logic_error once a token was generated.
  void appendQuestion(std::uint32_t tokens);
  // Takes the rows (ascending) out of one list and logs their positions. Error: a row the list does not have, or one of
  // the question.
  void evict(std::uint32_t step, LayerIndex layer, std::uint32_t head, std::span<const std::uint32_t> rows,
             EvictionReason reason);

  // In the order of the calls, positions ascending within each.
  [[nodiscard]] const std::vector<Eviction>& log() const { return m_log; }
  [[nodiscard]] std::vector<Eviction> takeLog() { return std::exchange(m_log, {}); }

 private:
  struct List {
    bool everything = true;
    std::vector<TokenIndex> positions;  // empty where everything is held
  };
  [[nodiscard]] std::size_t at(LayerIndex layer, std::uint32_t head) const;
  void writeOut(List& list) const;

  std::uint32_t m_layers, m_heads;
  TokenIndex m_prompt_tokens, m_question_tokens = 0, m_next;
  std::vector<List> m_lists;  // [layers, heads]
  std::uint64_t m_rows = 0;
  std::vector<Eviction> m_log;
};

}  // namespace kvatlas::cache
