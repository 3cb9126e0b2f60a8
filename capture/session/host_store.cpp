#include "capture/session/host_store.h"

#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>

#include "kernels/cache_gather.h"
#include "kernels/parallel.h"
#include "kernels/ragged_decode.h"

namespace kvatlas::capture {
namespace {

at::Tensor onHost(const at::Tensor& tensor) {
  return tensor.to(at::kCPU, at::kFloat).contiguous();
}

}  // namespace

HostStore::HostStore(StoreRequest request)
    : m_request(std::move(request)),
      m_lists(m_request.held.size()),
      m_top(m_request.config.layers, m_request.config.query_heads),
      m_ranked(m_request.config, m_request.held) {}

void HostStore::gather(const at::Tensor& key, const at::Tensor& value, std::span<double> seconds) {
  const at::Tensor k = onHost(key), v = onHost(value);
  for (std::size_t b = 0; b < m_lists.size(); ++b) {
    const auto start = std::chrono::steady_clock::now();
    gatherBranch(b, k, v, LayerIndex(m_lists[b].size() / m_request.held[b].heads()));
    seconds[b] += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
}

void HostStore::gatherBranch(std::size_t branch, const at::Tensor& key, const at::Tensor& value, LayerIndex layer) {
  const cache::HeldTokens& held = m_request.held[branch];
  const std::size_t row = m_request.config.head_dim, head_size = static_cast<std::size_t>(key.size(1)) * row;
  for (std::uint32_t head = 0; head < held.heads(); ++head) {
    const cache::HeldList kept = held.list(layer, head);
    const std::size_t source = kvHeadOf(branch, head) * head_size;
    const auto copy = [&](const at::Tensor& from, std::vector<float>& to) {
      const float* const first = from.const_data_ptr<float>() + source;
      to.reserve((std::size_t{kept.size()} + m_request.reserve[branch]) * row);
      if (kept.everything()) return void(to.assign(first, first + kept.size() * row));
      to.resize(kept.size() * row);
      kernels::gatherRows(first, kept.positions(), row * sizeof(float), to.data());
    };
    List& list = m_lists[branch].emplace_back();
    copy(key, list.key);
    copy(value, list.value);
  }
}

void HostStore::beginStep(std::span<const std::size_t> batch, const StepWatch& watch, std::uint32_t tokens) {
  m_batch.assign(batch.begin(), batch.end());
  m_tokens = tokens;
  m_top.beginStep(watch.top, tokens);
  std::vector<std::size_t> only_ranked;
  std::ranges::set_difference(watch.top, watch.probabilities, std::back_inserter(only_ranked));
  m_ranked.beginStep(only_ranked, tokens);
}

void HostStore::append(LayerIndex layer, const at::Tensor& key, const at::Tensor& value) {
  const at::Tensor k = onHost(key), v = onHost(value);
  const std::size_t row = m_request.config.head_dim, stride = m_request.config.kv_heads * row;
  for (std::size_t i = 0; i < m_batch.size() * m_tokens; ++i) {
    const std::size_t branch = m_batch[i / m_tokens];
    const std::uint32_t heads = m_request.held[branch].heads();
    for (std::uint32_t head = 0; head < heads; ++head) {
      List& list = m_lists[branch][layer.value * heads + head];
      const std::size_t source = i * stride + kvHeadOf(branch, head) * row;
      const auto add = [&](const at::Tensor& from, std::vector<float>& to) {
        const float* const first = from.const_data_ptr<float>() + source;
        to.insert(to.end(), first, first + row);
      };
      add(k, list.key);
      add(v, list.value);
    }
  }
}

at::Tensor HostStore::attend(LayerIndex layer, const at::Tensor& query, WatchedRows& rows) {
  const ModelConfig& config = m_request.config;
  const at::Tensor q = onHost(query);
  at::Tensor output = at::empty_like(q);
  rows.layOut(layer);
  m_ranked.layOut(layer);
  std::vector<kernels::DecodeSegment> segments;
  const std::size_t row = config.head_dim;
  float* probabilities = nullptr;
  for (std::size_t i = 0; i < m_batch.size() * m_tokens; ++i) {
    const std::size_t branch = m_batch[i / m_tokens];
    const StepToken token{static_cast<std::uint32_t>(i % m_tokens), m_tokens};
    const cache::HeldTokens& held = m_request.held[branch];
    const std::size_t readers = config.query_heads / held.heads();
    if (token.index == 0) {
      probabilities = rows.roomOf(branch);
      if (probabilities == nullptr) probabilities = m_ranked.roomOf(branch);
    }
    for (std::uint32_t head = 0; head < held.heads(); ++head) {
      const List& from = m_lists[branch][layer.value * held.heads() + head];
      const auto [hidden, visible] = visibleRows(held, held.list(layer, head), token, config.sliding_window);
      const std::size_t first = (i * config.query_heads + head * readers) * row;
      segments.push_back({.query = q.const_data_ptr<float>() + first,
                          .rows = readers,
                          .key = from.key.data() + hidden * row,
                          .value = from.value.data() + hidden * row,
                          .length = visible,
                          .output = output.mutable_data_ptr<float>() + first,
                          .probabilities = probabilities});
      if (probabilities != nullptr) probabilities += readers * segments.back().length;
    }
  }
  kernels::raggedDecodeAttention(segments, row, 1.0F / std::sqrt(static_cast<float>(row)), m_request.threads);
  rank(layer, rows);
  rank(layer, m_ranked);
  return output.to(query.device(), query.scalar_type());
}

void HostStore::rank(LayerIndex layer, const WatchedRows& rows) {
  const std::span<const std::size_t> wanted = m_top.branches();
  const std::size_t of_branch = m_tokens * m_request.config.query_heads;
  kernels::parallelFor(rows.watched().size() * of_branch, m_request.threads, [&](std::size_t task, unsigned) {
    const std::size_t i = task / of_branch, row = task % of_branch;
    const auto found = std::ranges::lower_bound(wanted, rows.watched()[i]);
    if (found == wanted.end() || *found != rows.watched()[i]) return;
    const auto token = static_cast<std::uint32_t>(row / m_request.config.query_heads),
               head = static_cast<std::uint32_t>(row % m_request.config.query_heads);
    kernels::topEntries(rows.row(i, head, token).mass,
                        m_top.row(layer, static_cast<std::size_t>(found - wanted.begin()), token, head));
  });
}

void HostStore::edit(std::size_t branch, LayerIndex layer, std::uint32_t head, policy::RowRange rows,
                     const Change& change) {
  List& list = m_lists[branch][layer.value * m_request.held[branch].heads() + head];
  const std::size_t row = m_request.config.head_dim;
  change({std::span(list.key).subspan(rows.first * row, rows.count * row),
          std::span(list.value).subspan(rows.first * row, rows.count * row)});
}

void HostStore::compact(std::span<const BranchRows> given_up) {
  const std::size_t row = m_request.config.head_dim;
  for (const BranchRows& of_branch : given_up)
    kernels::parallelFor(of_branch.rows.size(), m_request.threads, [&](std::size_t i, unsigned) {
      List& list = m_lists[of_branch.branch][i];
      cache::eraseRows(list.key, of_branch.rows[i], row);
      cache::eraseRows(list.value, of_branch.rows[i], row);
    });
}

}  // namespace kvatlas::capture
