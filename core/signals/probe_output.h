// Which field of a probe's output a signal is: the only place that says so, for every struct whose fields are named as
// kernels::ProbeOutput's (kernels/attention_probe.h), the CUDA ones included.
#pragma once

#include <type_traits>

#include "core/signals/signals.h"

namespace kvatlas {

namespace detail {
// Whether Output has to be asked at all: a field exists for signals of the probe only.
template <SignalSource kSource, class Output, class Get>
constexpr auto probeField([[maybe_unused]] Output& output, [[maybe_unused]] const Get& get) {
  if constexpr (kSource == SignalSource::Probe)
    return get(output);
  else
    return static_cast<std::remove_reference_t<decltype((output.lse))>*>(nullptr);
}
}  // namespace detail

// Null for a signal that the probe does not compute.
template <class Output>
[[nodiscard]] auto probeField(Output& output, Signal signal) {
  switch (signal) {
#define KVATLAS_SIGNAL(enumerator, name, source, ...) \
  case Signal::enumerator:                            \
    return detail::probeField<SignalSource::source>(output, [](auto& of) { return &of.name; });
#include "core/signals/table.def"
#undef KVATLAS_SIGNAL
  }
  return static_cast<std::remove_reference_t<decltype((output.lse))>*>(nullptr);
}

}  // namespace kvatlas
