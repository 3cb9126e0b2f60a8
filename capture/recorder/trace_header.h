// What a session says about itself in a trace file; knows sessions and records, no HDF5.
#pragma once

#include "capture/session/session.h"
#include "core/trace/records.h"

namespace kvatlas::capture {

// Weights must be loaded (fingerprint).
[[nodiscard]] trace::TraceHeader makeTraceHeader(const Session& session, const trace::AttentionPlan& plan);
[[nodiscard]] trace::AttentionPlan makeAttentionPlan(const Session& session, const CaptureOptions& options);
[[nodiscard]] trace::RunRecord makeRunRecord(const Session& session, const SessionResult& result, std::size_t run);

}  // namespace kvatlas::capture
