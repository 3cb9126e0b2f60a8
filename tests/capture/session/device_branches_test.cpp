// Branches decoded through the device's border (CPU kernels behind it) against the host's caches.
#include "capture/session/device_branches.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "capture/session/branch_cache.h"
#include "tests/capture/session/host_cuda_library.h"

namespace kvatlas::capture::test {
namespace {

TEST(DeviceBranches, hiddenRowsAreThoseOutsideTheWindow) {
  const std::vector<TokenIndex> kept = {0, 1, 5, 8, 9};
  for (const std::uint64_t window : {0, 1, 3, 4, 8, 100}) {
    for (std::uint64_t generated = 1; generated < 8; ++generated) {
      const std::uint64_t position = 10 + generated - 1;
      std::vector<std::uint64_t> all(kept.begin(), kept.end());
      for (std::uint64_t i = 0; i < generated; ++i) all.push_back(10 + i);
      const auto hidden = static_cast<std::size_t>(
          std::ranges::count_if(all, [&](std::uint64_t at) { return window > 0 && at + window <= position; }));
      EXPECT_EQ(hiddenRows(kept, generated, 10, position, window), hidden) << window << " " << generated;
    }
  }
}

struct Shape {
  std::uint64_t window;
  policy::Granularity granularity;
};
class Decoding : public testing::TestWithParam<Shape> {
 protected:
  static constexpr std::uint32_t kLayers = 2, kQueryHeads = 4, kKvHeads = 2, kDim = 8, kTokens = 30, kReserve = 5;

  Decoding() {
    m_config.layers = kLayers;
    m_config.query_heads = kQueryHeads;
    m_config.kv_heads = kKvHeads;
    m_config.head_dim = kDim;
    m_config.sliding_window = GetParam().window;
    const std::uint32_t stored = GetParam().granularity == policy::Granularity::KvHead ? kKvHeads : kQueryHeads;
    addBranch(kKvHeads, 1, 0);
    addBranch(stored, 3, 1);
    addBranch(kKvHeads, 2, 0);
    for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
      m_key.push_back(at::randn({kKvHeads, kTokens, kDim}));
      m_value.push_back(at::randn({kKvHeads, kTokens, kDim}));
    }
  }

  // Keeps every step-th position of each list, a different one per list; step 1: everything.
  void addBranch(std::uint32_t heads, std::uint32_t step, std::uint32_t shift) {
    policy::Decision decision;
    decision.layers = kLayers;
    decision.heads = heads;
    decision.offsets = {0};
    for (std::uint32_t list = 0; list < kLayers * heads; ++list) {
      for (std::uint32_t t = (list * shift) % step; t < kTokens; t += step) decision.positions.push_back(t);
      decision.offsets.push_back(decision.positions.size());
    }
    Branch branch;
    branch.decision = decision;
    m_branches.push_back(branch);
  }

  [[nodiscard]] BranchCache hostCache(const Branch& branch) const {
    BranchCache cache({.query_heads = kQueryHeads,
                       .kv_heads = kKvHeads,
                       .head_dim = kDim,
                       .stored_heads = branch.decision.heads,
                       .sliding_window = GetParam().window,
                       .reserve = kReserve});
    for (std::uint32_t layer = 0; layer < kLayers; ++layer)
      cache.addLayer(m_key[layer], m_value[layer], branch.decision, LayerIndex{layer});
    return cache;
  }

  ModelConfig m_config;
  std::vector<Branch> m_branches;
  std::vector<at::Tensor> m_key, m_value;
};

TEST_P(Decoding, isWhatTheHostDecodes) {
  DeviceBranches device(makeHostCudaLibrary(), m_config, m_branches, kTokens, kReserve);
  std::vector<BranchCache> host;
  for (const Branch& branch : m_branches) host.push_back(hostCache(branch));
  for (std::uint32_t layer = 0; layer < kLayers; ++layer) device.addLayer(m_key[layer], m_value[layer]);
  // The second branch stops after two steps, the full one after three.
  const std::vector<std::vector<std::size_t>> batches = {{0, 1, 2}, {0, 1, 2}, {0, 2}, {2}, {2}};
  for (std::size_t step = 0; step < batches.size(); ++step) {
    const auto& batch = batches[step];
    const std::uint64_t position = kTokens + step;
    // All of them, the first, or none, in turn.
    const std::size_t watched = step % 3 == 0 ? batch.size() : step % 3 == 1 ? 1 : 0;
    device.beginStep(batch, position, watched);
    for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
      const auto count = static_cast<std::int64_t>(batch.size());
      const at::Tensor q = at::randn({count, kQueryHeads, kDim}), k = at::randn({count, kKvHeads, kDim}),
                       v = at::randn({count, kKvHeads, kDim});
      const at::Tensor actual = device.attend(LayerIndex{layer}, q, k, v);
      at::Tensor expected = at::empty_like(q);
      std::vector<kernels::DecodeSegment> segments;
      std::size_t watched_segments = 0;
      for (std::size_t i = 0; i < batch.size(); ++i) {
        BranchCache& cache = host[batch[i]];
        cache.append(LayerIndex{layer}, k.const_data_ptr<float>() + i * kKvHeads * kDim,
                     v.const_data_ptr<float>() + i * kKvHeads * kDim, position);
        cache.segments(LayerIndex{layer}, q.const_data_ptr<float>() + i * kQueryHeads * kDim,
                       expected.mutable_data_ptr<float>() + i * kQueryHeads * kDim, position, segments);
        if (i < watched) watched_segments = segments.size();
      }
      std::vector<std::vector<float>> rows;
      for (kernels::DecodeSegment& segment : std::span(segments).first(watched_segments)) {
        rows.emplace_back(segment.rows * segment.length);
        segment.probabilities = rows.back().data();
      }
      kernels::raggedDecodeAttention(segments, kDim, 1.0F / std::sqrt(static_cast<float>(kDim)), 1);
      EXPECT_TRUE(actual.equal(expected)) << "step " << step << ", layer " << layer;
      const at::Tensor p = device.probabilities().contiguous();
      std::vector<float> all;
      for (const std::vector<float>& row : rows) all.insert(all.end(), row.begin(), row.end());
      EXPECT_EQ(std::vector<float>(p.const_data_ptr<float>(), p.const_data_ptr<float>() + p.numel()), all);
    }
  }
  EXPECT_EQ(hostCudaBehaviour().gathers, 4) << "keys and values, once per layer";
  EXPECT_EQ(hostCudaBehaviour().decodes, 10) << "one kernel per layer and step";
}

INSTANTIATE_TEST_SUITE_P(Shapes, Decoding,
                         testing::Values(Shape{0, policy::Granularity::KvHead},
                                         Shape{0, policy::Granularity::QueryHead},
                                         Shape{7, policy::Granularity::KvHead},
                                         Shape{3, policy::Granularity::QueryHead}));

}  // namespace
}  // namespace kvatlas::capture::test
