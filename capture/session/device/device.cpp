#include "capture/session/device/device.h"

#include <dlfcn.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <numeric>

#include "capture/session/device/cuda_probe.h"
#include "core/base/error.h"
#include "core/base/suggest.h"

namespace kvatlas::capture {
namespace {

// Number of CUDA devices the driver reports; 0 without a driver. libtorch_cpu links the CUDA runtime, so a symbol
// lookup is enough.
int cudaDeviceCount() {
  using GetDeviceCount = int (*)(int*);
  const auto get = reinterpret_cast<GetDeviceCount>(::dlsym(RTLD_DEFAULT, "cudaGetDeviceCount"));
  void* driver = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  int count = 0;
  if (get == nullptr || driver == nullptr || get(&count) != 0) return 0;
  return count;
}

// Empty when libtorch's CUDA part was opened, else the reason. CPU runs never load it.
std::string openTorchCuda() {
  if (::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr) return {};
  const char* reason = ::dlerror();
  return reason != nullptr ? reason : "unknown reason";
}

// "cuda", "cuda:3".
int cudaNumber(const std::string& word, const std::string& whole) {
  int index = 0;
  if (word == "cuda") return index;
  const auto [end, error] =
      std::from_chars(word.data() + std::min<std::size_t>(5, word.size()), word.data() + word.size(), index);
  if (!word.starts_with("cuda:") || error != std::errc{} || end != word.data() + word.size() || index < 0)
    failUsage("--device {}: expected auto, cpu, cuda or cuda:<number>, several separated by commas", whole);
  return index;
}

// Free memory as the driver reports it: memory held by libtorch or another process is not free.
std::vector<DeviceMemory> memoryOf(std::span<const int> devices) {
  const kernels::CudaLibrary& library = cudaKernels();
  std::vector<DeviceMemory> all;
  for (const int device : devices) {
    DeviceMemory memory{.index = device};
    if (const char* error = library.device_memory(device, &memory.free, &memory.total))
      fail("cuda:{}: {}", device, error);
    all.push_back(memory);
  }
  return all;
}

std::vector<int> mostFreeFirst(int count) {
  std::vector<int> devices(static_cast<std::size_t>(count));
  std::iota(devices.begin(), devices.end(), 0);
  std::vector<DeviceMemory> memory = memoryOf(devices);
  std::ranges::stable_sort(memory, std::greater<>{}, &DeviceMemory::free);
  std::ranges::transform(memory, devices.begin(), &DeviceMemory::index);
  return devices;
}

// Empty when everything a CUDA run needs is available.
std::string cudaProblem(const std::string& word) {
  if (cudaDeviceCount() == 0)
    return fmt::format("--device {}: this machine shows no CUDA device (no driver, or none visible); use --device cpu",
                       word);
  std::string reason = openTorchCuda();
  if (!reason.empty())
    return fmt::format(
        "--device {}: libtorch's CUDA part cannot be opened ({}); use --device cpu, or KVATLAS_LIBTORCH with a "
        "complete libtorch (docs/gpu.md)",
        word, reason);
  if (kernels::openCudaLibrary(reason) == nullptr)
    return fmt::format("--device {}: KVAtlas's CUDA kernels cannot be used ({}); build with nvcc, or use --device cpu",
                       word, reason);
  return {};
}

std::vector<int> cudaDevices(const std::string& word, std::string& note) {
  const DeviceArgument parsed = parseDevice(word);
  if (parsed.cpu) return {};
  const int count = cudaDeviceCount();
  if (parsed.automatic) {
    if (count == 0) return {};
    note = cudaProblem(word);
    return note.empty() ? mostFreeFirst(count) : std::vector<int>{};
  }
  if (const std::string problem = cudaProblem(word); !problem.empty()) fail("{}", problem);
  for (const int device : parsed.cuda)
    if (device >= count) fail("--device {}: there are {} CUDA devices, numbered from 0", word, count);
  return parsed.cuda;
}

at::Device cudaAt(int index) {
  return {at::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

// Fills in the device of each layer; returns why they do not fit, empty on success and on a CPU.
std::string placement(const DeviceChoice& choice, const ModelConfig& config, MemoryQuestion question,
                      std::vector<int>& placed) {
  if (choice.cuda.empty()) return {};
  question.element_bytes = c10::elementSize(choice.load.dtype);
  question.row_chunk = static_cast<std::uint64_t>(
      choice.load.row_chunk > 0 ? choice.load.row_chunk : Decoder::defaultRowChunk(choice.load.device));
  const std::vector<DeviceMemory> memory = memoryOf(choice.cuda);
  if (auto found = placeLayers(memoryNeed(config, question), memory)) {
    placed = std::move(*found);
    return {};
  }
  return fmt::format("{} with {} tokens {}", config.name, question.tokens,
                     outOfMemoryText(config, question, memory, cudaDeviceCount()));
}

}  // namespace

DeviceArgument parseDevice(const std::string& word) {
  if (word == "cpu") return {.cpu = true};
  if (word == "auto") return {.automatic = true};
  if (!word.starts_with("cuda"))
    failUsage("--device {}: unknown device{}", word, suggestion(word, {"auto", "cpu", "cuda"}));
  DeviceArgument parsed;
  for (std::size_t begin = 0; begin <= word.size();) {
    const std::size_t end = std::min(word.find(',', begin), word.size());
    const int number = cudaNumber(word.substr(begin, end - begin), word);
    if (std::ranges::find(parsed.cuda, number) != parsed.cuda.end())
      failUsage("--device {}: cuda:{} is named twice", word, number);
    parsed.cuda.push_back(number);
    begin = end + 1;
  }
  return parsed;
}

DeviceChoice chooseDevices(const std::string& device, const std::string& dtype) {
  DeviceChoice choice;
  choice.cuda = cudaDevices(device, choice.note);
  if (!choice.cuda.empty()) choice.load.device = cudaAt(choice.cuda.front());
  choice.dtype_name = dtype != "auto" ? dtype : choice.cuda.empty() ? "f32" : "bf16";
  if (choice.dtype_name == "bf16")
    choice.load.dtype = at::kBFloat16;
  else if (choice.dtype_name == "f16")
    choice.load.dtype = at::kHalf;
  else if (choice.dtype_name != "f32")
    failUsage("--dtype {}: unknown type{}", dtype, suggestion(dtype, {"auto", "f32", "bf16", "f16"}));
  return choice;
}

LoadOptions chooseDevice(const std::string& device, const std::string& dtype, std::string& dtype_name) {
  DeviceChoice choice = chooseDevices(device, dtype);
  dtype_name = choice.dtype_name;
  return choice.load;
}

std::string missingMemory(const DeviceChoice& choice, const ModelConfig& config, const MemoryQuestion& question) {
  std::vector<int> placed;
  return placement(choice, config, question, placed);
}

void placeOnDevices(DeviceChoice& choice, const ModelConfig& config, const MemoryQuestion& question) {
  std::vector<int> placed;
  if (const std::string missing = placement(choice, config, question, placed); !missing.empty()) fail("{}", missing);
  if (choice.cuda.empty()) return;
  choice.load.device = cudaAt(choice.cuda.front());
  choice.load.layer_devices.clear();
  for (const int device : placed) choice.load.layer_devices.push_back(cudaAt(device));
}

}  // namespace kvatlas::capture
