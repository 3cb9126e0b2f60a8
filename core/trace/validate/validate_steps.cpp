#include "core/trace/validate/validate_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/utf8.h"
#include "core/trace/validate/validate_header.h"

namespace kvatlas::trace {
namespace {

constexpr std::uint64_t kBitsPerByte = 8;

class StepCheck {
 public:
  StepCheck(const TraceHeader& header, const RunHeader& run, const RunRecord& record, const Reference& reference)
      : m_header(header), m_run(run), m_record(record), m_reference(reference) {}

  [[nodiscard]] std::string idsProblem() const {
    const auto& ids = m_record.decode_ids;
    if (std::ranges::any_of(ids, [&](TokenId id) { return id >= m_header.model.vocab_size; }))
      return "an id lies outside the vocabulary";
    if (!asksQuestion() && !ids.empty() && m_reference.first && ids.front() != *m_reference.first)
      return fmt::format("begins with {}, the highest of the prompt's next logits is that of {}", ids.front(),
                         *m_reference.first);
    return "";
  }

  [[nodiscard]] std::string offsetsProblem() const {
    const auto& offsets = m_record.decode_offsets;
    if (offsets.empty()) return "";
    if (offsets.front() != 0) return "does not begin at 0";
    return offsets.back() == m_record.decode_text.size() ? "" : "does not end where the text ends";
  }

  [[nodiscard]] std::string klProblem() const {
    const auto& kl = m_record.kl;
    for (std::size_t step = 0; step < kl.size(); ++step) {
      if (kl[step] < -1e-4F || std::isinf(kl[step]))
        return fmt::format("{} at step {} is not a divergence", kl[step], step);
      if (step == 0 && !asksQuestion() && !(kl[step] <= 1e-4F))
        return fmt::format("is {} at step 0, where every run has the same logits", kl[0]);
      if (const auto comparable = isComparable(step); comparable && *comparable == std::isnan(kl[step]))
        return *comparable ? fmt::format("is missing at step {}, where run and full cache were fed the same", step)
                           : fmt::format("has a value at step {}, where it is not defined", step);
    }
    return "";
  }

  [[nodiscard]] std::string massProblem() const {
    const std::size_t row = std::size_t{m_header.model.layers} * m_header.model.query_heads;
    for (std::size_t i = 0; i < m_record.retained.size(); ++i) {
      const float kept = m_record.retained[i], best = m_record.oracle[i];
      const bool stopped = !m_reference.full_ids || i / row >= m_reference.full_ids->size();
      if (stopped && std::isnan(kept) && std::isnan(best)) continue;
      if (kept >= 0 && kept <= best + 1e-3F && best <= 1 + 1e-3F) continue;
      return fmt::format("entry {} is {} with an oracle of {}, expected 0 ≤ retained ≤ oracle ≤ 1", i, kept, best);
    }
    return "";
  }

  // A store may use fewer bits than the compute type, at least one per number, and some for masks and indices.
  [[nodiscard]] std::string bytesProblem() const {
    const std::uint64_t numbers = m_record.keptTokens() * 2 * m_header.model.head_dim;
    const std::uint64_t plain = numbers * numberBytes(m_header.model.compute_dtype);
    const std::uint64_t least = m_run.is_full ? plain : numbers / kBitsPerByte;
    const std::uint64_t most = m_run.is_full ? plain : plain + plain / 8;
    if (plain == 0 || (m_record.cache_bytes >= least && m_record.cache_bytes <= most)) return "";
    return fmt::format("cache_bytes is {}, {} numbers are kept, which take {} bytes", m_record.cache_bytes, numbers,
                       m_run.is_full ? std::to_string(plain) : fmt::format("{} to {}", least, plain));
  }

  [[nodiscard]] std::string secondsProblem() const {
    return std::isfinite(m_record.seconds) && m_record.seconds >= 0
               ? ""
               : fmt::format("seconds is {}, expected a number from 0", m_record.seconds);
  }

 private:
  // Each run then answers from its own compressed cache: the first logits differ.
  [[nodiscard]] bool asksQuestion() const { return !m_header.prompt.question.ids.empty(); }

  // Whether run and full cache were fed the same tokens up to this step; empty: the trace does not say.
  [[nodiscard]] std::optional<bool> isComparable(std::size_t step) const {
    if (!m_reference.full_ids) return std::nullopt;
    const std::vector<TokenId>& full = *m_reference.full_ids;
    if (step >= full.size()) return false;
    if (m_run.parameters.find("\"follow\":\"full\"") != std::string::npos) return true;
    if (m_run.parameters.find("\"follow\":\"own\"") == std::string::npos) return std::nullopt;
    return std::equal(full.begin(), full.begin() + static_cast<std::ptrdiff_t>(step), m_record.decode_ids.begin());
  }

  const TraceHeader& m_header;
  const RunHeader& m_run;
  const RunRecord& m_record;
  const Reference& m_reference;
};

}  // namespace

std::optional<TokenId> argmaxOf(const std::vector<float>& logits) {
  if (!std::ranges::all_of(logits, [](float value) { return std::isfinite(value); })) return std::nullopt;
  return static_cast<TokenId>(std::ranges::max_element(logits) - logits.begin());
}

void checkSteps(const TraceHeader& header, const RunHeader& run, const RunRecord& record, const Reference& reference,
                const std::function<void(const std::string&, const std::string&)>& add) {
  const StepCheck check(header, run, record, reference);
  const auto report = [&](const char* member, const std::string& problem) {
    if (!problem.empty()) add(member, problem);
  };
  report("/decode/ids", check.idsProblem());
  report("/decode/text", isValidUtf8(record.decode_text) ? "" : "is not UTF-8");
  report("/decode/offsets", check.offsetsProblem());
  report("/decode/kl", check.klProblem());
  report("/retained", check.massProblem());
  report("", check.bytesProblem());
  report("", check.secondsProblem());
}

}  // namespace kvatlas::trace
