#include "app/trainer/fused_ops.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <bit>
#include <cmath>
#include <vector>

namespace kvatlas::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kChunk = 128;  // rows per task
constexpr std::size_t kLanes = 16;    // partial sums, so that the compiler can vectorise

float load(const float* from) {
  return *from;
}
float load(const c10::BFloat16* from) {
  return std::bit_cast<float>(std::uint32_t{from->x} << 16);
}
void store(float* to, float value) {
  *to = value;
}
// Rounds to nearest even. Does not handle NaN: activations are finite (a non-finite loss ends the run).
void store(c10::BFloat16* to, float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  to->x = static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

template <class Term>
float laneSum(std::int64_t width, const Term& term) {
  std::array<float, kLanes> sums{};
  std::int64_t i = 0;
  for (; i + static_cast<std::int64_t>(kLanes) <= width; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += term(i + static_cast<std::int64_t>(lane));
  for (; i < width; ++i) sums[0] += term(i);
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum;
}

template <class Out>
void normForward(const float* x, const float* gain, Out* y, float* scales, std::int64_t rows, std::int64_t width,
                 float eps) {
  at::parallel_for(0, rows, kChunk, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
      const float* in = x + row * width;
      Out* out = y + row * width;
      const float square = laneSum(width, [&](std::int64_t i) { return in[i] * in[i]; });
      const float scale = scales[row] = 1.0F / std::sqrt(square / static_cast<float>(width) + eps);
      for (std::int64_t i = 0; i < width; ++i) store(out + i, in[i] * scale * gain[i]);
    }
  });
}

// dx = s·(g·dy) − x·s³·mean(g·dy·x); dgain = Σ rows dy·x·s, chunk by chunk.
template <class Out>
void normBackward(const float* x, const float* gain, const float* scales, const Out* dy, float* dx, float* dgains,
                  std::int64_t rows, std::int64_t width) {
  const std::int64_t chunks = (rows + kChunk - 1) / kChunk;
  at::parallel_for(0, chunks, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t chunk = first; chunk < last; ++chunk) {
      float* dgain = dgains + chunk * width;
      for (std::int64_t row = chunk * kChunk; row < std::min(rows, (chunk + 1) * kChunk); ++row) {
        const float* in = x + row * width;
        const Out* grad = dy + row * width;
        float* out = dx + row * width;
        const float s = scales[row];
        const float dot = laneSum(width, [&](std::int64_t i) { return load(grad + i) * gain[i] * in[i]; });
        const float back = dot * s * s * s / static_cast<float>(width);
        for (std::int64_t i = 0; i < width; ++i) {
          const float g = load(grad + i);
          out[i] = s * g * gain[i] - in[i] * back;
          dgain[i] += g * in[i] * s;
        }
      }
    }
  });
}

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& gain, double eps,
                            at::ScalarType compute) {
    const at::Tensor rows = x.contiguous();
    const std::int64_t width = rows.size(-1), count = rows.numel() / width;
    at::Tensor y = at::empty(rows.sizes(), rows.options().dtype(compute)), scales = at::empty({count}, rows.options());
    const auto run = [&](auto* out) {
      normForward(rows.const_data_ptr<float>(), gain.const_data_ptr<float>(), out, scales.data_ptr<float>(), count,
                  width, static_cast<float>(eps));
    };
    compute == at::kFloat ? run(y.data_ptr<float>()) : run(y.data_ptr<c10::BFloat16>());
    context->save_for_backward({rows, gain, scales});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &gain = saved[1], &scales = saved[2];
    const at::Tensor dy = gradients[0].contiguous();
    const std::int64_t width = x.size(-1), rows = x.numel() / width;
    at::Tensor dx = at::empty_like(x), dgains = at::zeros({(rows + kChunk - 1) / kChunk, width}, x.options());
    const auto run = [&](const auto* grad) {
      normBackward(x.const_data_ptr<float>(), gain.const_data_ptr<float>(), scales.const_data_ptr<float>(), grad,
                   dx.data_ptr<float>(), dgains.data_ptr<float>(), rows, width);
    };
    dy.scalar_type() == at::kFloat ? run(dy.const_data_ptr<float>()) : run(dy.const_data_ptr<c10::BFloat16>());
    return {dx, dgains.sum(0), at::Tensor(), at::Tensor()};
  }
};

