// The decode and gather CUDA sources, compiled for the host.
#include "tests/kernels/cuda/host_device.h"

#include "kernels/cuda/decode.cu"
#include "kernels/cuda/gather.cu"
