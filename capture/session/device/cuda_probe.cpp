#include "capture/session/device/cuda_probe.h"

#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <vector>

#include "capture/session/device/device_copies.h"
#include "core/base/error.h"
#include "core/signals/probe_output.h"

namespace kvatlas::capture {

const kernels::CudaLibrary& cudaKernels() {
  std::string reason;
  const kernels::CudaLibrary* library = kernels::openCudaLibrary(reason);
  if (library == nullptr) fail("the CUDA kernels cannot be used: {}; --device cpu does without", reason);
  return *library;
}

KvatlasElement elementOf(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kHalf) return kKvatlasF16;
  return tensor.scalar_type() == at::kBFloat16 ? kKvatlasBf16 : kKvatlasF32;
}

SignalShape signalShape(const kernels::ProbeShape& shape) {
  return {.query_heads = shape.query_heads, .kv_heads = shape.kv_heads, .tokens = shape.tokens, .window = shape.window};
}

struct PendingProbe::Work {
  kernels::ProbeShape shape;
  DeviceCopies copies;
  float bad_words[2] = {0, 0};  // the bits of first_bad, copied with the other results
};

namespace {

void addTarget(DeviceCopies& copies, const at::Tensor& values, float* host) {
  copies.add(values, host);
}
void addTarget(DeviceCopies& copies, const at::Tensor& values, std::vector<float>* host) {
  copies.add(values, *host);
}

std::vector<float>* lastRowOf(const kernels::ProbeOutput&) {
  return nullptr;
}
std::vector<float>* lastRowOf(const ProbeArrays& output) {
  return output.last_row;
}

}  // namespace

PendingProbe::PendingProbe() : m_work(std::make_unique<Work>()) {}
PendingProbe::~PendingProbe() = default;
PendingProbe::PendingProbe(PendingProbe&&) noexcept = default;
PendingProbe& PendingProbe::operator=(PendingProbe&&) noexcept = default;

kernels::ProbeReport PendingProbe::finish() {
  Work& work = *m_work;
  work.copies.finish();
  std::uint64_t bad = 0;
  static_assert(sizeof bad == sizeof work.bad_words);
  std::copy_n(reinterpret_cast<const unsigned char*>(work.bad_words), sizeof bad,
              reinterpret_cast<unsigned char*>(&bad));
  if (bad == ~std::uint64_t{0}) fail("the CUDA probe waited too long for its own copies and gave up");
  const std::size_t tokens = work.shape.tokens, rows = work.shape.query_heads * tokens;
  if (bad >= rows) return {};
  return {.bad_head = static_cast<std::ptrdiff_t>(bad / tokens),
          .bad_query = static_cast<std::ptrdiff_t>(bad % tokens)};
}

// Queues a probe; Output: kernels::ProbeOutput or ProbeArrays.
struct ProbeStart {
  template <class Output>
  static PendingProbe begin(const kernels::CudaLibrary& library, const kernels::ProbeShape& shape,
                            const at::Tensor& query, const at::Tensor& key, const at::Tensor& lse, const Output& output,
                            KvatlasProbePath path);
};

template <class Output>
PendingProbe ProbeStart::begin(const kernels::CudaLibrary& library, const kernels::ProbeShape& shape,
                               const at::Tensor& query, const at::Tensor& key, const at::Tensor& lse,
                               const Output& output, KvatlasProbePath path) {
  const c10::DeviceGuard guard(query.device());
  PendingProbe pending;
  PendingProbe::Work& work = *pending.m_work;
  work.shape = shape;
  // Tensors used on the current stream alone may be released once queued: libtorch does not reuse their memory earlier.
  const at::Tensor q = query.contiguous(), k = key.contiguous();
  const at::Tensor known = lse.defined() ? lse.to(at::kFloat).contiguous() : lse;
  const auto room = [&](auto* host, std::size_t count) -> float* {
    if (host == nullptr) return nullptr;
    const at::Tensor values = at::empty({static_cast<std::int64_t>(count)}, query.options().dtype(at::kFloat));
    addTarget(work.copies, values, host);
    return values.mutable_data_ptr<float>();
  };
  const std::size_t cells = output.cell == 0 ? 0 : (shape.tokens + output.cell - 1) / output.cell;
  const at::Tensor first_bad = at::empty({2}, query.options().dtype(at::kFloat));
  work.copies.add(first_bad, work.bad_words);
  KvatlasCudaProbe probe{.query_heads = shape.query_heads,
                         .kv_heads = shape.kv_heads,
                         .tokens = shape.tokens,
                         .head_dim = shape.head_dim,
                         .window = shape.window,
                         .sliding_window = shape.sliding_window,
                         .scale = shape.scale,
                         .element = elementOf(query),
                         .query = q.const_data_ptr(),
                         .key = k.const_data_ptr(),
                         .given_lse = known.defined() ? known.const_data_ptr<float>() : nullptr,
                         .map_mean = room(output.map_mean, shape.query_heads * cells * cells),
                         .map_max = room(output.map_max, shape.query_heads * cells * cells),
                         .cell = output.cell,
                         .path = path,
                         .first_bad = static_cast<std::uint64_t*>(first_bad.mutable_data_ptr()),
                         .workspace = nullptr};
  for (const SignalInfo& info : signalTable())
    if (float** const field = probeField(probe, info.signal))
      *field = room(*probeField(output, info.signal), valueCount(info, signalShape(shape)));
  if (std::vector<float>* const last = lastRowOf(output)) {
    const at::Tensor rows =
        at::empty({static_cast<std::int64_t>(shape.query_heads), static_cast<std::int64_t>(shape.window),
                   static_cast<std::int64_t>(shape.tokens)},
                  query.options().dtype(at::kFloat));
    if (probe.window_rows != nullptr) addTarget(work.copies, rows, output.window_rows);
    probe.window_rows = rows.mutable_data_ptr<float>();
    work.copies.add(rows.select(1, static_cast<std::int64_t>(shape.window) - 1), *last);
  }
  const at::Tensor workspace =
      at::empty({static_cast<std::int64_t>(library.probe_workspace(&probe))}, query.options().dtype(at::kByte));
  probe.workspace = workspace.mutable_data_ptr();
  if (query.is_cuda()) {
    if (const char* error = library.use_device(query.device().index())) fail("the CUDA probe failed: {}", error);
  }
  if (const char* error = library.probe(&probe, streamOf(query))) fail("the CUDA probe failed: {}", error);
  work.copies.start();
  return pending;
}

PendingProbe beginProbe(const kernels::CudaLibrary& library, const kernels::ProbeShape& shape, const at::Tensor& query,
                        const at::Tensor& key, const at::Tensor& lse, const kernels::ProbeOutput& output,
                        KvatlasProbePath path) {
  return ProbeStart::begin(library, shape, query, key, lse, output, path);
}

PendingProbe beginProbe(const kernels::CudaLibrary& library, const kernels::ProbeShape& shape, const at::Tensor& query,
                        const at::Tensor& key, const at::Tensor& lse, const ProbeArrays& output,
                        KvatlasProbePath path) {
  return ProbeStart::begin(library, shape, query, key, lse, output, path);
}

}  // namespace kvatlas::capture
