// The branches' keys and values on the device where each layer lies, so that only ids, indices and watched rows cross
// the bus.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "capture/session/branch_store.h"
#include "kernels/cuda/cuda_loader.h"

namespace kvatlas::capture {

class DeviceStore final : public BranchStore {
 public:
  DeviceStore(const kernels::CudaLibrary& library, StoreRequest request);

  // All branches at once: each has an equal share of the time.
  void gather(const at::Tensor& key, const at::Tensor& value, std::span<double> seconds) override;
  // What all layers need is uploaded without waiting.
  void beginStep(std::span<const std::size_t> batch, std::span<const std::size_t> watched,
                 std::uint32_t tokens) override;
  void append(LayerIndex layer, const at::Tensor& key, const at::Tensor& value) override;
  // Waits for the probabilities of the watched branches and nothing else.
  [[nodiscard]] at::Tensor attend(LayerIndex layer, const at::Tensor& query, WatchedRows& rows) override;
  // Through the host: the rows are copied there and back.
  void edit(std::size_t branch, LayerIndex layer, std::uint32_t head, policy::RowRange rows,
            const Change& change) override;
  [[nodiscard]] bool editsAtOnce() const override { return false; }
  // Queued on each layer's device; waits for nothing.
  void compact(std::span<const BranchRows> given_up) override;

 private:
  struct Layer {
    at::Tensor key, value;            // [rows, d]: list after list, each with room for the generated tokens
    std::vector<std::size_t> starts;  // [branches, stored heads]
  };
  // What a step needs of one layer, on its device.
  struct StepLayer {
    at::Tensor segments;   // bytes of KvatlasCudaSegment [tokens · lists]
    at::Tensor append_to;  // i64 [tokens · lists] rows of the arena
    std::size_t longest = 0;
    std::int64_t watched = 0;  // probabilities
  };

  [[nodiscard]] std::uint32_t storedHeads(std::size_t branch) const { return m_request.held[branch].heads(); }
  [[nodiscard]] std::uint32_t kvHeadOf(std::size_t branch, std::uint32_t stored) const {
    return stored / (storedHeads(branch) / m_config.kv_heads);
  }
  // Of all branches before.
  [[nodiscard]] std::size_t firstList(std::size_t branch) const;
  // The rows of a stored head of a layer that a token's queries see.
  [[nodiscard]] VisibleRows rowsOf(std::size_t branch, std::size_t layer, std::uint32_t head, StepToken token) const;
  [[nodiscard]] std::int64_t watchedProbabilities(std::size_t layer) const;
  [[nodiscard]] bool isWatched(std::size_t branch) const;
  void makeRoom(const at::Tensor& like, std::int64_t probabilities);
  void fillStep(std::size_t layer, std::vector<KvatlasCudaSegment>& segments, std::vector<std::int64_t>& append_to,
                std::size_t& longest);
  void moves(const BranchRows& branch, std::size_t layer, std::vector<std::uint32_t>& from,
             std::vector<std::int64_t>& to) const;
  [[nodiscard]] at::Tensor gathered(const at::Tensor& source, const at::Tensor& numbers) const;

  const kernels::CudaLibrary& m_library;
  StoreRequest m_request;
  const ModelConfig& m_config;
  std::vector<Layer> m_layers;
  std::vector<std::size_t> m_batch, m_watched;
  std::uint32_t m_tokens = 1;           // of each branch in a step
  std::vector<StepLayer> m_step;        // [layers]
  std::vector<std::int64_t> m_sources;  // row of [B · tokens, kv_heads] that each list appends
  struct Buffers {
    at::Tensor query, output, probabilities, sources;
  };
  std::vector<Buffers> m_buffers;  // [layers], shared by layers of one device
  std::size_t m_most_rows = 0;
};

}  // namespace kvatlas::capture
