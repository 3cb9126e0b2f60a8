// The branches' keys and values on the device where each layer lies, so that only ids, indices, watched rows and the
// keys with most cross the bus.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "capture/session/branch_store.h"
#include "capture/session/packed_arrays.h"
#include "kernels/cuda/cuda_loader.h"

namespace kvatlas::capture {

class DeviceStore final : public BranchStore {
 public:
  DeviceStore(const kernels::CudaLibrary& library, StoreRequest request);

  // All branches at once: each has an equal share of the time.
  void gather(const at::Tensor& key, const at::Tensor& value, std::span<double> seconds) override;
  // What all layers of a device need is uploaded at once, without waiting.
  void beginStep(std::span<const std::size_t> batch, const StepWatch& watch, std::uint32_t tokens) override;
  void append(LayerIndex layer, const at::Tensor& key, const at::Tensor& value) override;
  // Waits for watched probabilities and nothing else.
  [[nodiscard]] at::Tensor attend(LayerIndex layer, const at::Tensor& query, WatchedRows& rows) override;
  // Waits once per device.
  [[nodiscard]] const TopKeys& topKeys() override;
  // Through the host: the rows are copied there and back.
  void edit(std::size_t branch, LayerIndex layer, std::uint32_t head, policy::RowRange rows,
            const Change& change) override;
  [[nodiscard]] bool editsAtOnce() const override { return false; }
  // One launch per device for all layers; waits for nothing.
  void compact(std::span<const BranchRows> given_up) override;

 private:
  struct Layer {
    at::Tensor key, value;            // [rows, d]: list after list, each with room for the generated tokens
    std::vector<std::size_t> starts;  // [branches, stored heads]
  };
  // What a step needs of one layer: bytes of its place's arrays.
  struct StepLayer {
    std::size_t place = 0;
    std::size_t segments = 0;   // KvatlasCudaSegment [tokens · lists]
    std::size_t append_to = 0;  // i64 [tokens · lists] rows of the arena
    std::size_t ranked = 0;     // KvatlasCudaRow [rows of the keys with most]
    std::size_t longest = 0;
    std::int64_t watched = 0;  // probabilities
  };
  // Consecutive layers on one device. Query, output and probabilities of a step lie at fixed addresses, so that all
  // segments can be written beforehand.
  struct Place {
    std::uint32_t first = 0, layers = 0;
    std::size_t sources = 0;  // i64 [tokens · lists], in `arrays`
    at::Tensor query, output, probabilities;
    at::Tensor top;     // f32 [layers, rows, K, 2]: the words of KvatlasCudaTopEntry
    at::Tensor arrays;  // bytes
  };

  [[nodiscard]] std::uint32_t storedHeads(std::size_t branch) const { return m_request.held[branch].heads(); }
  [[nodiscard]] std::uint32_t kvHeadOf(std::size_t branch, std::uint32_t stored) const {
    return stored / (storedHeads(branch) / m_config.kv_heads);
  }
  // Of all branches before.
  [[nodiscard]] std::size_t firstList(std::size_t branch) const;
  // The rows of a stored head of a layer that a token's queries see.
  [[nodiscard]] VisibleRows rowsOf(std::size_t branch, std::size_t layer, std::uint32_t head, StepToken token) const;
  // What branches write down in a layer.
  [[nodiscard]] std::int64_t probabilitiesOf(std::span<const std::size_t> branches, std::size_t layer) const;
  [[nodiscard]] at::Tensor gathered(const at::Tensor& source, const at::Tensor& numbers) const;
  void useDeviceOf(const at::Tensor& tensor) const;

  [[nodiscard]] Place makePlace(std::uint32_t first) const;
  [[nodiscard]] StepLayer packLayer(std::size_t layer, const Place& place, PackedArrays& arrays) const;
  void rank(LayerIndex layer) const;
  // The lists of one layer that give rows up, each twice: keys and values.
  void addLists(const BranchRows& branch, std::size_t layer, std::vector<KvatlasCudaList>& lists,
                std::vector<std::uint32_t>& given_up) const;
  void compactOn(std::size_t first, std::size_t end, std::span<const BranchRows> given_up) const;

  const kernels::CudaLibrary& m_library;
  StoreRequest m_request;
  const ModelConfig& m_config;
  std::size_t m_most_rows = 0;
  std::vector<Layer> m_layers;
  // Of the step:
  std::vector<std::size_t> m_batch, m_watched;
  std::vector<std::size_t> m_only_ranked;  // give their keys with most, but not all probabilities
  std::uint32_t m_tokens = 1;              // of each branch
  std::vector<std::int64_t> m_sources;     // row of [B · tokens, kv_heads] that each list appends
  std::vector<Place> m_places;
  std::vector<StepLayer> m_step;  // [layers]
  TopKeys m_top;
};

}  // namespace kvatlas::capture
