// The probe's CUDA sources that use no tensor cores, compiled for the host.
#include "tests/kernels/cuda/host_tensor_core.h"

#include "kernels/cuda/probe.cu"
#include "kernels/cuda/probe_fold.cu"
#include "kernels/cuda/probe_normaliser.cu"
#include "kernels/cuda/probe_statistics.cu"
