#include "kernels/cuda/cuda_loader.h"

#include <dlfcn.h>

#include <filesystem>
#include <vector>

namespace kvatlas::kernels {

namespace {

constexpr const char* kFileName = "libkvatlas_cuda.so";

// The folder of the file this code was linked into: a programme or the capture library.
std::filesystem::path ownFolder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&openCudaLibrary), &info) == 0 || info.dli_fname == nullptr) {
    return {};
  }
  std::error_code error;
  const std::filesystem::path file = std::filesystem::canonical(info.dli_fname, error);
  return error ? std::filesystem::path{} : file.parent_path();
}

void* openFile(std::string& reason) {
  const std::filesystem::path folder = ownFolder();
  for (const std::filesystem::path& path :
       {folder / kFileName, folder / "../lib" / kFileName, std::filesystem::path(kFileName)}) {
    std::error_code error;
    if (path.has_parent_path() && !std::filesystem::exists(path, error)) {
      continue;
    }
    if (void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
      return handle;
    }
    const char* text = dlerror();
    reason = text != nullptr ? text : "the library cannot be opened";
  }
  return nullptr;
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
    void* const handle = openFile(reason);
    if (handle == nullptr) {
      return;
    }
    decltype(&kvatlasCudaAbi) abi = nullptr;
    if (!find(handle, "kvatlasCudaAbi", abi) || abi() != KVATLAS_CUDA_ABI) {
      reason = std::string(kFileName) + " belongs to another version of KVAtlas";
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
         find(handle, "kvatlasCudaCoarsen", library.coarsen) && find(handle, "kvatlasCudaGather", library.gather);
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
