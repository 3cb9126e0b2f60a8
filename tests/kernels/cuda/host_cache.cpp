// The CUDA sources that move and rank what a cache holds, compiled for the host.
#include "tests/kernels/cuda/host_device.h"

#include "kernels/cuda/compact.cu"
#include "kernels/cuda/gather.cu"
#include "kernels/cuda/top_entries.cu"
