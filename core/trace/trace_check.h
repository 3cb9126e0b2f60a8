// Checks records before they are written, and maps record members to datasets. No HDF5.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/trace/records.h"

namespace kvatlas::trace {

using LayerValues = std::variant<std::span<const float>, std::span<const std::uint16_t>>;
using RunValues = std::variant<std::span<const std::uint32_t>, std::span<const std::uint64_t>,
                               std::span<const std::uint8_t>, std::span<const float>>;

// What blocks of steps have brought of a run.
struct WrittenSteps {
  std::uint64_t steps = 0, evicted = 0;
};

// The vector that fills a layer's or run's dataset; empty if the record lacks it. Error for a path that no
// layer or run has.
[[nodiscard]] LayerValues layerMember(const LayerRecord& record, std::string_view path);
[[nodiscard]] RunValues runMember(const RunRecord& record, std::string_view path);
// The same for a block of steps; no value for a dataset whose rows are not steps that come in blocks.
[[nodiscard]] std::optional<RunValues> blockMember(const StepBlock& block, std::string_view path);

// Error naming the target and the field when the header is inconsistent or exceeds the format's limits.
void checkModel(const ModelInfo& model, const std::string& target);
void checkHeader(const TraceHeader& header, const std::string& target);
// Error when the parts of a run do not match: lengths, and the order of kept/offsets, which indexing requires.
// positions: the length of kept/positions, which the record may omit. before: what came in blocks.
void checkRunRecord(const TraceHeader& header, std::size_t run, const RunRecord& record, std::uint64_t positions,
                    const std::string& target, const WrittenSteps& before = {});
// The same for the attended keys, which only a written record holds.
void checkAttended(const TraceHeader& header, std::size_t run, const RunRecord& record, const std::string& target,
                   const WrittenSteps& before);
// How many steps a block brings. Error where its parts differ or no whole number of kStepBlock steps fills them.
[[nodiscard]] std::uint64_t checkSteps(const TraceHeader& header, std::size_t run, const StepBlock& block,
                                       const std::string& target);
// Error when the counts do not match the model's layers and experts.
void checkExperts(const ModelInfo& model, const ExpertUse& use, const std::string& target);

}  // namespace kvatlas::trace
