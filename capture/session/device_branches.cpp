#include "capture/session/device_branches.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "capture/session/cuda_probe.h"
#include "capture/session/device_copies.h"
#include "core/base/error.h"

namespace kvatlas::capture {
namespace {

void check(const char* error) {
  if (error != nullptr) fail("decoding on the device failed: {}", error);
}

// The bytes of `values` on `device`.
template <class Value>
at::Tensor uploaded(const std::vector<Value>& values, at::ScalarType type, const at::Device& device) {
  const auto count = static_cast<std::int64_t>(values.size() * sizeof(Value) / c10::elementSize(type));
  const at::Tensor host = at::empty({count}, at::TensorOptions().dtype(type).pinned_memory(device.is_cuda()));
  if (!values.empty()) std::memcpy(host.mutable_data_ptr(), values.data(), values.size() * sizeof(Value));
  return host.to(device, /*non_blocking=*/true);
}

void* at_row(const at::Tensor& rows, std::size_t row, std::size_t row_bytes) {
  return static_cast<char*>(rows.mutable_data_ptr()) + row * row_bytes;
}

}  // namespace

DeviceBranches::DeviceBranches(const kernels::CudaLibrary& library, const ModelConfig& config,
                               std::span<const Branch> branches, std::uint64_t prompt_tokens, std::uint32_t reserve)
    : m_library(library),
      m_config(config),
      m_branches(branches),
      m_prompt_tokens(prompt_tokens),
      m_reserve(reserve),
      m_generated(branches.size(), 0) {
  for (const Branch& branch : branches)
    m_most_rows = std::max<std::size_t>(m_most_rows, config.query_heads / branch.decision.heads);
  if (config.kv_heads * prompt_tokens > std::numeric_limits<std::uint32_t>::max())
    fail("decoding on the device: {} tokens × {} heads are more rows than can be numbered", prompt_tokens,
         config.kv_heads);
}

void DeviceBranches::addLayer(const at::Tensor& key, const at::Tensor& value) {
  const c10::DeviceGuard guard(key.device());
  Layer layer;
  std::vector<std::uint32_t> rows;  // of [kv_heads · N]
  const LayerIndex index{static_cast<std::uint32_t>(m_layers.size())};
  for (std::size_t b = 0; b < m_branches.size(); ++b) {
    for (std::uint32_t head = 0; head < storedHeads(b); ++head) {
      layer.starts.push_back(rows.size());
      const auto first = static_cast<std::uint32_t>(kvHeadOf(b, head) * m_prompt_tokens);
      for (const TokenIndex position : m_branches[b].decision.kept(index, head)) rows.push_back(first + position);
      rows.resize(rows.size() + m_reserve, first);  // room: whatever lies there is never read
    }
  }
  const at::Tensor numbers = uploaded(rows, at::kInt, key.device());
  const std::size_t row_bytes = m_config.head_dim * key.element_size();
  if (key.is_cuda()) check(m_library.use_device(key.device().index()));
  const auto gathered = [&](const at::Tensor& source) {
    const at::Tensor target = at::empty({static_cast<std::int64_t>(rows.size()), m_config.head_dim}, source.options());
    check(m_library.gather(source.const_data_ptr(), static_cast<const std::uint32_t*>(numbers.const_data_ptr()),
                           rows.size(), row_bytes, target.mutable_data_ptr(), streamOf(source)));
    return target;
  };
  layer.key = gathered(key);
  layer.value = gathered(value);
  m_layers.push_back(std::move(layer));
}

// Query, output and probabilities of a step lie at fixed addresses, so that all segments can be written beforehand.
void DeviceBranches::makeRoom(const at::Tensor& like, std::int64_t probabilities) {
  const auto shared =
      std::ranges::find_if(m_buffers, [&](const Buffers& buffers) { return buffers.query.device() == like.device(); });
  if (shared != m_buffers.end()) {
    const Buffers found = *shared;
    m_buffers.push_back(found);
    return;
  }
  const std::int64_t heads = m_config.query_heads, d = m_config.head_dim;
  const at::Tensor query = at::empty({static_cast<std::int64_t>(m_batch.size()), heads, d}, like.options());
  Buffers buffers{query, at::empty(query.sizes(), like.options()), {}, uploaded(m_sources, at::kLong, like.device())};
  buffers.probabilities = at::empty({probabilities}, like.options().dtype(at::kFloat));
  m_buffers.push_back(std::move(buffers));
}

DeviceBranches::Rows DeviceBranches::rowsOf(std::size_t branch, std::size_t layer, std::uint32_t head,
                                            std::uint64_t position) const {
  const auto kept = m_branches[branch].decision.kept(LayerIndex{static_cast<std::uint32_t>(layer)}, head);
  const std::size_t held = kept.size() + m_generated[branch];
  return {held, held - hiddenRows(kept, m_generated[branch], m_prompt_tokens, position, m_config.sliding_window)};
}

std::int64_t DeviceBranches::watchedProbabilities(std::size_t layer, std::uint64_t position) const {
  std::size_t count = 0;
  for (const std::size_t b : std::span(m_batch).first(m_watched))
    for (std::uint32_t head = 0; head < storedHeads(b); ++head)
      count += m_config.query_heads / storedHeads(b) * rowsOf(b, layer, head, position).visible;
  return static_cast<std::int64_t>(count);
}

void DeviceBranches::fillStep(std::size_t layer, std::uint64_t position, std::vector<KvatlasCudaSegment>& segments,
                              std::vector<std::int64_t>& append_to, std::size_t& longest) {
  const Layer& from = m_layers[layer];
  const Buffers& buffers = m_buffers[layer];
  const std::size_t row_bytes = m_config.head_dim * from.key.element_size();
  float* probabilities = buffers.probabilities.mutable_data_ptr<float>();
  for (std::size_t i = 0; i < m_batch.size(); ++i) {
    const std::size_t b = m_batch[i];
    std::size_t list = 0;
    for (std::size_t before = 0; before < b; ++before) list += storedHeads(before);
    const std::size_t rows = m_config.query_heads / storedHeads(b);
    for (std::uint32_t head = 0; head < storedHeads(b); ++head) {
      const std::size_t start = from.starts[list + head];
      const auto [held, visible] = rowsOf(b, layer, head, position);
      const std::size_t first = start + held - visible;
      append_to.push_back(static_cast<std::int64_t>(start + held - 1));
      const std::size_t query = i * m_config.query_heads + head * rows;
      segments.push_back({at_row(buffers.query, query, row_bytes), at_row(from.key, first, row_bytes),
                          at_row(from.value, first, row_bytes), at_row(buffers.output, query, row_bytes),
                          i < m_watched ? probabilities : nullptr, rows, visible});
      if (i < m_watched) probabilities += rows * visible;
      longest = std::max(longest, visible);
    }
  }
}

void DeviceBranches::beginStep(std::span<const std::size_t> batch, std::uint64_t position, std::size_t watched) {
  m_batch.assign(batch.begin(), batch.end());
  m_watched = watched;
  m_sources.clear();
  for (std::size_t i = 0; i < m_batch.size(); ++i) {
    ++m_generated[m_batch[i]];
    for (std::uint32_t head = 0; head < storedHeads(m_batch[i]); ++head)
      m_sources.push_back(static_cast<std::int64_t>(i * m_config.kv_heads + kvHeadOf(m_batch[i], head)));
  }
  std::vector<std::int64_t> probabilities;
  for (std::size_t layer = 0; layer < m_layers.size(); ++layer)
    probabilities.push_back(watchedProbabilities(layer, position));
  const std::int64_t most = *std::ranges::max_element(probabilities);  // layers of a device share its buffers
  m_buffers.clear();
  m_step.clear();
  for (std::size_t layer = 0; layer < m_layers.size(); ++layer) {
    const at::Tensor& key = m_layers[layer].key;
    const c10::DeviceGuard guard(key.device());
    makeRoom(key, most);
    StepLayer step{.watched = probabilities[layer]};
    std::vector<KvatlasCudaSegment> segments;
    std::vector<std::int64_t> append_to;
    fillStep(layer, position, segments, append_to, step.longest);
    step.segments = uploaded(segments, at::kByte, key.device());
    step.append_to = uploaded(append_to, at::kLong, key.device());
    m_step.push_back(std::move(step));
  }
}

at::Tensor DeviceBranches::attend(LayerIndex layer, const at::Tensor& query, const at::Tensor& key,
                                  const at::Tensor& value) {
  const c10::DeviceGuard guard(query.device());
  Layer& to = m_layers[layer.value];
  const StepLayer& step = m_step[layer.value];
  const Buffers& buffers = m_buffers[layer.value];
  const auto append = [&](at::Tensor& arena, const at::Tensor& rows) {
    const at::Tensor flat = rows.reshape({-1, m_config.head_dim});
    arena.index_copy_(0, step.append_to, at::index_select(flat, 0, buffers.sources));
  };
  append(to.key, key);
  append(to.value, value);
  buffers.query.copy_(query);
  KvatlasCudaDecode decode{.segments = static_cast<const KvatlasCudaSegment*>(step.segments.const_data_ptr()),
                           .count = static_cast<std::uint64_t>(m_sources.size()),
                           .most_rows = m_most_rows,
                           .most_length = step.longest,
                           .head_dim = m_config.head_dim,
                           .scale = 1.0F / std::sqrt(static_cast<float>(m_config.head_dim)),
                           .element = elementOf(query),
                           .workspace = nullptr};
  const at::Tensor workspace =
      at::empty({static_cast<std::int64_t>(m_library.decode_workspace(&decode))}, query.options().dtype(at::kByte));
  decode.workspace = workspace.mutable_data_ptr();
  if (query.is_cuda()) check(m_library.use_device(query.device().index()));
  check(m_library.decode(&decode, streamOf(query)));
  m_probabilities = buffers.probabilities.narrow(0, 0, step.watched);
  return buffers.output;
}

}  // namespace kvatlas::capture
