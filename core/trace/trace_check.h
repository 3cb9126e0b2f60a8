// What the writer refuses to write, and which record member goes into which dataset; knows no HDF5.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/trace/records.h"

namespace kvatlas::trace {

using LayerValues = std::variant<std::span<const float>, std::span<const std::uint16_t>>;
using RunValues = std::variant<std::span<const std::uint32_t>, std::span<const std::uint64_t>,
                               std::span<const std::uint8_t>, std::span<const float>>;

// The vector a dataset path of a layer or run is filled from; empty where the record lacks it. Error for a path that no
// layer or run has.
[[nodiscard]] LayerValues layerMember(const LayerRecord& record, std::string_view path);
[[nodiscard]] RunValues runMember(const RunRecord& record, std::string_view path);

// Error naming the target and the field when the header contradicts itself or exceeds the format's limits.
void checkModel(const ModelInfo& model, const std::string& target);
void checkHeader(const TraceHeader& header, const std::string& target);
// Error when the parts of a run do not belong together: lengths, and the order of kept/offsets that indices rely on.
// positions: the length of kept/positions, which the record may leave out.
void checkRunRecord(const TraceHeader& header, std::size_t run, const RunRecord& record, std::uint64_t positions,
                    const std::string& target);
// The same of the attended keys, which only a written record holds.
void checkAttended(const TraceHeader& header, std::size_t run, const RunRecord& record, const std::string& target);

}  // namespace kvatlas::trace
