// A branch decoded alone with attention in double precision over explicit position lists: the oracle of session tests.
// What it holds changes when a test says so.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "capture/model/decoder.h"
#include "core/policy/policy.h"

namespace kvatlas::capture::test {

using Rows = std::vector<std::vector<double>>;  // [query head][position] probabilities

struct NaiveStep {
  std::vector<double> logits;   // [vocab]
  std::vector<Rows> attention;  // [layer] of the fed token over original positions; positions not kept are 0
};

// Leaves of the positions that a query head sees those that it reads. queries: [query_heads, d], keys: [kv_heads,
// positions so far, d].
using NaiveReads = std::function<void(std::uint32_t layer, std::uint32_t query_head, const at::Tensor& queries,
                                      const at::Tensor& keys, std::vector<bool>& visible)>;

class NaiveBranch {
 public:
  void readBy(NaiveReads reads) { m_reads = std::move(reads); }
  NaiveBranch(const Decoder& decoder, const PrefillResult& prefill, const policy::Decision& decision,
              std::uint64_t tokens);
  NaiveStep feed(TokenId id);
  // What a list holds now, ascending; the fed tokens are added to every list.
  [[nodiscard]] std::vector<TokenIndex>& list(std::uint32_t layer, std::uint32_t head) {
    return m_lists[layer * m_heads + head];
  }
  // Keys and values [kv_heads, positions so far, d]; changing them changes what the next token sees.
  [[nodiscard]] LayerCache& entries(std::uint32_t layer) { return m_layers[layer]; }

 private:
  at::Tensor attend(LayerIndex layer, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                    NaiveStep& step);

  const Decoder& m_decoder;
  std::uint32_t m_heads;
  std::vector<std::vector<TokenIndex>> m_lists;  // [layers, heads]
  std::uint64_t m_tokens, m_position;
  std::vector<LayerCache> m_layers;  // full rows; attention skips evicted ones
  NaiveReads m_reads;
};

// Softmax row of the last prompt query in every layer, from the observed queries and keys.
[[nodiscard]] std::vector<Rows> lastPromptRows(const Decoder& decoder, const std::vector<TokenId>& ids);
// The same of every prompt query: [layer][query head][query][position].
[[nodiscard]] std::vector<std::vector<Rows>> allPromptRows(const Decoder& decoder, const std::vector<TokenId>& ids);

[[nodiscard]] double naiveKl(const std::vector<double>& p_logits, const std::vector<double>& q_logits);

}  // namespace kvatlas::capture::test
