// Builds a session's header, attention plan and run records for the trace; must not know HDF5.
#pragma once

#include "capture/session/session.h"
#include "core/trace/records.h"

namespace kvatlas::capture {

// The weights must be loaded (for their fingerprint).
[[nodiscard]] trace::TraceHeader makeTraceHeader(const Session& session, const trace::AttentionPlan& plan,
                                                 const text::PreparedQuestion* question = nullptr);
[[nodiscard]] trace::AttentionPlan makeAttentionPlan(const Session& session, const CaptureOptions& options);
[[nodiscard]] trace::StepBlock makeStepBlock(StepRows rows);
[[nodiscard]] trace::RunRecord makeRunRecord(const Session& session, const SessionResult& result, std::size_t run);

}  // namespace kvatlas::capture
