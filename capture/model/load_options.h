// Where and in which compute type the weights of a decoder are held; knows no file.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "capture/model/products.h"

namespace kvatlas::capture {

struct LoadOptions {
  at::ScalarType dtype = at::kFloat;  // compute type
  at::Device device = at::kCPU;
  std::vector<at::Device> layer_devices;  // [layers]; empty: all on `device`, which always holds embedding and logits
  std::int64_t row_chunk = 0;             // rows per projection and MLP chunk in a prefill; 0: the device's default
  unsigned threads = 0;                   // of the host; 0: all processors
  ProductPath products = ProductPath::Packed;  // of the layers on the host
  std::uint64_t beside_weights = 0;            // bytes of the host that the run needs for everything else
};

}  // namespace kvatlas::capture
