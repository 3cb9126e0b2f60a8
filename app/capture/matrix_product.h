// libtorch's matrix product as a yardstick for kernels, across the border of the capture library; plain values only.
#pragma once

#include <cstdint>

#include "core/base/outcome.h"

namespace kvatlas::app {

struct MatrixProductCall {
  std::int64_t rows = 0, columns = 0, depth = 0;
  int threads = 1;
  bool one_dnn = false;       // else MKL
  double* seconds = nullptr;  // with one thread its processor time, else wall time
};

using MatrixProductEntry = void (*)(const MatrixProductCall*, Outcome*);  // "kvatlasMatrixProduct"

}  // namespace kvatlas::app
