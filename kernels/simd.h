// Selects the Highway targets that the kernels are compiled for. Include before Highway.
#pragma once

// SSSE3-only and AVX3_DL machines run the next lower target: each target costs compile time. Vectors of unknown size
// at compile time (SVE, RVV) cannot form the probe's register tiles; Arm machines run NEON.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#endif