// direction +1 turns [n, heads, d] into turned [heads, n, d]; −1 turns gradients of the latter back.
template <class In, class Out>
void turn(const In* in, Out* out, const float* cosine, const float* sine, std::int64_t batch, std::int64_t n,
          std::int64_t heads, std::int64_t d, bool back) {
  const std::int64_t half = d / 2;
  at::parallel_for(0, batch * n, kChunk, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t at = first; at < last; ++at) {
      const std::int64_t b = at / n, t = at % n;
      const float *c = cosine + t * half, *s = sine + t * half;
      for (std::int64_t head = 0; head < heads; ++head) {
        const std::int64_t token_major = (at * heads + head) * d, head_major = ((b * heads + head) * n + t) * d;
        const In* from = in + (back ? head_major : token_major);
        Out* to = out + (back ? token_major : head_major);
        for (std::int64_t i = 0; i < half; ++i) {
          const float x = load(from + i), y = load(from + half + i), sign = back ? -s[i] : s[i];
          store(to + i, x * c[i] - y * sign);
          store(to + half + i, y * c[i] + x * sign);
        }
      }
    }
  });
}

struct Rotate : torch::autograd::Function<Rotate> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& rows, const at::Tensor& cosine,
                            const at::Tensor& sine) {
    const at::Tensor in = rows.contiguous();
    const std::int64_t batch = in.size(0), n = in.size(1), heads = in.size(2), d = in.size(3);
    at::Tensor out = at::empty({batch, heads, n, d}, in.options().dtype(at::kFloat));
    const auto run = [&](const auto* from) {
      turn(from, out.data_ptr<float>(), cosine.const_data_ptr<float>(), sine.const_data_ptr<float>(), batch, n, heads,
           d, false);
    };
    in.scalar_type() == at::kFloat ? run(in.const_data_ptr<float>()) : run(in.const_data_ptr<c10::BFloat16>());
    context->save_for_backward({cosine, sine});
    context->saved_data["type"] = static_cast<std::int64_t>(in.scalar_type());
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor grad = gradients[0].contiguous();
    const std::int64_t batch = grad.size(0), heads = grad.size(1), n = grad.size(2), d = grad.size(3);
    const auto type = static_cast<at::ScalarType>(context->saved_data["type"].toInt());
    at::Tensor back = at::empty({batch, n, heads, d}, grad.options().dtype(type));
    const auto run = [&](auto* to) {
      turn(grad.const_data_ptr<float>(), to, saved[0].const_data_ptr<float>(), saved[1].const_data_ptr<float>(), batch,
           n, heads, d, true);
    };
    type == at::kFloat ? run(back.data_ptr<float>()) : run(back.data_ptr<c10::BFloat16>());
    return {back, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& gain, double eps, at::ScalarType compute) {
  if (!x.is_cpu()) return at::rms_norm(x, {x.size(-1)}, gain, eps).to(compute);
  return RmsNorm::apply(x, gain.contiguous(), eps, compute);
}

at::Tensor rotate(const at::Tensor& rows, const at::Tensor& cosine, const at::Tensor& sine) {
  if (rows.is_cpu()) return Rotate::apply(rows, cosine.contiguous(), sine.contiguous());
  const std::int64_t half = rows.size(3) / 2;
  const at::Tensor c = cosine.unsqueeze(1), s = sine.unsqueeze(1);
  const at::Tensor first = rows.narrow(-1, 0, half).to(at::kFloat), second = rows.narrow(-1, half, half).to(at::kFloat);
  return at::cat({first * c - second * s, second * c + first * s}, -1).transpose(1, 2);
}

}  // namespace kvatlas::trainer
