// The CUDA sources that a store uses, compiled for the host and emulated thread by thread.
#include <deque>

#include "tests/capture/session/host_cuda_library.h"

namespace kvatlas::capture::test {

double hostCudaTolerance() {
  return 1e-5;
}

const kernels::CudaLibrary& makeHostCudaLibrary() {
  static std::deque<kernels::CudaLibrary> libraries;
  kernels::CudaLibrary& library = libraries.emplace_back();
  library.use_device = [](std::int32_t) -> const char* { return nullptr; };
  library.decode_workspace = kvatlasCudaDecodeWorkspace;
  library.decode = [](const KvatlasCudaDecode* decode, void* stream) {
    ++hostCudaBehaviour().decodes;
    return kvatlasCudaDecode(decode, stream);
  };
  library.gather = [](const void* source, const std::uint32_t* rows, std::uint64_t count, std::uint64_t row_bytes,
                      void* target, void* stream) {
    ++hostCudaBehaviour().gathers;
    return kvatlasCudaGather(source, rows, count, row_bytes, target, stream);
  };
  library.compact = [](const KvatlasCudaList* lists, std::uint64_t count, const std::uint32_t* given_up,
                       std::uint64_t row_bytes, void* stream) {
    ++hostCudaBehaviour().compactions;
    return kvatlasCudaCompact(lists, count, given_up, row_bytes, stream);
  };
  library.top_workspace = kvatlasCudaTopWorkspace;
  library.top = [](const KvatlasCudaTop* top, void* stream) {
    ++hostCudaBehaviour().tops;
    return kvatlasCudaTop(top, stream);
  };
  hostCudaBehaviour() = {};
  return library;
}

}  // namespace kvatlas::capture::test
