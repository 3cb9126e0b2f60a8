// The branches' keys and values in host memory, f32, each list an array of its own.
#pragma once

#include <vector>

#include "capture/session/branch_store.h"
#include "capture/session/page_rows.h"
#include "kernels/ragged_decode.h"

namespace kvatlas::capture {

class HostStore final : public BranchStore {
 public:
  explicit HostStore(StoreRequest request);

  void gather(const at::Tensor& key, const at::Tensor& value, std::span<double> seconds) override;
  void beginStep(std::span<const std::size_t> batch, const StepWatch& watch, std::uint32_t tokens) override;
  void append(LayerIndex layer, const at::Tensor& key, const at::Tensor& value) override;
  [[nodiscard]] at::Tensor attend(LayerIndex layer, const at::Tensor& query, WatchedRows& rows) override;
  [[nodiscard]] std::span<const std::uint32_t> readRows(std::size_t branch, std::uint32_t query_head) const override;
  [[nodiscard]] const TopKeys& topKeys() override { return m_top; }
  void edit(std::size_t branch, LayerIndex layer, std::uint32_t head, policy::RowRange rows,
            const Change& change) override;
  [[nodiscard]] bool editsAtOnce() const override { return true; }
  void compact(std::span<const BranchRows> given_up) override;

 private:
  struct List {
    std::vector<float> key, value;  // [rows, d]
  };
  // One query of a step: of the token-th token of the i-th branch of the batch, to one of its lists.
  struct Place {
    std::size_t i = 0;
    std::uint32_t token = 0, head = 0;
  };
  [[nodiscard]] kernels::DecodeSegment segmentOf(LayerIndex layer, const Place& place, const at::Tensor& query,
                                                 const at::Tensor& output);
  void choosePages(LayerIndex layer, const at::Tensor& query);
  // Null where the queries of a list read all that they see.
  [[nodiscard]] const PageRows* pagesOf(std::size_t branch, std::uint32_t head) const;
  void rank(LayerIndex layer, const WatchedRows& rows);
  void gatherBranch(std::size_t branch, const at::Tensor& key, const at::Tensor& value, LayerIndex layer);
  [[nodiscard]] std::uint32_t kvHeadOf(std::size_t branch, std::uint32_t stored) const {
    return stored / (m_request.held[branch].heads() / m_request.config.kv_heads);
  }

  StoreRequest m_request;
  std::vector<std::vector<List>> m_lists;  // [branches][layers, stored heads]
  std::vector<std::size_t> m_batch;
  std::uint32_t m_tokens = 1;                  // of each branch in a step
  std::vector<std::vector<PageRows>> m_pages;  // [branches][stored heads] of the layer attended last
  TopKeys m_top;
  WatchedRows m_ranked;  // of branches that give their keys with most, but not all probabilities
};

}  // namespace kvatlas::capture
