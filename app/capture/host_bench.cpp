#include "app/capture/host_bench_call.h"

#define KVATLAS_EXPORT extern "C" __attribute__((visibility("default")))

using kvatlas::guarded;
using kvatlas::Outcome;
using kvatlas::app::HostBenchCall;
using kvatlas::capture::DecodeBenchRow;
using kvatlas::capture::PrefillBenchRow;

KVATLAS_EXPORT void kvatlasBenchPrefill(const HostBenchCall<PrefillBenchRow>* call, Outcome* outcome);
KVATLAS_EXPORT void kvatlasBenchDecodeStep(const HostBenchCall<DecodeBenchRow>* call, Outcome* outcome);

void kvatlasBenchPrefill(const HostBenchCall<PrefillBenchRow>* call, Outcome* outcome) {
  *outcome = guarded([&] { kvatlas::capture::benchPrefill(*call->options, *call->work, *call->row); });
}

void kvatlasBenchDecodeStep(const HostBenchCall<DecodeBenchRow>* call, Outcome* outcome) {
  *outcome = guarded([&] { kvatlas::capture::benchDecodeStep(*call->options, *call->work, *call->row); });
}
