#include "core/trace/validate/validate_signals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/trace/schema.h"
#include "kernels/log2_codec.h"

namespace kvatlas::trace {
namespace {

using Problem = std::optional<std::string>;

// Finite, and not below the table's lowest value.
Problem rangeProblem(const SignalInfo& info, const std::vector<float>& values) {
  const bool bounded = std::isfinite(info.lowest);
  if (allFinite(values) &&
      (!bounded || values.empty() || double(*std::min_element(values.begin(), values.end())) >= info.lowest))
    return std::nullopt;
  return bounded ? fmt::format("a {} is negative or not finite", info.unit) : "holds a value that is not finite";
}

// One head of what a record holds of a signal.
std::optional<std::vector<float>> headOf(const LayerRecord& record, Signal signal, std::uint32_t head,
                                         std::uint32_t heads) {
  const auto slice = [&](const auto& all) {
    const std::size_t count = all.size() / heads;
    return std::span(all).subspan(head * count, count);
  };
  if (const auto values = slice(record.values[signal]); !values.empty())
    return std::vector<float>(values.begin(), values.end());
  const auto codes = slice(record.codes[signal]);
  if (codes.empty()) return std::nullopt;
  std::vector<float> values(codes.size());
  kernels::decodeLog2(codes.data(), values.data(), codes.size());
  return values;
}

}  // namespace

double massTolerance(const ModelInfo& model) {
  return model.compute_dtype == "f32" ? 1e-3 : 1e-2;
}

bool allFinite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

SignalCheck::SignalCheck(const TraceHeader& header) : m_header(header), m_tolerance(massTolerance(header.model)) {}

std::vector<Finding> SignalCheck::ofQueryHead(HeadIndex head, const HeadSignals& signals) {
  std::vector<Finding> findings;
  for (const SignalInfo& info : signalTable()) {
    if (info.heads != SignalHeads::Query || !signals[info.signal]) continue;
    if (const Problem problem = problemOf(info, signals))
      findings.push_back({nameOf(info.signal), fmt::format("{} (head {})", *problem, head.value)});
  }
  return findings;
}

std::optional<Finding> SignalCheck::ofKvHeads(const SignalInfo& info, const std::vector<float>& values) const {
  if (const Problem problem = rangeProblem(info, values)) return Finding{nameOf(info.signal), *problem};
  return std::nullopt;
}

std::optional<Finding> SignalCheck::ofBits(const char* member, std::span<const std::uint16_t> bits,
                                           std::uint32_t head) {
  // bf16: not finite where all bits of the exponent are set.
  if (std::ranges::none_of(bits, [](std::uint16_t value) { return (value & 0x7F80U) == 0x7F80U; })) return std::nullopt;
  return Finding{member, fmt::format("holds a value that is not finite (head {})", head)};
}

// A signal with more constraints than a range has its own check.
Problem SignalCheck::problemOf(const SignalInfo& info, const HeadSignals& signals) {
  const Values& values = *signals[info.signal];
  const auto tokens = static_cast<double>(m_header.prompt.ids.size());
  switch (info.signal) {
    case Signal::Entropy:
      return entropyProblem(values);
    case Signal::Received:
      return massProblem(values, tokens, "the number of queries");
    case Signal::WindowSum:
      return windowSumProblem(values, signals[Signal::Received]);
    case Signal::WindowRows:
      return windowRowsProblem(values, signals[Signal::WindowSum]);
    default:
      return rangeProblem(info, values);
  }
}

Problem SignalCheck::entropyProblem(const Values& entropy) {
  const std::uint64_t sliding = m_header.model.sliding_window;
  for (std::size_t i = m_most_entropy.size(); i < entropy.size(); ++i) {
    const double visible = double(sliding > 0 ? std::min<std::uint64_t>(sliding, i + 1) : i + 1);
    m_most_entropy.push_back(static_cast<float>(std::log(visible) + 1e-3));
  }
  for (std::size_t i = 0; i < entropy.size(); ++i)
    if (!(entropy[i] >= -1e-4F && entropy[i] <= m_most_entropy[i]))
      return fmt::format("query {} has {} nats, outside 0 … {}", i, entropy[i], m_most_entropy[i]);
  return std::nullopt;
}

Problem SignalCheck::massProblem(const Values& mass, double expected, const char* what) const {
  double sum = 0;
  for (const float value : mass) sum += value;
  if (*std::min_element(mass.begin(), mass.end()) < 0) return "holds a negative mass";
  if (std::abs(sum - expected) <= expected * m_tolerance) return std::nullopt;
  return fmt::format("sums to {}, {} is {}", sum, what, expected);
}

Problem SignalCheck::windowSumProblem(const Values& sum, const std::optional<Values>& received) const {
  if (Problem problem = massProblem(sum, m_header.attention.window, "the window")) return problem;
  for (std::size_t j = 0; received && j < sum.size(); ++j)
    if (!(double(sum[j]) <= (*received)[j] * (1 + m_tolerance) + 1e-5))
      return "exceeds the total received at key " + std::to_string(j);
  return std::nullopt;
}

Problem SignalCheck::windowRowsProblem(const Values& rows, const std::optional<Values>& window_sum) const {
  const std::size_t window = m_header.attention.window, tokens = m_header.prompt.ids.size();
  std::vector<double> columns(tokens, 0.0);
  for (std::size_t r = 0; r < window; ++r) {
    const float* const row = rows.data() + r * tokens;
    const std::size_t query = tokens - window + r;
    if (std::any_of(row + query + 1, row + tokens, [](float p) { return p > 0; }))
      return fmt::format("row {} looks at a later key", r);
    double sum = 0;
    for (std::size_t j = 0; j <= query; ++j) {
      columns[j] += double(row[j]);
      sum += double(row[j]);
    }
    if (!(std::abs(sum - 1) <= 2 * m_tolerance)) return fmt::format("row {} sums to {}", r, sum);
  }
  for (std::size_t j = 0; window_sum && j < tokens; ++j)
    if (!(std::abs(columns[j] - (*window_sum)[j]) <= columns[j] * 2 * m_tolerance + 1e-6 * double(window)))
      return fmt::format("column {} sums to {}, window_sum has {}", j, columns[j], (*window_sum)[j]);
  return std::nullopt;
}

std::optional<Finding> signalProblem(const TraceHeader& header, const LayerRecord& record) {
  SignalCheck check(header);
  const ModelInfo& model = header.model;
  const auto bitsProblem = [](const char* member, const std::vector<std::uint16_t>& bits, std::uint32_t head,
                              std::uint32_t heads) {
    const std::size_t count = bits.size() / heads;
    return SignalCheck::ofBits(member, std::span(bits).subspan(head * count, count), head);
  };
  for (std::uint32_t head = 0; head < model.query_heads; ++head) {
    if (!schema::recordsHead(header.attention, HeadIndex(head))) continue;
    SignalCheck::HeadSignals signals;
    for (const SignalInfo& info : signalTable())
      if (info.heads == SignalHeads::Query) signals[info.signal] = headOf(record, info.signal, head, model.query_heads);
    if (std::vector<Finding> found = check.ofQueryHead(HeadIndex(head), signals); !found.empty()) return found.front();
    if (auto found = bitsProblem(schema::member::kQuery, record.query, head, model.query_heads)) return found;
  }
  for (const SignalInfo& info : signalTable())
    if (info.heads == SignalHeads::Kv)
      if (auto found = check.ofKvHeads(info, record.values[info.signal])) return found;
  for (std::uint32_t head = 0; head < model.kv_heads; ++head)
    if (auto found = bitsProblem(schema::member::kKey, record.key, head, model.kv_heads)) return found;
  return std::nullopt;
}

}  // namespace kvatlas::trace
