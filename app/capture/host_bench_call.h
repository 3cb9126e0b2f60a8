// The host's benchmarks, called through the capture library. Plain values only.
#pragma once

#include <functional>

#include "capture/bench/host_bench.h"
#include "core/base/outcome.h"

namespace kvatlas::app {

template <class Row>
struct HostBenchCall {
  const capture::HostBenchOptions* options = nullptr;
  const WorkContext* work = nullptr;
  const std::function<void(const Row&)>* row = nullptr;
};

// "kvatlasBenchPrefill" with capture::PrefillBenchRow, "kvatlasBenchDecodeStep" with capture::DecodeBenchRow.
template <class Row>
using HostBenchEntry = void (*)(const HostBenchCall<Row>*, Outcome*);

}  // namespace kvatlas::app
