// The signals of what one branch holds, kept up token by token: what methods score by when they decide again. Host data
// only, no torch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/cache/erase_rows.h"
#include "core/cache/held_tokens.h"
#include "core/signals/signals.h"

namespace kvatlas::cache {

// What has to be known of the prompt to keep up `needs`: sums over the last queries are made from their rows.
[[nodiscard]] SignalSet promptSignals(SignalSet needs);

class HeldSignals {
 public:
  // Of the prompt's signals [layers] only the columns that are held. `needs`: of policy::kSignalsWhileDecoding.
  HeldSignals(SignalSet needs, std::uint32_t query_heads, std::uint32_t window, const HeldTokens& held,
              std::span<const LayerSignals> prompt);

  // The probabilities that the newest query gives to the rows of its list from `hidden` on; the last row is its own
  // token. Each query head of each layer once per token; heads may be taken at the same time.
  void take(LayerIndex layer, std::uint32_t query_head, std::uint32_t hidden, std::span<const float> mass);
  // Forgets rows (ascending) of one list; before the held tokens do.
  void erase(LayerIndex layer, std::uint32_t head, std::span<const std::uint32_t> rows);

  // The needed signals of `lists` lists of one layer from `first` on, in the shapes of the table, a column per row that
  // is not the question's: `received` over all queries so far, the others over the last W. The lists are equally long.
  [[nodiscard]] SignalValues of(LayerIndex layer, std::uint32_t first, std::uint32_t lists,
                                const HeldTokens& held) const;

 private:
  struct Head {
    std::vector<double> received;          // [rows]
    std::vector<std::vector<float>> last;  // of the last W queries, newest at `newest`: [rows then]; later rows are 0
    std::size_t newest = 0, rows = 0;
  };
  [[nodiscard]] bool keepsRows() const {
    return m_needs.contains(Signal::WindowSum) || m_needs.contains(Signal::WindowRows);
  }
  void start(Head& head, const HeldList& list, std::uint32_t query_head, const LayerSignals& prompt,
             std::size_t prompt_tokens) const;
  struct QuestionRows;
  void addRows(const Head& head, const QuestionRows& question, SignalValues& values) const;

  SignalSet m_needs;
  std::uint32_t m_query_heads, m_window, m_heads;
  std::vector<Head> m_of;  // [layers, query_heads]
};

}  // namespace kvatlas::cache
