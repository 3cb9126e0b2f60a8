// The store behind the device's border (CPU kernels behind it, or the CUDA sources emulated) against the host's, step
// by step and through evictions.
#include "capture/session/device/device_store.h"

#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <random>

#include "capture/session/device/host_waits.h"
#include "capture/session/host_store.h"
#include "tests/capture/session/host_cuda_library.h"

namespace kvatlas::capture::test {
namespace {

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
    m_decisions.push_back(decision);
  }

  // Which of its rows a list gives up after a step; the lists of one branch stay equally long.
  [[nodiscard]] cache::ListRows someRows(const cache::HeldTokens& held) {
    cache::ListRows rows;
    for (std::uint32_t list = 0; list < kLayers * held.heads(); ++list) {
      const std::uint32_t size = held.list(LayerIndex(list / held.heads()), list % held.heads()).size();
      std::vector<std::uint32_t>& given_up = rows.emplace_back();
      for (std::uint32_t row = 0; row + 1 < size; ++row)
        if (m_random() % 4 == 0) given_up.push_back(row);
    }
    return rows;
  }

  static void expectSame(std::span<const float> device, std::span<const float> host) {
    ASSERT_EQ(device.size(), host.size());
    for (std::size_t i = 0; i < host.size(); ++i) ASSERT_NEAR(device[i], host[i], hostCudaTolerance()) << i;
  }
  static std::span<const float> valuesOf(const at::Tensor& tensor) {
    return {tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
  }

  static void expectSameTop(const TopKeys& device, const TopKeys& host, const std::vector<std::size_t>& ranked) {
    EXPECT_TRUE(std::ranges::equal(host.branches(), ranked));
    for (std::uint32_t layer = 0; layer < kLayers; ++layer)
      for (std::size_t i = 0; i < ranked.size(); ++i)
        for (std::uint32_t head = 0; head < kQueryHeads; ++head) {
          const LayerIndex of{layer};
          for (std::size_t k = 0; k < kAttendedKeys; ++k) {
            const kernels::TopEntry &a = device.row(of, i, 0, head)[k], &b = host.row(of, i, 0, head)[k];
            EXPECT_EQ(a.column, b.column) << k;
            EXPECT_NEAR(a.value, b.value, hostCudaTolerance()) << k;
          }
          EXPECT_GT(host.row(of, i, 0, head).front().value, 0.0F);
        }
  }

  ModelConfig m_config;
  std::vector<policy::Decision> m_decisions;
  std::vector<at::Tensor> m_key, m_value;
  std::mt19937 m_random{5};
};

TEST_P(Decoding, isWhatTheHostDecodes) {
  std::vector<cache::HeldTokens> held;
  for (const policy::Decision& decision : m_decisions) held.emplace_back(decision, kTokens);
  const StoreRequest request{.config = m_config, .held = held, .reserve = {kReserve, kReserve, kReserve}, .threads = 1};
  DeviceStore device(makeHostCudaLibrary(), request);
  HostStore host(request);
  std::vector<double> seconds(held.size(), 0.0);
  for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
    device.gather(m_key[layer], m_value[layer], seconds);
    host.gather(m_key[layer], m_value[layer], seconds);
  }
  EXPECT_EQ(hostCudaBehaviour().gathers, 4) << "keys and values, once per layer";
  WatchedRows device_rows(m_config, held), host_rows(m_config, held);
  // The second branch stops after two steps, the full one after three; others are watched each time.
  const std::vector<std::vector<std::size_t>> batches = {{0, 1, 2}, {0, 1, 2}, {0, 2}, {2}, {2}},
                                              watched = {{0, 1, 2}, {0, 2}, {}, {2}, {}},
                                              ranked = {{0, 1, 2}, {1, 2}, {0, 2}, {}, {2}};
  for (std::size_t step = 0; step < batches.size(); ++step) {
    const auto& batch = batches[step];
    for (const std::size_t branch : batch) held[branch].append();
    device_rows.beginStep(watched[step]);
    host_rows.beginStep(watched[step]);
    const StepWatch watch{watched[step], ranked[step]};
    device.beginStep(batch, watch, 1);
    host.beginStep(batch, watch, 1);
    const std::size_t waits = host_waits;
    for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
      const auto count = static_cast<std::int64_t>(batch.size());
      const at::Tensor q = at::randn({count, kQueryHeads, kDim}), k = at::randn({count, kKvHeads, kDim}),
                       v = at::randn({count, kKvHeads, kDim});
      device.append(LayerIndex{layer}, k, v);
      host.append(LayerIndex{layer}, k, v);
      const at::Tensor actual = device.attend(LayerIndex{layer}, q, device_rows);
      SCOPED_TRACE(testing::Message() << "step " << step << ", layer " << layer);
      expectSame(valuesOf(actual), valuesOf(host.attend(LayerIndex{layer}, q, host_rows)));
      expectSame(device_rows.room(), host_rows.room());
      EXPECT_EQ(host_rows.room().empty(), watched[step].empty());
    }
    expectSameTop(device.topKeys(), host.topKeys(), ranked[step]);
    EXPECT_EQ(host_waits - waits, (watched[step].empty() ? 0 : kLayers) + (ranked[step].empty() ? 0 : 1))
        << "for the probabilities of a layer, and once for all keys with most";
    if (step % 2 == 1) continue;
    std::vector<BranchRows> given_up;
    for (const std::size_t branch : batch)
      if (branch > 0) given_up.push_back({branch, someRows(held[branch])});
    const std::size_t waits_before = host_waits;
    device.compact(given_up);
    EXPECT_EQ(host_waits, waits_before) << "nothing is waited for";
    host.compact(given_up);
    for (const BranchRows& of : given_up)
      for (std::uint32_t list = 0; list < of.rows.size(); ++list) {
        const std::uint32_t heads = held[of.branch].heads();
        held[of.branch].evict(1, LayerIndex(list / heads), list % heads, of.rows[list],
                              cache::EvictionReason::LowScore);
      }
  }
  EXPECT_EQ(hostCudaBehaviour().decodes, 10) << "one kernel per layer and step";
  EXPECT_EQ(hostCudaBehaviour().tops, 4 * 2) << "one per layer and step that ranks keys";
  EXPECT_EQ(hostCudaBehaviour().gathers, 4);
  EXPECT_EQ(hostCudaBehaviour().compactions, 3) << "one launch for all layers where rows are given up";
}

INSTANTIATE_TEST_SUITE_P(Shapes, Decoding,
                         testing::Values(Shape{0, policy::Granularity::KvHead},
                                         Shape{0, policy::Granularity::QueryHead},
                                         Shape{7, policy::Granularity::KvHead},
                                         Shape{3, policy::Granularity::QueryHead}));

}  // namespace
}  // namespace kvatlas::capture::test
