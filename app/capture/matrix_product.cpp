#include "app/capture/matrix_product.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>

#include <ctime>

using kvatlas::guarded;
using kvatlas::Outcome;
using kvatlas::app::MatrixProductCall;

extern "C" __attribute__((visibility("default"))) void kvatlasMatrixProduct(const MatrixProductCall* call,
                                                                            Outcome* outcome);

namespace {

double secondsOn(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double timeOf(const MatrixProductCall& call) {
  const at::AutoDispatchBelowADInplaceOrView no_autograd;
  at::set_num_threads(call.threads);
  const at::Tensor a = at::full({call.rows, call.depth}, 0.5), b = at::full({call.columns, call.depth}, 0.25);
  const at::Tensor left = call.one_dnn ? a.to_mkldnn() : a;
  const at::Tensor right = call.one_dnn ? b.to_mkldnn() : b.t().contiguous();
  at::Tensor out = at::full({call.rows, call.columns}, 0.0);
  const clockid_t clock = call.threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
  const double start = secondsOn(clock);
  if (call.one_dnn) {
    out = at::linear(left, right);
  } else {
    at::mm_out(out, left, right);
  }
  return secondsOn(clock) - start;
}

}  // namespace

void kvatlasMatrixProduct(const MatrixProductCall* call, Outcome* outcome) {
  *outcome = guarded([&] { *call->seconds = timeOf(*call); });
}
