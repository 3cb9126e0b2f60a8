// The probe of a layer whose queries and keys lie on a CUDA device: the kernels' CUDA library between tensors and host
// arrays. Knows no policy.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/attention_probe.h"

namespace kvatlas::capture {

// As kernels::attentionProbe, with query [query_heads, N, d], key [kv_heads, N, d] and lse (or undefined) on one CUDA
// device; `output` points to host memory. Error when the CUDA library is missing or a kernel fails.
[[nodiscard]] kernels::ProbeReport attentionProbeOnCuda(const kernels::ProbeShape& shape, const at::Tensor& query,
                                                        const at::Tensor& key, const at::Tensor& lse,
                                                        const kernels::ProbeOutput& output);

}  // namespace kvatlas::capture
