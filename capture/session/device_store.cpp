#include "capture/session/device_store.h"

#include <ATen/ops/clone.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <chrono>
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

DeviceStore::DeviceStore(const kernels::CudaLibrary& library, StoreRequest request)
    : m_library(library), m_request(std::move(request)), m_config(m_request.config) {
  for (std::size_t branch = 0; branch < m_request.held.size(); ++branch)
    m_most_rows = std::max<std::size_t>(m_most_rows, m_config.query_heads / storedHeads(branch));
  const std::uint64_t prompt_tokens = m_request.held.front().promptTokens();
  if (m_config.kv_heads * prompt_tokens > std::numeric_limits<std::uint32_t>::max())
    fail("decoding on the device: {} tokens × {} heads are more rows than can be numbered", prompt_tokens,
         m_config.kv_heads);
}

// Rows of [rows, d] by their numbers (i32), as a new tensor.
at::Tensor DeviceStore::gathered(const at::Tensor& source, const at::Tensor& numbers) const {
  const at::Tensor target = at::empty({numbers.numel(), m_config.head_dim}, source.options());
  check(m_library.gather(source.const_data_ptr(), static_cast<const std::uint32_t*>(numbers.const_data_ptr()),
                         static_cast<std::uint64_t>(numbers.numel()), m_config.head_dim * source.element_size(),
                         target.mutable_data_ptr(), streamOf(source)));
  return target;
}

void DeviceStore::gather(const at::Tensor& key, const at::Tensor& value, std::span<double> seconds) {
  const auto start = std::chrono::steady_clock::now();
  const c10::DeviceGuard guard(key.device());
  Layer layer;
  std::vector<std::uint32_t> rows;  // of [kv_heads · N]
  const LayerIndex index{static_cast<std::uint32_t>(m_layers.size())};
  for (std::size_t b = 0; b < m_request.held.size(); ++b) {
    for (std::uint32_t head = 0; head < storedHeads(b); ++head) {
      layer.starts.push_back(rows.size());
      const auto first = static_cast<std::uint32_t>(kvHeadOf(b, head) * m_request.held[b].promptTokens());
      const cache::HeldList kept = m_request.held[b].list(index, head);
      for (std::uint32_t row = 0; row < kept.size(); ++row) rows.push_back(first + kept[row]);
      rows.resize(rows.size() + m_request.reserve[b], first);  // room: whatever lies there is never read
    }
  }
  const at::Tensor numbers = uploaded(rows, at::kInt, key.device());
  if (key.is_cuda()) check(m_library.use_device(key.device().index()));
  layer.key = gathered(key, numbers);
  layer.value = gathered(value, numbers);
  m_layers.push_back(std::move(layer));
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  for (double& branch : seconds) branch += spent.count() / static_cast<double>(seconds.size());
}

// Query, output and probabilities of a step lie at fixed addresses, so that all segments can be written beforehand.
void DeviceStore::makeRoom(const at::Tensor& like, std::int64_t probabilities) {
  const auto shared =
      std::ranges::find_if(m_buffers, [&](const Buffers& buffers) { return buffers.query.device() == like.device(); });
  if (shared != m_buffers.end()) {
    const Buffers found = *shared;
    m_buffers.push_back(found);
    return;
  }
  const std::int64_t heads = m_config.query_heads, d = m_config.head_dim;
  const auto tokens = static_cast<std::int64_t>(m_batch.size() * m_tokens);
  const at::Tensor query = at::empty({tokens, heads, d}, like.options());
  Buffers buffers{query, at::empty(query.sizes(), like.options()), {}, uploaded(m_sources, at::kLong, like.device())};
  buffers.probabilities = at::empty({probabilities}, like.options().dtype(at::kFloat));
  m_buffers.push_back(std::move(buffers));
}

std::size_t DeviceStore::firstList(std::size_t branch) const {
  std::size_t list = 0;
  for (std::size_t before = 0; before < branch; ++before) list += storedHeads(before);
  return list;
}

VisibleRows DeviceStore::rowsOf(std::size_t branch, std::size_t layer, std::uint32_t head, StepToken token) const {
  const cache::HeldTokens& held = m_request.held[branch];
  return visibleRows(held, held.list(LayerIndex(layer), head), token, m_config.sliding_window);
}

bool DeviceStore::isWatched(std::size_t branch) const {
  return std::ranges::binary_search(m_watched, branch);
}

std::int64_t DeviceStore::watchedProbabilities(std::size_t layer) const {
  std::size_t count = 0;
  for (const std::size_t b : m_watched)
    for (std::uint32_t head = 0; head < storedHeads(b); ++head)
      for (std::uint32_t token = 0; token < m_tokens; ++token)
        count += m_config.query_heads / storedHeads(b) * rowsOf(b, layer, head, {token, m_tokens}).visible;
  return static_cast<std::int64_t>(count);
}

void DeviceStore::fillStep(std::size_t layer, std::vector<KvatlasCudaSegment>& segments,
                           std::vector<std::int64_t>& append_to, std::size_t& longest) {
  const Layer& from = m_layers[layer];
  const Buffers& buffers = m_buffers[layer];
  const std::size_t row_bytes = m_config.head_dim * from.key.element_size();
  float* probabilities = buffers.probabilities.mutable_data_ptr<float>();
  for (std::size_t i = 0; i < m_batch.size() * m_tokens; ++i) {
    const std::size_t b = m_batch[i / m_tokens], list = firstList(b), rows = m_config.query_heads / storedHeads(b);
    const bool watched = isWatched(b);
    for (std::uint32_t head = 0; head < storedHeads(b); ++head) {
      const std::size_t start = from.starts[list + head];
      const VisibleRows seen = rowsOf(b, layer, head, {static_cast<std::uint32_t>(i % m_tokens), m_tokens});
      const std::size_t first = start + seen.hidden, visible = seen.visible;
      append_to.push_back(static_cast<std::int64_t>(first + visible - 1));
      const std::size_t query = i * m_config.query_heads + head * rows;
      segments.push_back({at_row(buffers.query, query, row_bytes), at_row(from.key, first, row_bytes),
                          at_row(from.value, first, row_bytes), at_row(buffers.output, query, row_bytes),
                          watched ? probabilities : nullptr, rows, visible});
      if (watched) probabilities += rows * visible;
      longest = std::max(longest, visible);
    }
  }
}

