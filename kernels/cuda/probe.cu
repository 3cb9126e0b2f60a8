// The probe's C functions: check the shape, split the workspace, queue the sweeps.
#include "kernels/cuda/cuda_library.h"
#include "kernels/cuda/device_common.cuh"
#include "kernels/cuda/probe_kernels.cuh"

namespace kvatlas::kernels {
namespace {

bool wantsMap(const KvatlasCudaProbe& probe) {
  return probe.map_mean != nullptr || probe.map_max != nullptr;
}
// Whether every visible pair is needed, not only the last queries'.
bool wantsAll(const KvatlasCudaProbe& probe) {
  return probe.entropy != nullptr || probe.received != nullptr || wantsMap(probe);
}
bool wantsWindow(const KvatlasCudaProbe& probe) {
  return probe.window_sum != nullptr || probe.window_rows != nullptr;
}

// Operands are copied in units of 16 bytes from their start.
bool tensorCoresFit(const KvatlasCudaProbe& probe) {
  const auto mixed = reinterpret_cast<uintptr_t>(probe.query) | reinterpret_cast<uintptr_t>(probe.key);
  return probe.element != kKvatlasF32 && tensorHeadDim(probe.head_dim) && mixed % 16 == 0 &&
         probe.tokens < (uint64_t{1} << 31);
}

const char* wrongShape(const KvatlasCudaProbe& probe) {
  if (probe.query_heads == 0 || probe.kv_heads == 0 || probe.query_heads % probe.kv_heads != 0 ||
      probe.query_heads > 65535) {
    return "CUDA attention probe: query_heads must be a multiple of kv_heads and at most 65535";
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
    return "CUDA attention probe: query, key, first_bad and workspace are required";
  }
  if (probe.path < kKvatlasProbePlain || probe.path > kKvatlasProbeWgmma ||
      (probe.path != kKvatlasProbePlain && !tensorCoresFit(probe))) {
    return "CUDA attention probe: this path does not support the element type, head size or alignment";
  }
  return nullptr;
}

size_t cellOf(const KvatlasCudaProbe& probe) {
  return wantsMap(probe) ? probe.cell : 0;
}

// The two layouts follow each other; the tensor cores' exists only where they are used.
struct Layout {
  ProbeWorkspace plain;
  TensorWorkspace tensor;
  size_t bytes;
};

Layout layoutOf(const KvatlasCudaProbe& probe) {
  const bool tensor = probe.path != kKvatlasProbePlain;
  Layout layout;
  layout.plain = probeWorkspace(probe.query_heads, probe.tokens, tensor ? 0 : cellOf(probe));
  layout.bytes = layout.plain.bytes;
  if (tensor) {
    const size_t rows = probe.path == kKvatlasProbeMma ? kMmaGroupRows : wgmmaGroupRows(probe.head_dim);
    layout.tensor = tensorWorkspace(probe.query_heads, probe.tokens, cellOf(probe), rows);
    layout.bytes += layout.tensor.bytes;
  }
  return layout;
}

ProbeJob plainJob(const KvatlasCudaProbe& probe, const ProbeWorkspace& layout) {
  char* const workspace = static_cast<char*>(probe.workspace);
  ProbeJob job{};
  job.probe = probe;
  job.log2_scale = static_cast<float>(static_cast<double>(probe.scale) * 1.4426950408889634);
  job.top = reinterpret_cast<float*>(workspace + layout.top);
  job.inverse_sum = reinterpret_cast<float*>(workspace + layout.inverse_sum);
  job.partial_sum = reinterpret_cast<float*>(workspace + layout.partial_sum);
  job.partial_max = reinterpret_cast<float*>(workspace + layout.partial_max);
  job.cells = wantsMap(probe) ? mapCells(probe.tokens, probe.cell) : 0;
  return job;
}

void runPlain(const ProbeJob& job, cudaStream_t stream) {
  // A given lse shows whether all logits are finite, so without entropy it makes the sweep unnecessary.
  launchNormalisers(job, job.probe.given_lse == nullptr || job.probe.entropy != nullptr, stream);
  if (job.probe.received != nullptr || job.cells > 0) {
    launchStatistics(job, false, stream);
  } else if (wantsWindow(job.probe)) {
    launchStatistics(job, true, stream);
  }
}

// The window outputs alone, by the plain kernel: a small part of the work.
void runWindow(ProbeJob job, cudaStream_t stream) {
  job.probe.received = nullptr;
  job.cells = 0;
  launchStatistics(job, true, stream);
}

__global__ void reportFailure(TensorJob job) {
  if (*job.failed != 0) {
    *job.probe.first_bad = ~uint64_t{0};
  }
}

TensorJob tensorJob(const ProbeJob& plain, const Layout& layout) {
  char* const base = static_cast<char*>(plain.probe.workspace) + layout.plain.bytes;
  const TensorWorkspace& w = layout.tensor;
  const auto array = [&](size_t offset) { return reinterpret_cast<float*>(base + offset); };
  TensorJob job{};
  job.probe = plain.probe;
  job.log2_scale = plain.log2_scale;
  job.lse = plain.probe.given_lse != nullptr ? plain.probe.given_lse : plain.probe.lse;
  job.columns = plain.probe.received != nullptr ? array(w.columns) : nullptr;
  const bool pooled = w.base < cellOf(plain.probe);
  job.base_sum = pooled ? array(w.base_sum) : nullptr;
  job.base_max = pooled ? array(w.base_max) : nullptr;
  job.failed = reinterpret_cast<unsigned*>(base + w.failed);
  job.stripes = w.stripes;
  job.blocks = w.blocks;
  job.base = w.base;
  job.base_cells = w.base_cells;
  return job;
}

// Heads [job.first_head, …) of one pass.
const char* runPass(const TensorJob& job, cudaStream_t stream) {
  clear(job.columns, job.heads * job.stripes * kGroups * job.probe.tokens, stream);
  clear(job.base_sum, job.heads * job.base_cells * job.base_cells, stream);
  clear(job.base_max, job.heads * job.base_cells * job.base_cells, stream);
  const char* const error = job.probe.path == kKvatlasProbeMma ? launchMma(job, stream) : launchWgmma(job, stream);
  if (error == nullptr) {
    launchFold(job, stream);
  }
  return error;
}

const char* runTensor(ProbeJob plain, const Layout& layout, cudaStream_t stream) {
  // Without a given lse the plain sweep computes it; the tensor-core kernels read it from memory.
  if (plain.probe.given_lse == nullptr && plain.probe.lse == nullptr) {
    plain.probe.lse =
        reinterpret_cast<float*>(static_cast<char*>(plain.probe.workspace) + layout.plain.bytes + layout.tensor.lse);
  }
  launchNormalisers(plain, plain.probe.given_lse == nullptr, stream);
  TensorJob job = tensorJob(plain, layout);
  clear(reinterpret_cast<float*>(job.failed), 1, stream);
  for (; wantsAll(plain.probe) && job.first_head < plain.probe.query_heads;
       job.first_head += layout.tensor.pass_heads) {
    job.heads = smaller(layout.tensor.pass_heads, plain.probe.query_heads - job.first_head);
    if (const char* error = runPass(job, stream)) {
      return error;
    }
  }
  if (wantsWindow(plain.probe)) {
    runWindow(plain, stream);
  }
  launch(reportFailure, 1, 1, stream, job);
  return nullptr;
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
  const Layout layout = layoutOf(*probe);
  const ProbeJob job = plainJob(*probe, layout.plain);
  const auto queue = static_cast<cudaStream_t>(stream);
  const size_t map = probe->query_heads * job.cells * job.cells;
  clear(probe->map_mean, map, queue);
  clear(probe->map_max, map, queue);
  const char* error = nullptr;
  if (probe->path == kKvatlasProbePlain) {
    runPlain(job, queue);
  } else {
    error = runTensor(job, layout, queue);
  }
  return error != nullptr ? error : cudaText("starting the attention probe", cudaGetLastError());
}

KVATLAS_CUDA_EXPORT int32_t kvatlasCudaProbeBestPath(const KvatlasCudaProbe* probe) {
  using namespace kvatlas::kernels;
  int device = 0;
  int major = 0;
  int shared = 0;
  if (!tensorCoresFit(*probe) || cudaGetDevice(&device) != cudaSuccess ||
      cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) != cudaSuccess ||
      cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device) != cudaSuccess || major < 8) {
    return kKvatlasProbePlain;
  }
  if (major == 9) {
    return kKvatlasProbeWgmma;
  }
  return mmaSharedBytes(probe->head_dim) <= shared ? kKvatlasProbeMma : kKvatlasProbePlain;
}
