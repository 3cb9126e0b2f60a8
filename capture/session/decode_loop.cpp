#include "capture/session/decode_loop.h"

#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/analysis/mass.h"
#include "kernels/parallel.h"

namespace kvatlas::capture {
namespace {

constexpr float kNotMeasured = std::numeric_limits<float>::quiet_NaN();

// The lowest index of the largest logit; NaN never wins.
TokenId argmax(std::span<const float> logits) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < logits.size(); ++i)
    if (logits[i] > logits[best] || std::isnan(logits[best])) best = i;
  return static_cast<TokenId>(best);
}

class DecodeLoop {
 public:
  DecodeLoop(const Decoder& decoder, const DecodeStart& start, const DecodeOptions& options)
      : m_decoder(decoder), m_config(decoder.config()), m_start(start), m_options(options), m_tracks(start.branches.size()) {
    for (std::size_t b = 0; b < m_tracks.size(); ++b) m_states.push_back({.active = options.max_new_tokens > 0, .with_full = true});
    const std::size_t tokens = start.prompt_tokens + options.max_new_tokens;
    if (measuring()) m_full_row.resize(m_config.query_heads * tokens);
  }

  std::vector<DecodeTrack> run(const WorkContext& work) {
    if (m_options.max_new_tokens == 0) return std::move(m_tracks);
    work.progress->begin("decode", m_options.max_new_tokens);
    takeFirstToken();
    while (chooseBatch()) {
      work.checkStop();
      step();
      work.progress->advance(m_step + 1);
    }
    work.progress->end();
    return std::move(m_tracks);
  }

 private:
  struct State {
    bool active = false;
    bool with_full = false;  // fed the same tokens as full so far
  };

  [[nodiscard]] bool measuring() const { return m_options.measure && m_tracks.size() > 1; }
  [[nodiscard]] bool ended(TokenId id) const { return std::ranges::find(m_config.eos_ids, id) != m_config.eos_ids.end(); }
  [[nodiscard]] TokenId fedTo(std::size_t branch) const { return m_tracks[m_options.follow == Follow::Full ? 0 : branch].ids.back(); }

  // Step 0: every branch has the full prompt behind it, so all choose the same token.
  void takeFirstToken() {
    const std::span<const float> logits(m_start.next_logits.const_data_ptr<float>(), static_cast<std::size_t>(m_start.next_logits.numel()));
    for (std::uint32_t layer = 0; measuring() && layer < m_config.layers; ++layer)
      measureMass(LayerIndex{layer}, m_start.last_row(LayerIndex{layer}), m_start.prompt_tokens);
    const TokenId first = argmax(logits);
    for (std::size_t b = 0; b < m_tracks.size(); ++b) {
      if (b > 0 && m_options.measure) m_tracks[b].kl.push_back(0.0F);
      take(b, first);
    }
    endStopped();
  }

  void take(std::size_t branch, TokenId id) {
    m_tracks[branch].ids.push_back(id);
    if (m_options.on_token) m_options.on_token(branch, id);
  }

  // A branch ends with its own end token; with Follow::Full all end with the full cache's.
  void endStopped() {
    for (std::size_t b = 0; b < m_states.size(); ++b)
      if (m_states[b].active && (ended(fedTo(b)) || m_tracks[b].ids.size() >= m_options.max_new_tokens)) m_states[b].active = false;
  }

  bool chooseBatch() {
    m_batch.clear();
    for (std::size_t b = 0; b < m_states.size(); ++b)
      if (m_states[b].active) m_batch.push_back(b);
    return !m_batch.empty();
  }

  [[nodiscard]] bool fullInBatch() const { return !m_batch.empty() && m_batch.front() == 0; }

  void step() {
    ++m_step;
    const std::uint64_t position = m_start.prompt_tokens + m_step - 1;
    std::vector<TokenId> ids;
    for (const std::size_t branch : m_batch) ids.push_back(fedTo(branch));
    if (measuring()) growMass();
    const std::vector<std::uint64_t> positions(ids.size(), position);
    const at::Tensor logits = m_decoder.step(ids, positions, m_start.prompt_tokens,
                                             [&](LayerIndex layer, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
                                               return attend(layer, query, key, value, position);
                                             });
    const auto vocab = static_cast<std::size_t>(logits.size(1));
    const std::span<const float> all(logits.const_data_ptr<float>(), vocab * m_batch.size());
    if (m_options.measure) measureKl(all, vocab);
    for (std::size_t i = 0; i < m_batch.size(); ++i) take(m_batch[i], argmax(all.subspan(i * vocab, vocab)));
    noteParting();
    endStopped();
  }

  at::Tensor attend(LayerIndex layer, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, std::uint64_t position) {
    const auto host = [](const at::Tensor& tensor) { return tensor.to(at::kCPU, at::kFloat).contiguous(); };
    const at::Tensor q = host(query), k = host(key), v = host(value);
    at::Tensor output = at::empty_like(q);
    const std::size_t q_stride = std::size_t{m_config.query_heads} * m_config.head_dim, kv_stride = std::size_t{m_config.kv_heads} * m_config.head_dim;
    std::vector<kernels::DecodeSegment> segments;
    for (std::size_t i = 0; i < m_batch.size(); ++i) {
      BranchCache& cache = m_start.caches[m_batch[i]];
      cache.append(layer, k.const_data_ptr<float>() + i * kv_stride, v.const_data_ptr<float>() + i * kv_stride, position);
      cache.segments(layer, q.const_data_ptr<float>() + i * q_stride, output.mutable_data_ptr<float>() + i * q_stride, position, segments);
    }
    const bool watch = measuring() && fullInBatch();
    if (watch) watchFull(layer, position, segments);
    kernels::raggedDecodeAttention(segments, m_config.head_dim, 1.0F / std::sqrt(static_cast<float>(m_config.head_dim)), m_options.threads);
    if (watch) measureMass(layer, std::span(m_full_row).first(m_config.query_heads * (position + 1)), position + 1);
    return output.to(query.device(), query.scalar_type());
  }

