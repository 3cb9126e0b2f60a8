// A method that decides again while a branch decodes: the same score, allocate and select over what the branch holds.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/cache/held_signals.h"
#include "core/cache/held_tokens.h"
#include "core/policy/layer_decision.h"
#include "core/policy/parameters.h"

namespace kvatlas::cache {

// Signals of policy::kSignalsOfEntries of `lists` lists of a layer from `first` on, which are equally long: in the
// shapes of the table, a column per row that is not the question's.
using EntrySignals =
    std::function<SignalValues(SignalSet wanted, LayerIndex layer, std::uint32_t first, std::uint32_t lists)>;

class Redecider {
 public:
  // setting and decision: of the end of the prompt, with every > 0. prompt: [layers] with promptSignals() of what the
  // method needs; not needed after the call.
  Redecider(const policy::Method& method, const policy::Setting& setting, const policy::Decision& decision,
            const HeldTokens& held, std::span<const LayerSignals> prompt);

  // Whether take() has to be called.
  [[nodiscard]] bool readsProbabilities() const {
    return !policy::commonOf(m_method.needs, policy::kSignalsWhileDecoding).empty();
  }
  // Whether rowsToEvict() asks for signals of entries.
  [[nodiscard]] bool readsEntries() const {
    return !policy::commonOf(m_method.needs, policy::kSignalsOfEntries).empty();
  }
  // See HeldSignals::take().
  void take(LayerIndex layer, std::uint32_t query_head, std::uint32_t hidden, std::span<const float> mass) {
    m_signals.take(layer, query_head, hidden, mass);
  }

  // Whether lists are cut back after the `generated`-th token.
  [[nodiscard]] bool due(std::uint32_t generated) const { return generated % m_every == 0; }
  // The rows by which lists exceed their capacity, the question not counted: that of the end of the prompt; where
  // everything was kept then, what the method allocates for the tokens so far. Empty where no list does.
  [[nodiscard]] ListRows rowsToEvict(const HeldTokens& held, unsigned threads, const EntrySignals& entries = {}) const;
  // Gives them up, in the signals and in `held`.
  void evict(std::uint32_t step, const ListRows& rows, HeldTokens& held);

 private:
  [[nodiscard]] std::vector<std::uint32_t> capacityOf(const HeldTokens& held) const;
  // Lists of a layer that are scored together.
  struct Lists;
  // What the method sees of them: a column per row that is not the question's.
  [[nodiscard]] policy::Setting settingOf(const Lists& lists, const HeldTokens& held) const;
  [[nodiscard]] policy::LayerScores scoresOf(const Lists& lists, const HeldTokens& held,
                                             const EntrySignals& entries) const;
  [[nodiscard]] policy::LayerScores scoresOfPositions(const Lists& lists, const HeldTokens& held) const;
  void evictionsOf(const Lists& lists, const HeldTokens& held, const EntrySignals& entries,
                   std::span<const std::uint32_t> capacity, std::span<std::vector<std::uint32_t>> out) const;
  void evictionsOf(LayerIndex layer, const HeldTokens& held, const EntrySignals& entries,
                   std::span<const std::uint32_t> capacity, std::span<std::vector<std::uint32_t>> out) const;

  const policy::Method& m_method;
  policy::Setting m_setting;
  std::vector<std::uint32_t> m_capacity;  // [layers, heads]; empty where the prompt was within the budget
  std::uint32_t m_every;
  HeldSignals m_signals;
};

}  // namespace kvatlas::cache
