// Maps each signal to its field in a probe's output, for every struct whose fields are named like
// kernels::ProbeOutput's (kernels/attention_probe.h), including the CUDA ones.
#pragma once

#include <type_traits>

#include "core/signals/signals.h"

namespace kvatlas {

namespace detail {
// True for probe signals only, which have a field in Output.
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
