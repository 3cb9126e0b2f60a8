#include "capture/session/entry_forms.h"

#include <algorithm>
#include <chrono>

#include "core/cache/erase_rows.h"
#include "core/policy/parts.h"
#include "core/runs/names.h"
#include "core/trace/records.h"
#include "kernels/parallel.h"

namespace kvatlas::capture {
namespace {

at::Tensor onHost(const at::Tensor& tensor) {
  return tensor.to(at::kCPU, at::kFloat).contiguous();
}

// Rows of [·, d] by their numbers.
std::vector<float> gatheredRows(std::span<const float> from, std::span<const std::uint32_t> rows, std::size_t d) {
  std::vector<float> to;
  to.reserve(rows.size() * d);
  for (const std::uint32_t row : rows) {
    const auto first = from.begin() + static_cast<std::ptrdiff_t>(std::size_t{row} * d);
    to.insert(to.end(), first, first + static_cast<std::ptrdiff_t>(d));
  }
  return to;
}

void scatterRows(std::span<const float> from, std::span<const std::uint32_t> rows, std::span<float> to, std::size_t d) {
  for (std::size_t i = 0; i < rows.size(); ++i) std::ranges::copy(from.subspan(i * d, d), to.begin() + rows[i] * d);
}

// 0 … count − 1 without `rows`, ascending.
std::vector<std::uint32_t> otherRows(std::span<const std::uint32_t> rows, std::uint32_t count) {
  std::vector<std::uint32_t> others;
  std::size_t next = 0;
  for (std::uint32_t row = 0; row < count; ++row) {
    if (next < rows.size() && rows[next] == row)
      ++next;
    else
      others.push_back(row);
  }
  return others;
}

// Rows of two lists that hold the same position.
std::vector<policy::RowPair> commonRows(const cache::HeldList& lower, const cache::HeldList& upper) {
  std::vector<policy::RowPair> pairs;
  for (std::uint32_t a = 0, b = 0; a < lower.size() && b < upper.size();) {
    if (lower[a] == upper[b])
      pairs.push_back({a++, b++});
    else
      ++(lower[a] < upper[b] ? a : b);
  }
  return pairs;
}

}  // namespace

EntryForms::EntryForms(Request request) : m_request(std::move(request)), m_of(m_request.branches.size()) {
  for (std::size_t b = 0; b < m_of.size(); ++b) {
    const Branch& branch = m_request.branches[b];
    const policy::Method& method = *branch.request.method;
    Of& of = m_of[b];
    of.merge = method.merge;
    if (method.store->form != nullptr)
      of.form = method.store->form(branch.setting, shapeOf(b, method.store->reads_queries));
    of.reading = policy::pageReading(method, branch.setting, branch.decision);
    if (of.merge->rule != policy::MergeRule::None) of.merged.resize(rowsOf(b).size());
    if (readsProbabilities(b)) of.received.resize(std::size_t{m_request.config.layers} * m_request.config.query_heads);
  }
}

// A list that several query heads read takes the mean of their squares.
policy::FormShape EntryForms::shapeOf(std::size_t branch, bool reads_queries) const {
  const ModelConfig& config = m_request.config;
  policy::FormShape shape{.layers = config.layers,
                          .heads = m_request.held[branch].heads(),
                          .head_dim = config.head_dim,
                          .element_bytes = m_request.element_bytes};
  if (!reads_queries) return shape;
  const std::size_t d = config.head_dim, readers = config.query_heads / shape.heads;
  shape.query_squares.assign(shape.lists() * d, 0.0F);
  for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
    const std::span<const float> squares = m_request.query_squares(LayerIndex(layer));
    for (std::size_t i = 0; i < config.query_heads * d; ++i)
      shape.query_squares[(std::size_t{layer} * shape.heads + i / d / readers) * d + i % d] +=
          squares[i] / static_cast<float>(readers);
  }
  return shape;
}

std::vector<std::uint32_t> EntryForms::rowsOf(std::size_t branch) const {
  const cache::HeldTokens& held = m_request.held[branch];
  std::vector<std::uint32_t> rows;
  for (std::uint32_t layer = 0; layer < held.layers(); ++layer)
    for (std::uint32_t head = 0; head < held.heads(); ++head) rows.push_back(held.list(LayerIndex(layer), head).size());
  return rows;
}

void EntryForms::eachHead(std::size_t branch, const std::function<void(std::uint32_t head)>& work) const {
  kernels::parallelFor(m_request.held[branch].heads(), m_request.store.editsAtOnce() ? m_request.threads : 1,
                       [&](std::size_t head, unsigned) { work(static_cast<std::uint32_t>(head)); });
}

