#include "tests/capture/session/naive_session.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

namespace kvatlas::capture::test {
namespace {

double dot(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.contiguous(), y = b.contiguous();
  double sum = 0;
  for (std::int64_t i = 0; i < x.numel(); ++i)
    sum += static_cast<double>(x.const_data_ptr<float>()[i]) * static_cast<double>(y.const_data_ptr<float>()[i]);
  return sum;
}

// exp(x − max) / Σ over the visible entries; 0 elsewhere.
std::vector<double> softmax(const std::vector<double>& logits, const std::vector<bool>& visible) {
  double largest = -INFINITY, sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (visible[i]) largest = std::max(largest, logits[i]);
  std::vector<double> p(logits.size(), 0.0);
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (visible[i]) sum += p[i] = std::exp(logits[i] - largest);
  for (double& value : p) value /= sum;
  return p;
}

std::vector<double> attentionRow(const at::Tensor& query, const at::Tensor& keys, const std::vector<bool>& visible) {
  std::vector<double> logits(visible.size(), 0.0);
  for (std::size_t j = 0; j < visible.size(); ++j)
    if (visible[j])
      logits[j] = dot(query, keys[static_cast<std::int64_t>(j)]) / std::sqrt(static_cast<double>(query.numel()));
  return softmax(logits, visible);
}

bool insideWindow(const ModelConfig& config, std::uint64_t query, std::uint64_t key) {
  return config.sliding_window == 0 || key + config.sliding_window > query;
}

class PromptRows final : public AttentionObserver {
 public:
  PromptRows(const ModelConfig& config, bool all) : m_config(config), m_all(all) {}
  bool wants(LayerIndex) const override { return true; }
  void onAttention(const LayerAttention& attention) override {
    const std::int64_t last = attention.query.size(1) - 1;
    std::vector<Rows> heads;
    for (std::int64_t head = 0; head < attention.query.size(0); ++head) {
      Rows& rows = heads.emplace_back();
      for (std::int64_t query = m_all ? 0 : last; query <= last; ++query) {
        std::vector<bool> visible;
        for (std::int64_t j = 0; j <= query; ++j)
          visible.push_back(insideWindow(m_config, static_cast<std::uint64_t>(query), static_cast<std::uint64_t>(j)));
        const std::int64_t kv = head / (attention.query.size(0) / attention.key.size(0));
        rows.push_back(attentionRow(attention.query[head][query], attention.key[kv], visible));
      }
    }
    layers.push_back(std::move(heads));
  }
  std::vector<std::vector<Rows>> layers;

 private:
  const ModelConfig& m_config;
  bool m_all;
};

}  // namespace

NaiveBranch::NaiveBranch(const Decoder& decoder, const PrefillResult& prefill, const policy::Decision& decision,
                         std::uint64_t tokens)
    : m_decoder(decoder), m_heads(decision.heads), m_tokens(tokens), m_position(tokens), m_layers(prefill.cache) {
  for (std::uint32_t i = 0; i < decision.layers * decision.heads; ++i) {
    const auto kept = decision.kept(LayerIndex{i / m_heads}, i % m_heads);
    m_lists.emplace_back(kept.begin(), kept.end());
  }
}

NaiveStep NaiveBranch::feed(TokenId id) {
  NaiveStep step;
  for (std::vector<TokenIndex>& list : m_lists) list.push_back(static_cast<TokenIndex>(m_position));
  const std::vector<TokenId> ids{id};
  const std::vector<std::uint64_t> positions{m_position};
  const at::Tensor logits = m_decoder.step(
      ids, positions, m_tokens, [&](LayerIndex layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
        return attend(layer, q, k, v, step);
      });
  for (std::int64_t i = 0; i < logits.numel(); ++i)
    step.logits.push_back(static_cast<double>(logits.const_data_ptr<float>()[i]));
  ++m_position;
  return step;
}

at::Tensor NaiveBranch::attend(LayerIndex layer, const at::Tensor& query, const at::Tensor& key,
                               const at::Tensor& value, NaiveStep& step) {
  LayerCache& cache = m_layers[layer.value];
  cache.key = at::cat({cache.key, key[0].unsqueeze(1)}, 1);
  cache.value = at::cat({cache.value, value[0].unsqueeze(1)}, 1);
  const ModelConfig& config = m_decoder.config();
  at::Tensor output = at::zeros_like(query);
  Rows rows;
  for (std::uint32_t head = 0; head < config.query_heads; ++head) {
    const auto& kept = list(layer.value, head / (config.query_heads / m_heads));
    std::vector<bool> visible;
    for (std::uint64_t j = 0; j <= m_position; ++j)
      visible.push_back(insideWindow(config, m_position, j) && std::ranges::find(kept, j) != kept.end());
    if (m_reads) m_reads(layer.value, head, query[0], cache.key, visible);
    const std::int64_t kv = head / (config.query_heads / config.kv_heads);
    rows.push_back(attentionRow(query[0][head], cache.key[kv], visible));
    for (std::uint32_t c = 0; c < config.head_dim; ++c) {
      double sum = 0;
      for (std::size_t j = 0; j < visible.size(); ++j)
        if (visible[j]) sum += rows.back()[j] * cache.value[kv][static_cast<std::int64_t>(j)][c].item<double>();
      output[0][head][c] = sum;
    }
  }
  step.attention.push_back(std::move(rows));
  return output;
}

std::vector<Rows> lastPromptRows(const Decoder& decoder, const std::vector<TokenId>& ids) {
  PromptRows observer(decoder.config(), false);
  (void)decoder.prefill(ids, &observer, {});
  std::vector<Rows> layers;
  for (const std::vector<Rows>& heads : observer.layers) {
    Rows& rows = layers.emplace_back();
    for (const Rows& head : heads) rows.push_back(head.front());
  }
  return layers;
}

std::vector<std::vector<Rows>> allPromptRows(const Decoder& decoder, const std::vector<TokenId>& ids) {
  PromptRows observer(decoder.config(), true);
  (void)decoder.prefill(ids, &observer, {});
  return observer.layers;
}

double naiveKl(const std::vector<double>& p_logits, const std::vector<double>& q_logits) {
  const std::vector<bool> all(p_logits.size(), true);
  const auto p = softmax(p_logits, all), q = softmax(q_logits, all);
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (p[i] > 0) sum += p[i] * std::log(p[i] / q[i]);
  return sum;
}

}  // namespace kvatlas::capture::test
