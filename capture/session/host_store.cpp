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

// The chosen rows in place of all; their probabilities, where they are wanted, stay beside them.
void readPages(PageRows& pages, kernels::DecodeSegment& segment) {
  segment.key = pages.key.data();
  segment.value = pages.value.data();
  segment.length = pages.rows.size();
  if (segment.probabilities != nullptr) segment.probabilities = pages.probabilities.data();
}

// Of one query; columns count from the first row that it sees.
void rankPages(const PageRows& pages, std::size_t reader, std::uint32_t hidden, std::span<kernels::TopEntry> entries) {
  const std::size_t count = pages.rows.size();
  kernels::topEntries(std::span(pages.probabilities).subspan(reader * count, count), entries);
  for (kernels::TopEntry& entry : entries)
    if (entry.column != kernels::kNoColumn) entry.column = pages.rows[entry.column] - hidden;
}

}  // namespace

HostStore::HostStore(StoreRequest request)
    : m_request(std::move(request)),
      m_lists(m_request.held.size()),
      m_pages(m_request.reading.size()),
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

// The list's own rows that the token's queries see.
kernels::DecodeSegment HostStore::segmentOf(LayerIndex layer, const Place& place, const at::Tensor& query,
                                            const at::Tensor& output) {
  const ModelConfig& config = m_request.config;
  const std::size_t branch = m_batch[place.i], row = config.head_dim;
  const cache::HeldTokens& held = m_request.held[branch];
  const std::size_t readers = config.query_heads / held.heads();
  const List& from = m_lists[branch][layer.value * held.heads() + place.head];
  const auto [hidden, visible] =
      visibleRows(held, held.list(layer, place.head), {place.token, m_tokens}, config.sliding_window);
  const std::size_t first = ((place.i * m_tokens + place.token) * config.query_heads + place.head * readers) * row;
  return {.query = query.const_data_ptr<float>() + first,
          .rows = readers,
          .key = from.key.data() + hidden * row,
          .value = from.value.data() + hidden * row,
          .length = visible,
          .output = output.mutable_data_ptr<float>() + first,
          .probabilities = nullptr};
}

at::Tensor HostStore::attend(LayerIndex layer, const at::Tensor& query, WatchedRows& rows) {
  const at::Tensor q = onHost(query);
  at::Tensor output = at::empty_like(q);
  rows.layOut(layer);
  m_ranked.layOut(layer);
  choosePages(layer, q);
  std::vector<kernels::DecodeSegment> segments;
  float* probabilities = nullptr;
  for (std::size_t i = 0; i < m_batch.size() * m_tokens; ++i) {
    const std::size_t branch = m_batch[i / m_tokens];
    const auto token = static_cast<std::uint32_t>(i % m_tokens);
    if (token == 0) {
      probabilities = rows.roomOf(branch);
      if (probabilities == nullptr) probabilities = m_ranked.roomOf(branch);
    }
    for (std::uint32_t head = 0; head < m_request.held[branch].heads(); ++head) {
      kernels::DecodeSegment& segment = segments.emplace_back(segmentOf(layer, {i / m_tokens, token, head}, q, output));
      segment.probabilities = probabilities;
      if (probabilities != nullptr) probabilities += segment.rows * segment.length;
      if (pagesOf(branch, head) != nullptr) readPages(m_pages[branch][head], segment);
    }
  }
  const auto row = static_cast<std::size_t>(m_request.config.head_dim);
  kernels::raggedDecodeAttention(segments, row, 1.0F / std::sqrt(static_cast<float>(row)), m_request.threads);
  rank(layer, rows);
  rank(layer, m_ranked);
  return output.to(query.device(), query.scalar_type());
}

// Where a method has queries choose pages, those of generated tokens do.
void HostStore::choosePages(LayerIndex layer, const at::Tensor& query) {
  std::vector<Place> places;
  for (std::size_t i = 0; i < m_batch.size() && !m_request.reading.empty(); ++i) {
    const cache::HeldTokens& held = m_request.held[m_batch[i]];
    m_pages[m_batch[i]].resize(held.heads());
    for (PageRows& pages : m_pages[m_batch[i]]) pages.rows.clear();
    if (!m_request.reading[m_batch[i]] || held.nextPosition() <= held.firstGenerated()) continue;
    for (std::uint32_t head = 0; head < held.heads(); ++head) places.push_back({i, 0, head});
  }
  const std::size_t d = m_request.config.head_dim;
  kernels::parallelFor(places.size(), m_request.threads, [&](std::size_t task, unsigned) {
    const auto [i, token, head] = places[task];
    const std::size_t branch = m_batch[i], readers = m_request.config.query_heads / m_request.held[branch].heads();
    const cache::HeldTokens& held = m_request.held[branch];
    const List& list = m_lists[branch][layer.value * held.heads() + head];
    const policy::PageReading& reading = *m_request.reading[branch];
    const float* const queries =
        query.const_data_ptr<float>() + (i * m_request.config.query_heads + head * readers) * d;
    capture::choosePages(reading,
                         {.queries = {queries, readers * d},
                          .key = list.key,
                          .value = list.value,
                          .seen = visibleRows(held, held.list(layer, head), {0, 1}, m_request.config.sliding_window),
                          .budget = reading.tokens[layer.value * held.heads() + head]},
                         d, m_pages[branch][head]);
  });
}

const PageRows* HostStore::pagesOf(std::size_t branch, std::uint32_t head) const {
  if (m_pages.empty() || m_pages[branch].empty() || m_pages[branch][head].rows.empty()) return nullptr;
  return &m_pages[branch][head];
}

std::span<const std::uint32_t> HostStore::readRows(std::size_t branch, std::uint32_t query_head) const {
  const std::uint32_t readers = m_request.config.query_heads / m_request.held[branch].heads();
  const PageRows* const pages = pagesOf(branch, query_head / readers);
  return pages == nullptr ? std::span<const std::uint32_t>() : pages->rows;
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
    const WatchedRow seen = rows.row(i, head, token);
    const std::span<kernels::TopEntry> top =
        m_top.row(layer, static_cast<std::size_t>(found - wanted.begin()), token, head);
    const std::uint32_t readers = m_request.config.query_heads / m_request.held[*found].heads();
    if (const PageRows* const pages = pagesOf(*found, head / readers))
      rankPages(*pages, head % readers, seen.hidden, top);
    else
      kernels::topEntries(seen.mass, top);
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
