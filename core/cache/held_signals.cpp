#include "core/cache/held_signals.h"

#include <algorithm>

#include "core/base/error.h"

namespace kvatlas::cache {

// The rows of a list that are the question's.
struct HeldSignals::QuestionRows {
  std::size_t first = 0, count = 0;
  // Appends the other values of a list of `rows` rows; those that `values` lacks are 0.
  template <class Value>
  void addOthers(std::span<const Value> values, std::size_t rows, std::vector<float>& to) const {
    for (std::size_t row = 0; row < rows; ++row) {
      if (row >= first && row < first + count) continue;
      to.push_back(row < values.size() ? static_cast<float>(values[row]) : 0.0F);
    }
  }
};

SignalSet promptSignals(SignalSet needs) {
  SignalSet known;
  for (const Signal signal : needs.members()) known |= {signal == Signal::WindowSum ? Signal::WindowRows : signal};
  return known;
}

HeldSignals::HeldSignals(SignalSet needs, std::uint32_t query_heads, std::uint32_t window, const HeldTokens& held,
                         std::span<const LayerSignals> prompt)
    : m_needs(needs),
      m_query_heads(query_heads),
      m_window(window),
      m_heads(held.heads()),
      m_of(needs.empty() ? 0 : std::size_t{held.layers()} * query_heads) {
  if (!m_of.empty() && prompt.size() != held.layers())
    fail("the signals of all {} layers are needed, {} are there", held.layers(), prompt.size());
  for (std::size_t i = 0; i < m_of.size(); ++i) {
    const LayerIndex layer(i / query_heads);
    const auto query_head = static_cast<std::uint32_t>(i % query_heads);
    start(m_of[i], held.list(layer, query_head / (query_heads / m_heads)), query_head, prompt[layer.value],
          held.promptTokens());
  }
}

void HeldSignals::start(Head& head, const HeldList& list, std::uint32_t query_head, const LayerSignals& prompt,
                        std::size_t prompt_tokens) const {
  head.rows = list.size();
  if (m_needs.contains(Signal::Received)) {
    const std::span<const float> from = prompt[Signal::Received].subspan(query_head * prompt_tokens, prompt_tokens);
    for (std::uint32_t row = 0; row < list.size(); ++row) head.received.push_back(from[list[row]]);
  }
  if (!keepsRows()) return;
  const std::size_t queries = std::min<std::size_t>(m_window, prompt_tokens);
  for (std::size_t query = 0; query < queries; ++query) {
    const auto from = prompt[Signal::WindowRows].subspan((query_head * queries + query) * prompt_tokens, prompt_tokens);
    std::vector<float>& to = head.last.emplace_back();
    for (std::uint32_t row = 0; row < list.size(); ++row) to.push_back(from[list[row]]);
  }
  head.newest = queries - 1;
}

void HeldSignals::take(LayerIndex layer, std::uint32_t query_head, std::uint32_t hidden, std::span<const float> mass) {
  if (m_of.empty()) return;
  Head& head = m_of[layer.value * m_query_heads + query_head];
  head.rows = hidden + mass.size();
  if (m_needs.contains(Signal::Received)) {
    head.received.resize(head.rows, 0.0);
    for (std::size_t i = 0; i < mass.size(); ++i) head.received[hidden + i] += static_cast<double>(mass[i]);
  }
  if (!keepsRows()) return;
  if (head.last.size() < m_window) {  // rows are in order as long as there are fewer than W
    head.newest = head.last.size();
    head.last.emplace_back();
  } else {
    head.newest = (head.newest + 1) % m_window;
  }
  std::vector<float>& row = head.last[head.newest];
  row.assign(hidden, 0.0F);
  row.insert(row.end(), mass.begin(), mass.end());
}

void HeldSignals::erase(LayerIndex layer, std::uint32_t head, std::span<const std::uint32_t> rows) {
  if (m_of.empty()) return;
  const std::uint32_t readers = m_query_heads / m_heads;
  for (std::uint32_t query_head = head * readers; query_head < (head + 1) * readers; ++query_head) {
    Head& of = m_of[layer.value * m_query_heads + query_head];
    of.rows -= rows.size();
    eraseRows(of.received, rows);
    for (std::vector<float>& row : of.last) eraseRows(row, rows);
  }
}

SignalValues HeldSignals::of(LayerIndex layer, std::uint32_t first, std::uint32_t lists, const HeldTokens& held) const {
  SignalValues values;
  if (m_of.empty()) return values;
  const std::uint32_t readers = m_query_heads / m_heads;
  for (std::uint32_t query_head = first * readers; query_head < (first + lists) * readers; ++query_head) {
    const Head& head = m_of[layer.value * m_query_heads + query_head];
    const QuestionRows question{held.questionRow(layer, query_head / readers), held.questionTokens()};
    if (m_needs.contains(Signal::Received))
      question.addOthers<double>(head.received, head.rows, values[Signal::Received]);
    if (keepsRows()) addRows(head, question, values);
  }
  return values;
}

// Oldest query first.
void HeldSignals::addRows(const Head& head, const QuestionRows& question, SignalValues& values) const {
  std::vector<double> sum(head.rows, 0.0);
  for (std::size_t i = 0; i < head.last.size(); ++i) {
    const std::vector<float>& row = head.last[(head.newest + 1 + i) % head.last.size()];
    for (std::size_t j = 0; j < row.size(); ++j) sum[j] += static_cast<double>(row[j]);
    if (m_needs.contains(Signal::WindowRows)) question.addOthers<float>(row, head.rows, values[Signal::WindowRows]);
  }
  if (m_needs.contains(Signal::WindowSum)) question.addOthers<double>(sum, head.rows, values[Signal::WindowSum]);
}

}  // namespace kvatlas::cache
