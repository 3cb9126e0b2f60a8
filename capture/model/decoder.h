// The Llama-like decoder in plain ATen ops: prefill of one prompt, decoding steps of a batch of branches.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "capture/model/config.h"
#include "capture/model/load_options.h"
#include "capture/model/observer.h"
#include "core/base/expert_use.h"
#include "core/base/ids.h"
#include "core/base/progress.h"

namespace kvatlas::capture {

struct LayerCache {
  at::Tensor key, value;  // [kv_heads, N, d], post-RoPE keys, contiguous
};

struct PrefillResult {
  std::vector<LayerCache> cache;  // one per layer
  at::Tensor next_logits;         // [vocab] f32, host
  ExpertUse experts;              // of all tokens; empty without experts
};

// Attention of one decoding step of one layer: query [B, query_heads, d], key and value [B, kv_heads, d] of the new
// tokens (post-RoPE); returns [B, query_heads, d]. The callee owns the caches and appends the new tokens to them first.
using StepAttention =
    std::function<at::Tensor(LayerIndex, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value)>;

class Decoder {
 public:
  // Loads layer by layer with progress; weights already in `dtype` stay mapped from the file (no copy on the host).
  [[nodiscard]] static Decoder load(const std::filesystem::path& model_folder, const LoadOptions& options,
                                    const WorkContext& work);
  // Random weights of that shape, for benchmarks.
  [[nodiscard]] static Decoder random(const ModelConfig& config, const LoadOptions& options);
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  [[nodiscard]] const ModelConfig& config() const;
  [[nodiscard]] const LoadOptions& options() const;
  [[nodiscard]] static std::int64_t defaultRowChunk(const at::Device& device);  // 0: by the prompt's length
  // SHA-256 over name, size and safetensors header of each shard in name order.
  [[nodiscard]] const std::string& weightsFingerprint() const;

  // The whole prompt, layer by layer; projections and MLP in row chunks so that memory beyond weights, K/V and O(N) is
  // bounded.
  [[nodiscard]] PrefillResult prefill(std::span<const TokenId> ids, AttentionObserver* observer,
                                      const WorkContext& work) const;
  // [hidden, query_heads · d] of a layer's output projection, where the layer lies.
  [[nodiscard]] at::Tensor outputWeight(LayerIndex layer) const;
  // Logits of every position [N, vocab] f32: for tests and small prompts only.
  [[nodiscard]] at::Tensor allLogits(std::span<const TokenId> ids) const;
  // Tokens at their original positions, one or several of each branch: `attention` knows which row is whose. Logits
  // [B, vocab] f32 on the host, or only of `logit_rows`, ascending. prompt_tokens: for dynamic RoPE scaling.
  [[nodiscard]] at::Tensor step(std::span<const TokenId> ids, std::span<const std::uint64_t> positions,
                                std::uint64_t prompt_tokens, const StepAttention& attention) const;
  [[nodiscard]] at::Tensor step(std::span<const TokenId> ids, std::span<const std::uint64_t> positions,
                                std::uint64_t prompt_tokens, const StepAttention& attention,
                                std::span<const std::int64_t> logit_rows) const;

 private:
  struct Impl;
  explicit Decoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> m_impl;
};

}  // namespace kvatlas::capture
