#include <cuda_runtime.h>

#include <new>
#include <stdexcept>

#include "tests/kernels/cuda/cuda_backend.h"

namespace kvatlas::kernels {

namespace {

void check(cudaError_t error) {
  if (error != cudaSuccess) {
    throw std::runtime_error(cudaGetErrorString(error));
  }
}

class DeviceBackend : public CudaBackend {
 public:
  explicit DeviceBackend(const CudaLibrary& library) : m_library(library) {}
  void* allocate(std::size_t bytes) override {
    void* memory = nullptr;
    check(cudaMalloc(&memory, bytes));
    return memory;
  }
  void release(void* memory) override { (void)cudaFree(memory); }
  void copyIn(void* target, const void* host_source, std::size_t bytes) override {
    check(cudaMemcpy(target, host_source, bytes, cudaMemcpyHostToDevice));
  }
  void copyOut(void* host_target, const void* source, std::size_t bytes) override {
    check(cudaDeviceSynchronize());
    check(cudaMemcpy(host_target, source, bytes, cudaMemcpyDeviceToHost));
  }
  const CudaLibrary& functions() const override { return m_library; }

 private:
  const CudaLibrary& m_library;
};

}  // namespace

std::unique_ptr<CudaBackend> makeCudaBackend(std::string& reason) {
  const CudaLibrary* const library = openCudaLibrary(reason);
  if (library == nullptr) {
    throw std::runtime_error("cannot open the CUDA library that was built: " + reason);
  }
  std::int32_t count = 0;
  const char* const error = library->device_count(&count);
  if (error != nullptr || count == 0) {
    reason = error != nullptr ? error : "no CUDA device";
    return nullptr;
  }
  return std::make_unique<DeviceBackend>(*library);
}

}  // namespace kvatlas::kernels
