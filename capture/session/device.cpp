#include "capture/session/device.h"

#include <dlfcn.h>

#include <charconv>
#include <optional>

#include "core/base/error.h"
#include "core/base/suggest.h"

namespace kvatlas::capture {
namespace {

// CUDA devices the driver shows; 0 without a driver. libtorch_cpu already links the CUDA runtime, so it only has to be
// looked up.
int cudaDeviceCount() {
  using GetDeviceCount = int (*)(int*);
  const auto get = reinterpret_cast<GetDeviceCount>(::dlsym(RTLD_DEFAULT, "cudaGetDeviceCount"));
  void* driver = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  int count = 0;
  if (get == nullptr || driver == nullptr || get(&count) != 0) return 0;
  return count;
}

// Empty when libtorch's CUDA part was opened, else why not. A CPU run never pays for it.
std::string openTorchCuda() {
  if (::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr) return {};
  const char* reason = ::dlerror();
  return reason != nullptr ? reason : "unknown reason";
}

at::Device cudaDevice(const std::string& word) {
  int index = 0;
  if (word.size() > 4) {
    const auto [end, error] = std::from_chars(word.data() + 5, word.data() + word.size(), index);
    if (word[4] != ':' || error != std::errc{} || end != word.data() + word.size() || index < 0)
      failUsage("--device {}: expected auto, cpu, cuda or cuda:<number>", word);
  }
  const int count = cudaDeviceCount();
  if (count == 0)
    fail("--device {}: this machine shows no CUDA device (no driver, or none visible); use --device cpu", word);
  if (index >= count) fail("--device {}: there are {} CUDA devices, numbered from 0", word, count);
  if (const std::string reason = openTorchCuda(); !reason.empty())
    fail(
        "--device {}: libtorch's CUDA part cannot be opened ({}); use --device cpu, or KVATLAS_LIBTORCH with a "
        "complete libtorch",
        word, reason);
  return {at::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

at::Device parseDevice(const std::string& word) {
  if (word == "cpu") return at::kCPU;
  if (word == "auto")
    return cudaDeviceCount() > 0 && openTorchCuda().empty() ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  if (word.starts_with("cuda")) return cudaDevice(word);
  failUsage("--device {}: unknown device{}", word, suggestion(word, {"auto", "cpu", "cuda"}));
}

}  // namespace

LoadOptions chooseDevice(const std::string& device, const std::string& dtype, std::string& dtype_name) {
  LoadOptions load{.dtype = at::kFloat, .device = parseDevice(device)};
  dtype_name = dtype != "auto" ? dtype : load.device.is_cuda() ? "bf16" : "f32";
  if (dtype_name == "f32") return load;
  if (dtype_name == "bf16")
    load.dtype = at::kBFloat16;
  else if (dtype_name == "f16")
    load.dtype = at::kHalf;
  else
    failUsage("--dtype {}: unknown type{}", dtype, suggestion(dtype, {"auto", "f32", "bf16", "f16"}));
  return load;
}

}  // namespace kvatlas::capture
