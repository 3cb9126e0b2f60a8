#include "capture/session/device/device_store.h"

#include <ATen/ops/clone.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <limits>

#include "capture/session/device/cuda_probe.h"
#include "capture/session/device/device_copies.h"
#include "core/base/error.h"

namespace kvatlas::capture {
namespace {

void check(const char* error) {
  if (error != nullptr) fail("decoding on the device failed: {}", error);
}

void* at_row(const at::Tensor& rows, std::size_t row, std::size_t row_bytes) {
  return static_cast<char*>(rows.mutable_data_ptr()) + row * row_bytes;
}

template <class Value>
const Value* arrayAt(const at::Tensor& arrays, std::size_t begin) {
  return reinterpret_cast<const Value*>(static_cast<const char*>(arrays.const_data_ptr()) + begin);
}

at::Tensor indicesAt(const at::Tensor& arrays, std::size_t begin, std::size_t count) {
  return arrays.narrow(0, static_cast<std::int64_t>(begin), static_cast<std::int64_t>(count * sizeof(std::int64_t)))
      .view(at::kLong);
}

bool contains(std::span<const std::size_t> branches, std::size_t branch) {
  return std::ranges::binary_search(branches, branch);
}

}  // namespace

DeviceStore::DeviceStore(const kernels::CudaLibrary& library, StoreRequest request)
    : m_library(library),
      m_request(std::move(request)),
      m_config(m_request.config),
      m_top(m_config.layers, m_config.query_heads) {
  for (std::size_t branch = 0; branch < m_request.held.size(); ++branch)
    m_most_rows = std::max<std::size_t>(m_most_rows, m_config.query_heads / storedHeads(branch));
  const std::uint64_t prompt_tokens = m_request.held.front().promptTokens();
  if (m_config.kv_heads * prompt_tokens > std::numeric_limits<std::uint32_t>::max())
    fail("decoding on the device: {} tokens × {} heads are more rows than can be numbered", prompt_tokens,
         m_config.kv_heads);
}

void DeviceStore::useDeviceOf(const at::Tensor& tensor) const {
  if (tensor.is_cuda()) check(m_library.use_device(tensor.device().index()));
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
  PackedArrays arrays;
  arrays.add(rows);
  const at::Tensor numbers = arrays.upload(key.device()).view(at::kInt);
  useDeviceOf(key);
  layer.key = gathered(key, numbers);
  layer.value = gathered(value, numbers);
  m_layers.push_back(std::move(layer));
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  for (double& branch : seconds) branch += spent.count() / static_cast<double>(seconds.size());
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

std::int64_t DeviceStore::probabilitiesOf(std::span<const std::size_t> branches, std::size_t layer) const {
  std::size_t count = 0;
  for (const std::size_t b : branches)
    for (std::uint32_t head = 0; head < storedHeads(b); ++head)
      for (std::uint32_t token = 0; token < m_tokens; ++token)
        count += m_config.query_heads / storedHeads(b) * rowsOf(b, layer, head, {token, m_tokens}).visible;
  return static_cast<std::int64_t>(count);
}

DeviceStore::Place DeviceStore::makePlace(std::uint32_t first) const {
  const at::Tensor& like = m_layers[first].key;
  const c10::DeviceGuard guard(like.device());
  Place place{.first = first};
  std::int64_t probabilities = 0;
  while (first + place.layers < m_layers.size() && m_layers[first + place.layers].key.device() == like.device()) {
    const std::size_t layer = first + place.layers++;
    probabilities = std::max(probabilities, probabilitiesOf(m_watched, layer) + probabilitiesOf(m_only_ranked, layer));
  }
  const std::int64_t heads = m_config.query_heads, d = m_config.head_dim;
  const auto tokens = static_cast<std::int64_t>(m_batch.size() * m_tokens);
  const auto floats = like.options().dtype(at::kFloat);
  place.query = at::empty({tokens, heads, d}, like.options());
  place.output = at::empty(place.query.sizes(), like.options());
  place.probabilities = at::empty({probabilities}, floats);
  place.top = at::empty({place.layers, static_cast<std::int64_t>(m_top.rows()), kAttendedKeys, 2}, floats);
  return place;
}

// Probabilities that the host reads lie first, those that are only ranked behind them.
DeviceStore::StepLayer DeviceStore::packLayer(std::size_t layer, const Place& place, PackedArrays& arrays) const {
  const Layer& from = m_layers[layer];
  const std::size_t row_bytes = m_config.head_dim * from.key.element_size();
  StepLayer step{.watched = probabilitiesOf(m_watched, layer)};
  float *watched = place.probabilities.mutable_data_ptr<float>(), *only_ranked = watched + step.watched;
  std::vector<KvatlasCudaSegment> segments;
  std::vector<std::int64_t> append_to;
  std::vector<KvatlasCudaRow> ranked;
  for (std::size_t i = 0; i < m_batch.size() * m_tokens; ++i) {
    const std::size_t b = m_batch[i / m_tokens], list = firstList(b), rows = m_config.query_heads / storedHeads(b);
    float*& probabilities = contains(m_watched, b) ? watched : only_ranked;
    const bool kept = contains(m_watched, b) || contains(m_only_ranked, b), top = contains(m_top.branches(), b);
    for (std::uint32_t head = 0; head < storedHeads(b); ++head) {
      const VisibleRows seen = rowsOf(b, layer, head, {static_cast<std::uint32_t>(i % m_tokens), m_tokens});
      const std::size_t first = from.starts[list + head] + seen.hidden, visible = seen.visible;
      append_to.push_back(static_cast<std::int64_t>(first + visible - 1));
      const std::size_t query = i * m_config.query_heads + head * rows;
      segments.push_back({at_row(place.query, query, row_bytes), at_row(from.key, first, row_bytes),
                          at_row(from.value, first, row_bytes), at_row(place.output, query, row_bytes),
                          kept ? probabilities : nullptr, rows, visible});
      for (std::size_t row = 0; top && row < rows; ++row) ranked.push_back({probabilities + row * visible, visible});
      if (kept) probabilities += rows * visible;
      step.longest = std::max(step.longest, visible);
    }
  }
  step.segments = arrays.add(segments);
  step.append_to = arrays.add(append_to);
  step.ranked = arrays.add(ranked);
  return step;
}

void DeviceStore::beginStep(std::span<const std::size_t> batch, const StepWatch& watch, std::uint32_t tokens) {
  m_tokens = tokens;
  m_batch.assign(batch.begin(), batch.end());
  m_watched.assign(watch.probabilities.begin(), watch.probabilities.end());
  m_top.beginStep(watch.top, tokens);
  m_only_ranked.clear();
  std::ranges::set_difference(watch.top, watch.probabilities, std::back_inserter(m_only_ranked));
  m_sources.clear();
  for (std::size_t i = 0; i < m_batch.size() * m_tokens; ++i) {
    const std::size_t branch = m_batch[i / m_tokens];
    for (std::uint32_t head = 0; head < storedHeads(branch); ++head)
      m_sources.push_back(static_cast<std::int64_t>(i * m_config.kv_heads + kvHeadOf(branch, head)));
  }
  m_places.clear();
  m_step.clear();
  while (m_step.size() < m_layers.size()) {
    Place place = makePlace(static_cast<std::uint32_t>(m_step.size()));
    PackedArrays arrays;
    place.sources = arrays.add(m_sources);
    for (std::uint32_t i = 0; i < place.layers; ++i) {
      m_step.push_back(packLayer(place.first + i, place, arrays));
      m_step.back().place = m_places.size();
    }
    const c10::DeviceGuard guard(place.query.device());
    place.arrays = arrays.upload(place.query.device());
    m_places.push_back(std::move(place));
  }
}

void DeviceStore::append(LayerIndex layer, const at::Tensor& key, const at::Tensor& value) {
  const c10::DeviceGuard guard(key.device());
  Layer& to = m_layers[layer.value];
  const StepLayer& step = m_step[layer.value];
  const Place& place = m_places[step.place];
  const at::Tensor sources = indicesAt(place.arrays, place.sources, m_sources.size()),
                   targets = indicesAt(place.arrays, step.append_to, m_sources.size());
  const auto add = [&](at::Tensor& arena, const at::Tensor& rows) {
    arena.index_copy_(0, targets, at::index_select(rows.reshape({-1, m_config.head_dim}), 0, sources));
  };
  add(to.key, key);
  add(to.value, value);
}

at::Tensor DeviceStore::attend(LayerIndex layer, const at::Tensor& query, WatchedRows& rows) {
  const c10::DeviceGuard guard(query.device());
  const StepLayer& step = m_step[layer.value];
  const Place& place = m_places[step.place];
  place.query.copy_(query);
  KvatlasCudaDecode decode{.segments = arrayAt<KvatlasCudaSegment>(place.arrays, step.segments),
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
  useDeviceOf(query);
  check(m_library.decode(&decode, streamOf(query)));
  rank(layer);
  rows.layOut(layer);
  if (rows.room().empty()) return place.output;
  DeviceCopies copies;
  copies.add(place.probabilities.narrow(0, 0, step.watched), rows.room().data());
  copies.start();
  copies.finish();
  return place.output;
}

void DeviceStore::rank(LayerIndex layer) const {
  if (m_top.rows() == 0) return;
  const StepLayer& step = m_step[layer.value];
  const Place& place = m_places[step.place];
  KvatlasCudaTop top{
      .rows = arrayAt<KvatlasCudaRow>(place.arrays, step.ranked),
      .count = m_top.rows(),
      .most_length = step.longest,
      .entries = kAttendedKeys,
      .output = static_cast<KvatlasCudaTopEntry*>(place.top[layer.value - place.first].mutable_data_ptr()),
      .workspace = nullptr};
  const at::Tensor workspace =
      at::empty({static_cast<std::int64_t>(m_library.top_workspace(&top))}, place.top.options().dtype(at::kByte));
  top.workspace = workspace.mutable_data_ptr();
  check(m_library.top(&top, streamOf(place.top)));
}

const TopKeys& DeviceStore::topKeys() {
  static_assert(sizeof(kernels::TopEntry) == sizeof(KvatlasCudaTopEntry) && sizeof(kernels::TopEntry) == 8);
  if (m_top.rows() == 0) return m_top;
  std::vector<DeviceCopies> copies(m_places.size());
  for (std::size_t i = 0; i < m_places.size(); ++i) {
    const Place& place = m_places[i];
    const c10::DeviceGuard guard(place.top.device());
    copies[i].add(place.top, reinterpret_cast<float*>(m_top.ofLayers(place.first, place.layers).data()));
    copies[i].start();
  }
  for (DeviceCopies& copy : copies) copy.finish();
  return m_top;
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
  for (std::size_t first = 0; first < m_layers.size();) {
    std::size_t end = first + 1;
    while (end < m_layers.size() && m_layers[end].key.device() == m_layers[first].key.device()) ++end;
    compactOn(first, end, given_up);
    first = end;
  }
}

// Layers [first, end) lie on one device.
void DeviceStore::compactOn(std::size_t first, std::size_t end, std::span<const BranchRows> given_up) const {
  const at::Tensor& on = m_layers[first].key;
  const c10::DeviceGuard guard(on.device());
  std::vector<KvatlasCudaList> lists;
  std::vector<std::uint32_t> rows;
  for (std::size_t layer = first; layer < end; ++layer)
    for (const BranchRows& branch : given_up) addLists(branch, layer, lists, rows);
  if (lists.empty()) return;
  PackedArrays packed;
  const std::size_t lists_at = packed.add(lists), rows_at = packed.add(rows);
  const at::Tensor arrays = packed.upload(on.device());
  useDeviceOf(on);
  check(m_library.compact(arrayAt<KvatlasCudaList>(arrays, lists_at), lists.size(),
                          arrayAt<std::uint32_t>(arrays, rows_at), m_config.head_dim * on.element_size(),
                          streamOf(on)));
}

void DeviceStore::addLists(const BranchRows& branch, std::size_t layer, std::vector<KvatlasCudaList>& lists,
                           std::vector<std::uint32_t>& given_up) const {
  const std::uint32_t heads = storedHeads(branch.branch);
  const Layer& of = m_layers[layer];
  const std::size_t row_bytes = m_config.head_dim * of.key.element_size();
  for (std::uint32_t head = 0; head < heads; ++head) {
    const std::vector<std::uint32_t>& gone = branch.rows[layer * heads + head];
    if (gone.empty()) continue;
    const std::size_t start = of.starts[firstList(branch.branch) + head];
    const std::uint32_t held = m_request.held[branch.branch].list(LayerIndex(layer), head).size();
    for (const at::Tensor* arena : {&of.key, &of.value})
      lists.push_back({at_row(*arena, start, row_bytes), held, given_up.size(), gone.size()});
    given_up.insert(given_up.end(), gone.begin(), gone.end());
  }
}

}  // namespace kvatlas::capture
