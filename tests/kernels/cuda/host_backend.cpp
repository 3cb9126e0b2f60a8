#include <cstring>
#include <new>

#include "tests/kernels/cuda/cuda_backend.h"

namespace kvatlas::kernels {

namespace {

class HostBackend : public CudaBackend {
 public:
  HostBackend() {
    m_functions.probe_workspace = kvatlasCudaProbeWorkspace;
    m_functions.probe = kvatlasCudaProbe;
    m_functions.probe_best_path = [](const KvatlasCudaProbe*) { return std::int32_t{kKvatlasProbeWgmma}; };
    m_functions.decode_workspace = kvatlasCudaDecodeWorkspace;
    m_functions.decode = kvatlasCudaDecode;
    m_functions.tile = kvatlasCudaTile;
    m_functions.coarsen = kvatlasCudaCoarsen;
    m_functions.gather = kvatlasCudaGather;
    m_functions.compact = kvatlasCudaCompact;
    m_functions.top_workspace = kvatlasCudaTopWorkspace;
    m_functions.top = kvatlasCudaTop;
  }
  void* allocate(std::size_t bytes) override { return ::operator new (bytes, std::align_val_t{64}); }
  void release(void* memory) override { ::operator delete (memory, std::align_val_t{64}); }
  void copyIn(void* target, const void* host_source, std::size_t bytes) override { copy(target, host_source, bytes); }
  void copyOut(void* host_target, const void* source, std::size_t bytes) override { copy(host_target, source, bytes); }
  const CudaLibrary& functions() const override { return m_functions; }

 private:
  static void copy(void* target, const void* source, std::size_t bytes) {
    if (bytes > 0) {
      std::memcpy(target, source, bytes);
    }
  }
  CudaLibrary m_functions;
};

}  // namespace

std::unique_ptr<CudaBackend> makeCudaBackend(std::string&) {
  return std::make_unique<HostBackend>();
}

}  // namespace kvatlas::kernels
