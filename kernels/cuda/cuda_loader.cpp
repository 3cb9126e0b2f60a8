#include "kernels/cuda/cuda_loader.h"

#include <dlfcn.h>

#include <filesystem>
#include <string_view>
#include <vector>

#include "kvatlas_border_cuda.h"

namespace kvatlas::kernels {

namespace {

constexpr const char* kFileName = "libkvatlas_cuda.so";

// The file that contains this code: a program or the capture library.
std::filesystem::path ownFile() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&openCudaLibrary), &info) == 0 || info.dli_fname == nullptr) {
    return {};
  }
  std::error_code error;
  return std::filesystem::canonical(info.dli_fname, error);
}

struct OpenFile {
  void* handle = nullptr;
  std::filesystem::path path;
};

OpenFile openFile(std::string& reason) {
  const std::filesystem::path folder = ownFile().parent_path();
  for (const std::filesystem::path& path :
       {folder / kFileName, folder / "../lib" / kFileName, std::filesystem::path(kFileName)}) {
    std::error_code error;
    if (path.has_parent_path() && !std::filesystem::exists(path, error)) {
      continue;
    }
    if (void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
      return {handle, path.lexically_normal()};
    }
    const char* text = dlerror();
    reason = text != nullptr ? text : "cannot open the library";
  }
  return {};
}

template <typename Function>
bool find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  return function != nullptr;
}

struct Opened {
  CudaLibrary library;
  std::string reason;
  bool ok = false;

  Opened() {
    const auto [handle, path] = openFile(reason);
    if (handle == nullptr) {
      return;
    }
    decltype(&kvatlasCudaIdentity) identity = nullptr;
    if (!find(handle, "kvatlasCudaIdentity", identity) || identity() != std::string_view(KVATLAS_BORDER_CUDA)) {
      reason = path.string() + " and " + ownFile().string() +
               " come from different builds of KVAtlas: build or install both together";
      return;
    }
    ok = find(handle, "kvatlasCudaDeviceCount", library.device_count) &&
         find(handle, "kvatlasCudaDeviceName", library.device_name) &&
         find(handle, "kvatlasCudaDeviceMemory", library.device_memory) &&
         find(handle, "kvatlasCudaUseDevice", library.use_device) &&
         find(handle, "kvatlasCudaProbeBestPath", library.probe_best_path) &&
         find(handle, "kvatlasCudaProbeWorkspace", library.probe_workspace) &&
         find(handle, "kvatlasCudaProbe", library.probe) &&
         find(handle, "kvatlasCudaDecodeWorkspace", library.decode_workspace) &&
         find(handle, "kvatlasCudaDecode", library.decode) && find(handle, "kvatlasCudaTile", library.tile) &&
         find(handle, "kvatlasCudaCoarsen", library.coarsen) && find(handle, "kvatlasCudaGather", library.gather) &&
         find(handle, "kvatlasCudaCompact", library.compact) &&
         find(handle, "kvatlasCudaTopWorkspace", library.top_workspace) && find(handle, "kvatlasCudaTop", library.top);
    reason = ok ? "" : std::string(kFileName) + " is incomplete";
  }
};

}  // namespace

const CudaLibrary* openCudaLibrary(std::string& reason) {
  static const Opened opened;
  reason = opened.reason;
  return opened.ok ? &opened.library : nullptr;
}

}  // namespace kvatlas::kernels
