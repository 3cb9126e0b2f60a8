#include "capture/session/cuda_probe.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <vector>

#include "core/base/error.h"
#include "kernels/cuda/cuda_loader.h"

namespace kvatlas::capture {
namespace {

KvatlasElement elementOf(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kHalf) return kKvatlasF16;
  return tensor.scalar_type() == at::kBFloat16 ? kKvatlasBf16 : kKvatlasF32;
}

// Device buffers of the outputs that were asked for, and where their values go on the host.
class DeviceOutputs {
 public:
  explicit DeviceOutputs(const at::Device& device) : m_device(device) {}

  float* add(float* host, std::size_t count) {
    if (host == nullptr) return nullptr;
    const auto options = at::TensorOptions().device(m_device).dtype(at::kFloat);
    m_buffers.push_back({at::empty({static_cast<std::int64_t>(count)}, options), host});
    return m_buffers.back().values.mutable_data_ptr<float>();
  }
  void copyToHost() const {
    for (const Buffer& buffer : m_buffers) {
      const at::Tensor host = buffer.values.to(at::kCPU);
      std::copy_n(host.const_data_ptr<float>(), host.numel(), buffer.host);
    }
  }

 private:
  struct Buffer {
    at::Tensor values;
    float* host;
  };
  at::Device m_device;
  std::vector<Buffer> m_buffers;
};

void check(const char* error) {
  if (error != nullptr) fail("the CUDA probe failed: {}", error);
}

}  // namespace

kernels::ProbeReport attentionProbeOnCuda(const kernels::ProbeShape& shape, const at::Tensor& query,
                                          const at::Tensor& key, const at::Tensor& lse,
                                          const kernels::ProbeOutput& output) {
  std::string reason;
  const kernels::CudaLibrary* library = kernels::openCudaLibrary(reason);
  if (library == nullptr) fail("the CUDA kernels cannot be used: {}", reason);
  const std::size_t rows = shape.query_heads * shape.tokens;
  const std::size_t cells = output.cell == 0 ? 0 : (shape.tokens + output.cell - 1) / output.cell;
  const at::Tensor q = query.contiguous(), k = key.contiguous(),
                   known = lse.defined() ? lse.to(at::kFloat).contiguous() : lse;
  DeviceOutputs outputs(q.device());
  const at::Tensor first_bad = at::empty({1}, q.options().dtype(at::kLong));
  KvatlasCudaProbe probe{.query_heads = shape.query_heads,
                         .kv_heads = shape.kv_heads,
                         .tokens = shape.tokens,
                         .head_dim = shape.head_dim,
                         .window = shape.window,
                         .sliding_window = shape.sliding_window,
                         .scale = shape.scale,
                         .element = elementOf(q),
                         .query = q.const_data_ptr(),
                         .key = k.const_data_ptr(),
                         .given_lse = known.defined() ? known.const_data_ptr<float>() : nullptr,
                         .lse = outputs.add(output.lse, rows),
                         .entropy = outputs.add(output.entropy, rows),
                         .received = outputs.add(output.received, rows),
                         .window_sum = outputs.add(output.window_sum, rows),
                         .window_rows = outputs.add(output.window_rows, rows * shape.window),
                         .map_mean = outputs.add(output.map_mean, shape.query_heads * cells * cells),
                         .map_max = outputs.add(output.map_max, shape.query_heads * cells * cells),
                         .cell = output.cell,
                         .first_bad = static_cast<std::uint64_t*>(first_bad.mutable_data_ptr()),
                         .workspace = nullptr};
  const at::Tensor workspace =
      at::empty({static_cast<std::int64_t>(library->probe_workspace(&probe))}, q.options().dtype(at::kByte));
  probe.workspace = workspace.mutable_data_ptr();
  check(library->probe(&probe, nullptr));  // libtorch's own stream, unless somebody changed it: the default one
  outputs.copyToHost();
  const auto bad = static_cast<std::uint64_t>(first_bad.to(at::kCPU).item<std::int64_t>());
  if (bad >= rows) return {};
  return {.bad_head = static_cast<std::ptrdiff_t>(bad / shape.tokens),
          .bad_query = static_cast<std::ptrdiff_t>(bad % shape.tokens)};
}

}  // namespace kvatlas::capture
