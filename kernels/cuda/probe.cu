// The probe's border function: checks the shape, cuts the workspace, queues the two sweeps.
#include "kernels/cuda/cuda_library.h"
#include "kernels/cuda/device_common.cuh"
#include "kernels/cuda/probe_kernels.cuh"

namespace kvatlas::kernels {
namespace {

bool wantsMap(const KvatlasCudaProbe& probe) {
  return probe.map_mean != nullptr || probe.map_max != nullptr;
}

const char* wrongShape(const KvatlasCudaProbe& probe) {
  if (probe.query_heads == 0 || probe.kv_heads == 0 || probe.query_heads % probe.kv_heads != 0 ||
      probe.query_heads > 65535) {
    return "CUDA attention probe: head counts do not divide, or there are more than 65535";
  }
  if (probe.tokens == 0 || probe.head_dim == 0 || probe.window > probe.tokens) {
    return "CUDA attention probe: tokens and head_dim must be positive and window at most tokens";
  }
  if (!(probe.scale > 0)) {
    return "CUDA attention probe: scale must be positive";
  }
  if (wantsMap(probe) && (probe.cell == 0 || (probe.cell & (probe.cell - 1)) != 0)) {
    return "CUDA attention probe: cell must be a power of two";
  }
  if (probe.element < kKvatlasF32 || probe.element > kKvatlasBf16) {
    return "CUDA attention probe: unknown element type";
  }
  if (probe.query == nullptr || probe.key == nullptr || probe.first_bad == nullptr || probe.workspace == nullptr) {
    return "CUDA attention probe: query, key, first_bad and workspace are needed";
  }
  return nullptr;
}

ProbeWorkspace layoutOf(const KvatlasCudaProbe& probe) {
  return probeWorkspace(probe.query_heads, probe.tokens, wantsMap(probe) ? probe.cell : 0);
}

}  // namespace
}  // namespace kvatlas::kernels

KVATLAS_CUDA_EXPORT uint64_t kvatlasCudaProbeWorkspace(const KvatlasCudaProbe* probe) {
  return kvatlas::kernels::layoutOf(*probe).bytes;
}

KVATLAS_CUDA_EXPORT const char* kvatlasCudaProbe(const KvatlasCudaProbe* probe, void* stream) {
  using namespace kvatlas::kernels;
  if (const char* wrong = wrongShape(*probe)) {
    return errorText(wrong);
  }
  const ProbeWorkspace layout = layoutOf(*probe);
  char* const workspace = static_cast<char*>(probe->workspace);
  ProbeJob job{};
  job.probe = *probe;
  job.log2_scale = static_cast<float>(static_cast<double>(probe->scale) * 1.4426950408889634);
  job.top = reinterpret_cast<float*>(workspace + layout.top);
  job.inverse_sum = reinterpret_cast<float*>(workspace + layout.inverse_sum);
  job.partial_sum = reinterpret_cast<float*>(workspace + layout.partial_sum);
  job.partial_max = reinterpret_cast<float*>(workspace + layout.partial_max);
  job.cells = wantsMap(*probe) ? mapCells(probe->tokens, probe->cell) : 0;
  const auto queue = static_cast<cudaStream_t>(stream);
  launchNormalisers(job, queue);
  if (probe->received != nullptr || probe->window_sum != nullptr || probe->window_rows != nullptr || job.cells > 0) {
    launchStatistics(job, queue);
  }
  return cudaText("starting the attention probe", cudaGetLastError());
}
