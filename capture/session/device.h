// Which device and compute type a run uses; knows libtorch's devices and the CUDA library, no model.
#pragma once

#include <string>

#include "capture/model/decoder.h"

namespace kvatlas::capture {

// device: auto | cpu | cuda | cuda:<i>; dtype: auto | f32 | bf16 | f16 (auto: f32 on CPU, bf16 on CUDA). Sets the
// dtype's name. UsageError for other words; Error when CUDA is asked for and there is no device, saying why.
[[nodiscard]] LoadOptions chooseDevice(const std::string& device, const std::string& dtype, std::string& dtype_name);

}  // namespace kvatlas::capture
