// The probe's CUDA sources, compiled for the host.
#include "tests/kernels/cuda/host_device.h"

#include "kernels/cuda/probe.cu"
#include "kernels/cuda/probe_normaliser.cu"
#include "kernels/cuda/probe_statistics.cu"
