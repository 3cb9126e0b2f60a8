// Checks the signals of one layer; part of validate(), and of a capture before it writes the layer. No HDF5.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/trace/reader.h"

namespace kvatlas::trace {

// How far recorded probabilities and their sums may be from what they should be: less for f32 than for narrower types.
[[nodiscard]] double massTolerance(const ModelInfo& model);
[[nodiscard]] bool allFinite(std::span<const float> values);

// Findings name a signal as their member and, where it is one of several, the head in the problem. At most one per
// signal and head.
class SignalCheck {
 public:
  // The header must outlive this.
  explicit SignalCheck(const TraceHeader& header);

  using HeadSignals = PerSignal<std::optional<std::vector<float>>>;  // [N], the window's rows [W, N]; empty: absent
  [[nodiscard]] std::vector<Finding> ofQueryHead(HeadIndex head, const HeadSignals& signals);
  // All KV heads, [kv_heads, N].
  [[nodiscard]] std::optional<Finding> ofKvHeads(const SignalInfo& info, const std::vector<float>& values) const;
  // bf16 bits of queries or keys; `head` in the words of the problem.
  [[nodiscard]] static std::optional<Finding> ofBits(const char* member, std::span<const std::uint16_t> bits,
                                                     std::uint32_t head);

 private:
  using Values = std::vector<float>;
  using Problem = std::optional<std::string>;
  [[nodiscard]] Problem problemOf(const SignalInfo& info, const HeadSignals& signals);
  [[nodiscard]] Problem entropyProblem(const Values& entropy);
  [[nodiscard]] Problem massProblem(const Values& mass, double expected, const char* what) const;
  [[nodiscard]] Problem windowSumProblem(const Values& sum, const std::optional<Values>& received) const;
  [[nodiscard]] Problem windowRowsProblem(const Values& rows, const std::optional<Values>& window_sum) const;

  const TraceHeader& m_header;
  double m_tolerance;
  std::vector<float> m_most_entropy;  // [N] extended by the first head
};

// The first problem that validate() would find in a layer's signals, queries and keys once they are written.
[[nodiscard]] std::optional<Finding> signalProblem(const TraceHeader& header, const LayerRecord& record);

}  // namespace kvatlas::trace