  // Has the full cache's segments (the first of the batch) write their probabilities, zero where the sliding window hides keys.
  void watchFull(LayerIndex layer, std::uint64_t position, std::vector<kernels::DecodeSegment>& segments) {
    const std::size_t length = position + 1;
    const BranchCache& full = m_start.caches[0];
    m_scratch.clear();
    std::fill_n(m_full_row.begin(), m_config.query_heads * length, 0.0F);
    const std::size_t hidden = full.hiddenRows(layer, 0, position);
    m_hidden = hidden;
    for (std::uint32_t head = 0; head < full.shape().stored_heads; ++head) {
      kernels::DecodeSegment& segment = segments[head];
      // With nothing hidden, rows of one list follow each other just as the kernel writes them.
      if (hidden == 0) {
        segment.probabilities = m_full_row.data() + head * segment.rows * length;
      } else {
        m_scratch.resize(m_config.query_heads * (length - hidden));
        segment.probabilities = m_scratch.data() + head * segment.rows * (length - hidden);
      }
    }
  }

  // probabilities: [query_heads, length] of the full cache's query.
  void measureMass(LayerIndex layer, std::span<const float> probabilities, std::size_t length) {
    if (!m_scratch.empty()) {
      const std::size_t visible = length - m_hidden;
      for (std::size_t head = 0; head < m_config.query_heads; ++head)
        std::copy_n(m_scratch.begin() + static_cast<std::ptrdiff_t>(head * visible), visible,
                    m_full_row.begin() + static_cast<std::ptrdiff_t>(head * length + m_hidden));
      m_scratch.clear();
    }
    if (m_step == 0 && layer.value == 0) growMass();
    kernels::parallelFor(m_config.query_heads, m_options.threads, [&](std::size_t head, unsigned) {
      massOfHead(layer, static_cast<std::uint32_t>(head), probabilities.subspan(head * length, length));
    });
  }

  void massOfHead(LayerIndex layer, std::uint32_t head, std::span<const float> row) {
    const auto prompt = static_cast<std::uint32_t>(m_start.prompt_tokens);
    std::vector<std::uint32_t> sizes;
    std::vector<std::span<const TokenIndex>> kept;
    for (std::size_t b = 1; b < m_tracks.size(); ++b) {
      const policy::Decision& decision = m_start.branches[b].decision;
      kept.push_back(decision.kept(layer, head / (m_config.query_heads / decision.heads)));
      sizes.push_back(static_cast<std::uint32_t>(kept.back().size()));
    }
    const std::vector<double> best = analysis::oracleMass(row, prompt, sizes);
    for (std::size_t b = 1; b < m_tracks.size(); ++b) {
      const std::size_t cell = (std::size_t{m_step} * m_config.layers + layer.value) * m_config.query_heads + head;
      if (m_tracks[b].retained.size() <= cell) continue;  // this branch has stopped
      m_tracks[b].retained[cell] = static_cast<float>(analysis::retainedMass(row, prompt, kept[b - 1]));
      m_tracks[b].oracle[cell] = static_cast<float>(best[b - 1]);
    }
  }

  // Room for the step's mass of the branches that take part in it.
  void growMass() {
    const std::size_t size = (std::size_t{m_step} + 1) * m_config.layers * m_config.query_heads;
    for (std::size_t b = 1; b < m_tracks.size(); ++b) {
      if (!m_states[b].active) continue;
      m_tracks[b].retained.resize(size, kNotMeasured);
      m_tracks[b].oracle.resize(size, kNotMeasured);
    }
  }

  void measureKl(std::span<const float> logits, std::size_t vocab) {
    kernels::parallelFor(m_batch.size(), m_options.threads, [&](std::size_t i, unsigned) {
      const std::size_t branch = m_batch[i];
      if (branch == 0) return;
      const bool comparable = fullInBatch() && m_states[branch].with_full;
      m_tracks[branch].kl.push_back(
          comparable ? static_cast<float>(analysis::klDivergence(logits.first(vocab), logits.subspan(i * vocab, vocab))) : kNotMeasured);
    });
  }

  void noteParting() {
    if (m_options.follow == Follow::Full) return;
    for (std::size_t b = 1; b < m_states.size(); ++b)
      if (m_tracks[b].ids != m_tracks[0].ids) m_states[b].with_full = false;
  }

  const Decoder& m_decoder;
  const ModelConfig& m_config;
  const DecodeStart& m_start;
  const DecodeOptions& m_options;
  std::vector<DecodeTrack> m_tracks;
  std::vector<State> m_states;
  std::vector<std::size_t> m_batch;  // active branches, ascending: full first
  std::vector<float> m_full_row, m_scratch;
  std::size_t m_hidden = 0;
  std::uint32_t m_step = 0;
};

}  // namespace

std::vector<DecodeTrack> decodeBranches(const Decoder& decoder, const DecodeStart& start, const DecodeOptions& options,
                                        const WorkContext& work) {
  return DecodeLoop(decoder, start, options).run(work);
}

}  // namespace kvatlas::capture
