// The branches' caches and their decoding attention on the device where each layer lies, so that only ids, indices and
// measured rows cross the bus. Knows no method, no file.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "capture/model/config.h"
#include "capture/session/watched_rows.h"
#include "kernels/cuda/cuda_loader.h"

namespace kvatlas::capture {

class DeviceBranches {
 public:
  // `reserve` generated tokens at most. The branches' decisions have to live as long.
  DeviceBranches(const kernels::CudaLibrary& library, const ModelConfig& config, std::span<const Branch> branches,
                 std::uint64_t prompt_tokens, std::uint32_t reserve);

  // Gathers every branch's rows of the next layer; once per layer, in order. key, value: [kv_heads, N, d], contiguous.
  void addLayer(const at::Tensor& key, const at::Tensor& value);

  // Begins a step of these branches (ascending) at `position`: what all layers need is uploaded without waiting.
  // The first `watched` of them also write their probabilities.
  void beginStep(std::span<const std::size_t> batch, std::uint64_t position, std::size_t watched);
  // Appends the new token and attends: query [B, query_heads, d], key and value [B, kv_heads, d]; [B, query_heads, d],
  // valid until the next call.
  [[nodiscard]] at::Tensor attend(LayerIndex layer, const at::Tensor& query, const at::Tensor& key,
                                  const at::Tensor& value);

  // Of the last attend: what the watched branches wrote, f32 on the layer's device, as WatchedRows lays it out.
  [[nodiscard]] const at::Tensor& probabilities() const { return m_probabilities; }

 private:
  struct Layer {
    at::Tensor key, value;            // [rows, d]: list after list, each with room for the generated tokens
    std::vector<std::size_t> starts;  // [branches, stored heads]
  };
  // What a step needs of one layer, on its device.
  struct StepLayer {
    at::Tensor segments;   // bytes of KvatlasCudaSegment [lists]
    at::Tensor append_to;  // i64 [lists] rows of the arena
    std::size_t longest = 0;
    std::int64_t watched = 0;  // probabilities
  };

  [[nodiscard]] std::uint32_t storedHeads(std::size_t branch) const { return m_branches[branch].decision.heads; }
  [[nodiscard]] std::uint32_t kvHeadOf(std::size_t branch, std::uint32_t stored) const {
    return stored / (storedHeads(branch) / m_config.kv_heads);
  }
  // Rows that a stored head of a layer holds, and how many of them its queries see at `position`.
  struct Rows {
    std::size_t held = 0, visible = 0;
  };
  [[nodiscard]] Rows rowsOf(std::size_t branch, std::size_t layer, std::uint32_t head, std::uint64_t position) const;
  [[nodiscard]] std::int64_t watchedProbabilities(std::size_t layer, std::uint64_t position) const;
  void makeRoom(const at::Tensor& like, std::int64_t probabilities);
  void fillStep(std::size_t layer, std::uint64_t position, std::vector<KvatlasCudaSegment>& segments,
                std::vector<std::int64_t>& append_to, std::size_t& longest);

  const kernels::CudaLibrary& m_library;
  const ModelConfig& m_config;
  std::span<const Branch> m_branches;
  std::uint64_t m_prompt_tokens;
  std::uint32_t m_reserve;
  std::vector<Layer> m_layers;
  std::vector<std::uint32_t> m_generated;  // [branches] tokens appended, the current step's included
  std::vector<std::size_t> m_batch;
  std::vector<StepLayer> m_step;        // [layers]
  std::vector<std::int64_t> m_sources;  // row of [B, kv_heads] that each list appends
  struct Buffers {
    at::Tensor query, output, probabilities, sources;
  };
  std::vector<Buffers> m_buffers;  // [layers], shared by layers of one device
  at::Tensor m_probabilities;
  std::size_t m_most_rows = 0, m_watched = 0;
};

}  // namespace kvatlas::capture