void EntryForms::gathered(const at::Tensor& key, const at::Tensor& value, std::span<double> seconds) {
  const LayerIndex layer(m_layers++);
  at::Tensor host_key, host_value;
  for (std::size_t b = 0; b < m_of.size(); ++b) {
    const auto start = std::chrono::steady_clock::now();
    const policy::MergeRule rule = m_of[b].merge->rule;
    if (rule != policy::MergeRule::None && rule != policy::MergeRule::Forward) {
      if (!host_key.defined()) {
        host_key = onHost(key);
        host_value = onHost(value);
      }
      mergePrompt(b, layer, host_key, host_value);
    }
    if (m_of[b].form) settleLayer(b, layer);
    seconds[b] += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
}

void EntryForms::mergePrompt(std::size_t branch, LayerIndex layer, const at::Tensor& key, const at::Tensor& value) {
  const cache::HeldTokens& held = m_request.held[branch];
  const std::size_t d = m_request.config.head_dim, head_size = static_cast<std::size_t>(key.size(1)) * d;
  eachHead(branch, [&](std::uint32_t head) {
    const cache::HeldList list = held.list(layer, head);
    if (list.everything()) return;
    const std::vector<std::uint32_t> dropped = otherRows(list.positions(), held.promptTokens());
    const auto rowsIn = [&](const at::Tensor& tensor) {
      const std::span<const float> all(tensor.const_data_ptr<float>() + kvHeadOf(branch, head) * head_size, head_size);
      return gatheredRows(all, dropped, d);
    };
    std::vector<float> lost_key = rowsIn(key), lost_value = rowsIn(value);
    m_request.store.edit(branch, layer, head, {0, list.size()}, [&](const policy::ListEntries& kept) {
      std::vector<TokenIndex>& merged = m_of[branch].merged[std::size_t{layer.value} * held.heads() + head];
      for (const std::uint32_t row : policy::mergeRows(m_of[branch].merge->rule, {lost_key, lost_value}, kept, d))
        merged.push_back(row == policy::kLost ? trace::kNoToken : list[row]);
    });
  });
}

void EntryForms::settleLayer(std::size_t branch, LayerIndex layer) {
  policy::StoredForm& form = *m_of[branch].form;
  const cache::HeldTokens& held = m_request.held[branch];
  eachHead(branch, [&](std::uint32_t head) {
    const std::size_t list = std::size_t{layer.value} * held.heads() + head;
    const std::uint32_t rows = held.list(layer, head).size();
    if (const policy::RowRange due = form.due(list, rows); due.count > 0)
      m_request.store.edit(branch, layer, head, due,
                           [&](const policy::ListEntries& entries) { form.settle(list, rows, entries); });
    if (layer.value + 1 == m_layers && held.nextPosition() == held.promptTokens() && form.partnerOf(list))
      settlePair(branch, layer, head);
  });
}

void EntryForms::settlePair(std::size_t branch, LayerIndex layer, std::uint32_t head) {
  const cache::HeldTokens& held = m_request.held[branch];
  const LayerIndex below(layer.value - 1);
  const cache::HeldList lower = held.list(below, head), upper = held.list(layer, head);
  const std::vector<policy::RowPair> rows = commonRows(lower, upper);
  m_request.store.edit(branch, below, head, {0, lower.size()}, [&](const policy::ListEntries& of_lower) {
    m_request.store.edit(branch, layer, head, {0, upper.size()}, [&](const policy::ListEntries& of_upper) {
      m_of[branch].form->settlePair(std::size_t{layer.value} * held.heads() + head, rows, of_lower, of_upper);
    });
  });
}

bool EntryForms::readsProbabilities(std::size_t branch) const {
  return m_of[branch].merge->rule == policy::MergeRule::Forward;
}

void EntryForms::take(std::size_t branch, LayerIndex layer, std::uint32_t query_head, std::uint32_t hidden,
                      std::span<const float> mass) {
  std::vector<double>& received =
      m_of[branch].received[std::size_t{layer.value} * m_request.config.query_heads + query_head];
  received.resize(std::max(received.size(), hidden + mass.size()), 0.0);
  for (std::size_t i = 0; i < mass.size(); ++i) received[hidden + i] += mass[i];
}

// Mean over the query heads that read the list.
std::vector<double> EntryForms::receivedBy(std::size_t branch, LayerIndex layer, std::uint32_t head,
                                           std::size_t rows) const {
  const std::size_t readers = m_request.config.query_heads / m_request.held[branch].heads();
  std::vector<double> mean(rows, 0.0);
  for (std::size_t reader = 0; reader < readers; ++reader) {
    const std::vector<double>& received =
        m_of[branch].received[std::size_t{layer.value} * m_request.config.query_heads + head * readers + reader];
    for (std::size_t row = 0; row < std::min(rows, received.size()); ++row)
      mean[row] += received[row] / static_cast<double>(readers);
  }
  return mean;
}

std::vector<TokenIndex> EntryForms::mergeGivenUp(std::size_t branch, LayerIndex layer, std::uint32_t head,
                                                 std::span<const std::uint32_t> rows) {
  const cache::HeldList list = m_request.held[branch].list(layer, head);
  const policy::MergeRule rule = m_of[branch].merge->rule;
  const std::size_t d = m_request.config.head_dim;
  std::vector<TokenIndex> into;
  m_request.store.edit(branch, layer, head, {0, list.size()}, [&](const policy::ListEntries& entries) {
    if (rule == policy::MergeRule::Forward) {
      std::vector<TokenIndex> positions;
      for (std::uint32_t row = 0; row < list.size(); ++row) positions.push_back(list[row]);
      const policy::ForwardMerge merge = policy::forwardMerge(m_request.branches[branch].setting, layer, head);
      for (const std::uint32_t row :
           policy::mergeForward(merge, rows, receivedBy(branch, layer, head, list.size()), positions, entries.value, d))
        into.push_back(row == policy::kLost ? trace::kNoToken : list[row]);
      return;
    }
    const std::vector<std::uint32_t> kept = otherRows(rows, list.size());
    std::vector<float> lost_key = gatheredRows(entries.key, rows, d), lost_value = gatheredRows(entries.value, rows, d),
                       key = gatheredRows(entries.key, kept, d), value = gatheredRows(entries.value, kept, d);
    for (const std::uint32_t row : policy::mergeRows(rule, {lost_key, lost_value}, {key, value}, d))
      into.push_back(row == policy::kLost ? trace::kNoToken : list[kept[row]]);
    scatterRows(key, kept, entries.key, d);
    scatterRows(value, kept, entries.value, d);
  });
  return into;
}

void EntryForms::giveUp(std::span<const BranchRows> given_up) {
  for (const auto& [branch, rows] : given_up) {
    Of& of = m_of[branch];
    const std::uint32_t heads = m_request.held[branch].heads();
    for (std::size_t list = 0; list < rows.size(); ++list) {
      if (rows[list].empty()) continue;
      const LayerIndex layer(list / heads);
      const auto head = static_cast<std::uint32_t>(list % heads);
      if (of.merge->rule != policy::MergeRule::None)
        for (const TokenIndex into : mergeGivenUp(branch, layer, head, rows[list])) of.evicted_into.push_back(into);
      if (of.form) of.form->erase(list, rows[list]);
      const std::size_t readers = m_request.config.query_heads / heads;
      for (std::size_t reader = 0; !of.received.empty() && reader < readers; ++reader)
        cache::eraseRows(of.received[std::size_t{layer.value} * m_request.config.query_heads + head * readers + reader],
                         rows[list]);
    }
  }
}

void EntryForms::settle(std::span<const std::size_t> batch) {
  for (const std::size_t branch : batch)
    for (std::uint32_t layer = 0; m_of[branch].form && layer < m_layers; ++layer)
      settleLayer(branch, LayerIndex(layer));
}

std::uint64_t EntryForms::bytes(std::size_t branch) const {
  const std::uint64_t bounds = boundBytes(branch);
  if (m_of[branch].form) return m_of[branch].form->bytes(rowsOf(branch)) + bounds;
  return runs::cacheBytes(m_request.held[branch].heldRows(), m_request.config.head_dim, m_request.element_bytes) +
         bounds;
}

// Lists that are always read whole have no bounds.
std::uint64_t EntryForms::boundBytes(std::size_t branch) const {
  const std::optional<policy::PageReading>& reading = m_of[branch].reading;
  if (!reading) return 0;
  const std::vector<std::uint32_t> rows = rowsOf(branch);
  std::uint64_t numbers = 0;
  for (std::size_t list = 0; list < rows.size(); ++list)
    if (reading->tokens[list] != policy::kAllTokens)
      numbers += policy::boundNumbers(*reading, rows[list], m_request.config.head_dim);
  return numbers * m_request.element_bytes;
}

MergedTokens EntryForms::takeMerged(std::size_t branch) {
  MergedTokens merged{.of_prompt = {}, .of_evicted = std::move(m_of[branch].evicted_into)};
  for (const std::vector<TokenIndex>& list : m_of[branch].merged)
    merged.of_prompt.insert(merged.of_prompt.end(), list.begin(), list.end());
  return merged;
}

}  // namespace kvatlas::capture
