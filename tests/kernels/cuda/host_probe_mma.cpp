// The mma.sync probe, compiled for the host.
#include "tests/kernels/cuda/host_tensor_core.h"

#include "kernels/cuda/probe_mma.cu"