void DeviceStore::beginStep(std::span<const std::size_t> batch, std::span<const std::size_t> watched,
                            std::uint32_t tokens) {
  m_tokens = tokens;
  m_batch.assign(batch.begin(), batch.end());
  m_watched.assign(watched.begin(), watched.end());
  m_sources.clear();
  for (std::size_t i = 0; i < m_batch.size() * m_tokens; ++i) {
    const std::size_t branch = m_batch[i / m_tokens];
    for (std::uint32_t head = 0; head < storedHeads(branch); ++head)
      m_sources.push_back(static_cast<std::int64_t>(i * m_config.kv_heads + kvHeadOf(branch, head)));
  }
  std::vector<std::int64_t> probabilities;
  for (std::size_t layer = 0; layer < m_layers.size(); ++layer) probabilities.push_back(watchedProbabilities(layer));
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
    fillStep(layer, segments, append_to, step.longest);
    step.segments = uploaded(segments, at::kByte, key.device());
    step.append_to = uploaded(append_to, at::kLong, key.device());
    m_step.push_back(std::move(step));
  }
}

void DeviceStore::append(LayerIndex layer, const at::Tensor& key, const at::Tensor& value) {
  const c10::DeviceGuard guard(key.device());
  Layer& to = m_layers[layer.value];
  const StepLayer& step = m_step[layer.value];
  const auto add = [&](at::Tensor& arena, const at::Tensor& rows) {
    const at::Tensor flat = rows.reshape({-1, m_config.head_dim});
    arena.index_copy_(0, step.append_to, at::index_select(flat, 0, m_buffers[layer.value].sources));
  };
  add(to.key, key);
  add(to.value, value);
}

at::Tensor DeviceStore::attend(LayerIndex layer, const at::Tensor& query, WatchedRows& rows) {
  const c10::DeviceGuard guard(query.device());
  const StepLayer& step = m_step[layer.value];
  const Buffers& buffers = m_buffers[layer.value];
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
  rows.layOut(layer);
  if (rows.room().empty()) return buffers.output;
  DeviceCopies copies;
  copies.add(buffers.probabilities.narrow(0, 0, step.watched), rows.room().data());
  copies.start();
  copies.finish();
  return buffers.output;
}

void DeviceStore::edit(std::size_t branch, LayerIndex layer, std::uint32_t head, policy::RowRange rows,
                       const Change& change) {
  Layer& of = m_layers[layer.value];
  const c10::DeviceGuard guard(of.key.device());
  const auto first = static_cast<std::int64_t>(of.starts[firstList(branch) + head] + rows.first);
  const auto onHost = [&](const at::Tensor& arena) {
    return at::clone(arena.narrow(0, first, rows.count).to(at::kCPU, at::kFloat), at::MemoryFormat::Contiguous);
  };
  at::Tensor key = onHost(of.key), value = onHost(of.value);
  const auto numbers = [](at::Tensor& tensor) {
    return std::span(tensor.mutable_data_ptr<float>(), static_cast<std::size_t>(tensor.numel()));
  };
  change({numbers(key), numbers(value)});
  of.key.narrow(0, first, rows.count).copy_(key);
  of.value.narrow(0, first, rows.count).copy_(value);
}

void DeviceStore::compact(std::span<const BranchRows> given_up) {
  for (std::size_t layer = 0; layer < m_layers.size(); ++layer) {
    Layer& of = m_layers[layer];
    const c10::DeviceGuard guard(of.key.device());
    std::vector<std::uint32_t> from;
    std::vector<std::int64_t> to;
    for (const BranchRows& branch : given_up) moves(branch, layer, from, to);
    if (from.empty()) continue;
    const at::Tensor sources = uploaded(from, at::kInt, of.key.device()),
                     targets = uploaded(to, at::kLong, of.key.device());
    if (of.key.is_cuda()) check(m_library.use_device(of.key.device().index()));
    // Sources and targets overlap: the rows that move are gathered before any is written.
    for (at::Tensor* arena : {&of.key, &of.value}) arena->index_copy_(0, targets, gathered(*arena, sources));
  }
}

// The rows of the arena that move up where others are given up.
void DeviceStore::moves(const BranchRows& branch, std::size_t layer, std::vector<std::uint32_t>& from,
                        std::vector<std::int64_t>& to) const {
  const std::uint32_t heads = storedHeads(branch.branch);
  for (std::uint32_t head = 0; head < heads; ++head) {
    const std::vector<std::uint32_t>& gone = branch.rows[layer * heads + head];
    if (gone.empty()) continue;
    const std::size_t start = m_layers[layer].starts[firstList(branch.branch) + head];
    const std::uint32_t held = m_request.held[branch.branch].list(LayerIndex(layer), head).size();
    std::size_t next = 1, target = start + gone.front();
    for (std::uint32_t row = gone.front() + 1; row < held; ++row) {
      if (next < gone.size() && gone[next] == row) {
        ++next;
        continue;
      }
      from.push_back(static_cast<std::uint32_t>(start + row));
      to.push_back(static_cast<std::int64_t>(target++));
    }
  }
}

}  // namespace kvatlas::capture
