// What the branches' methods make of the entries in their caches: the form they are stored in, and where evicted tokens
// go. The one place where entries change between the prefill and attention.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "capture/session/branch_store.h"
#include "capture/session/branches.h"
#include "core/policy/merging.h"
#include "core/policy/page_reading.h"

namespace kvatlas::capture {

// Where evicted tokens went, as positions; empty where a branch merges none.
struct MergedTokens {
  std::vector<TokenIndex> of_prompt;   // of each position that a list gave up when the prompt ended, list after list
  std::vector<TokenIndex> of_evicted;  // of each entry of the eviction log; trace::kNoToken where it was lost
};

class EntryForms {
 public:
  struct Request {
    const ModelConfig& config;
    std::span<const Branch> branches;         // decided
    std::span<const cache::HeldTokens> held;  // what they hold now; lives as long
    BranchStore& store;                       // of these held tokens
    std::size_t element_bytes = 4;
    unsigned threads = 0;
    // [query_heads, d] mean squares of the last queries; only called where a method reads them.
    std::function<std::span<const float>(LayerIndex)> query_squares;
  };
  explicit EntryForms(Request request);

  // After the store has gathered the prompt's next layer. key, value: [kv_heads, N, d]. Adds to `seconds` [branches].
  void gathered(const at::Tensor& key, const at::Tensor& value, std::span<double> seconds);

  // The probabilities that a branch's newest query gives to the rows of its list from `hidden` on; heads may be taken
  // at the same time.
  void take(std::size_t branch, LayerIndex layer, std::uint32_t query_head, std::uint32_t hidden,
            std::span<const float> mass);
  [[nodiscard]] bool readsProbabilities(std::size_t branch) const;

  // Before the store and the held tokens give rows up.
  void giveUp(std::span<const BranchRows> given_up);
  // After a step of these branches, with what was given up gone.
  void settle(std::span<const std::size_t> batch);

  // Of what a branch holds now, in its form.
  [[nodiscard]] std::uint64_t bytes(std::size_t branch) const;
  [[nodiscard]] MergedTokens takeMerged(std::size_t branch);

 private:
  struct Of {  // one branch
    const policy::MergePart* merge = nullptr;
    std::unique_ptr<policy::StoredForm> form;     // null: as they are
    std::optional<policy::PageReading> reading;   // its bounds of pages are stored too
    std::vector<std::vector<TokenIndex>> merged;  // [lists] of the prompt
    std::vector<TokenIndex> evicted_into;         // in the order of the eviction log
    std::vector<std::vector<double>> received;    // [layers, query_heads][rows] attention while decoding
  };
  [[nodiscard]] std::uint32_t kvHeadOf(std::size_t branch, std::uint32_t stored) const {
    return stored / (m_request.held[branch].heads() / m_request.config.kv_heads);
  }
  [[nodiscard]] policy::FormShape shapeOf(std::size_t branch, bool reads_queries) const;
  [[nodiscard]] std::vector<std::uint32_t> rowsOf(std::size_t branch) const;
  [[nodiscard]] std::uint64_t boundBytes(std::size_t branch) const;
  void eachHead(std::size_t branch, const std::function<void(std::uint32_t head)>& work) const;
  void mergePrompt(std::size_t branch, LayerIndex layer, const at::Tensor& key, const at::Tensor& value);
  void settleLayer(std::size_t branch, LayerIndex layer);
  void settlePair(std::size_t branch, LayerIndex layer, std::uint32_t head);
  [[nodiscard]] std::vector<TokenIndex> mergeGivenUp(std::size_t branch, LayerIndex layer, std::uint32_t head,
                                                     std::span<const std::uint32_t> rows);
  [[nodiscard]] std::vector<double> receivedBy(std::size_t branch, LayerIndex layer, std::uint32_t head,
                                               std::size_t rows) const;

  Request m_request;
  std::vector<Of> m_of;        // [branches]
  std::uint32_t m_layers = 0;  // gathered so far
};

}  // namespace kvatlas::capture
