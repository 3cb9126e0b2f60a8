// The CUDA sources of decoding, maps and tiles, compiled for the host.
#include "tests/kernels/cuda/host_device.h"

#include "kernels/cuda/coarsen.cu"
#include "kernels/cuda/decode.cu"
#include "kernels/cuda/tile.cu"
