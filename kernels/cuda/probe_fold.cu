// After the tensor-core sweep: adds the stripes' column sums and pools base cells, in fixed order.
#include "kernels/cuda/device_common.cuh"
#include "kernels/cuda/probe_kernels.cuh"

namespace kvatlas::kernels {
namespace {

constexpr unsigned kFoldThreads = 256;
constexpr unsigned kFoldBlocks = 1024;

__global__ void foldColumns(TensorJob job) {
  const size_t tokens = job.probe.tokens;
  const size_t parts = job.stripes * kGroups;
  for (size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x; i < job.heads * tokens;
       i += static_cast<size_t>(gridDim.x) * blockDim.x) {
    const size_t head = i / tokens;
    const size_t key = i % tokens;
    double sum = 0;
    for (size_t part = 0; part < parts; ++part) {
      sum += job.columns[(head * parts + part) * tokens + key];
    }
    job.probe.received[(job.first_head + head) * tokens + key] = static_cast<float>(sum);
  }
}

__global__ void poolCells(TensorJob job) {
  const size_t cells = mapCells(job.probe.tokens, job.probe.cell);
  const size_t per_side = job.probe.cell / job.base;
  const size_t n = job.base_cells;
  for (size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x; i < job.heads * cells * cells;
       i += static_cast<size_t>(gridDim.x) * blockDim.x) {
    const size_t head = i / (cells * cells);
    const size_t row = i / cells % cells;
    const size_t column = i % cells;
    double sum = 0;
    float max = 0;
    for (size_t r = row * per_side; r < smaller(n, (row + 1) * per_side); ++r) {
      for (size_t c = column * per_side; c < smaller(n, (column + 1) * per_side); ++c) {
        sum += job.base_sum[(head * n + r) * n + c];
        max = fmaxf(max, job.base_max[(head * n + r) * n + c]);
      }
    }
    writeCell(job.probe, cells, job.first_head + head, row, column, static_cast<float>(sum), max);
  }
}

}  // namespace

void launchFold(const TensorJob& job, cudaStream_t stream) {
  if (job.columns != nullptr) {
    launch(foldColumns, kFoldBlocks, kFoldThreads, stream, job);
  }
  if (job.base_sum != nullptr) {
    launch(poolCells, kFoldBlocks, kFoldThreads, stream, job);
  }
}

}  // namespace kvatlas::kernels
