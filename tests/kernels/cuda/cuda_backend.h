// Where the CUDA kernels run in a test: on the device, or their source on the host.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda/cuda_loader.h"

namespace kvatlas::kernels {

class CudaBackend {
 public:
  virtual ~CudaBackend() = default;
  virtual void* allocate(std::size_t bytes) = 0;  // throws std::bad_alloc
  virtual void release(void* memory) = 0;
  virtual void copyIn(void* target, const void* host_source, std::size_t bytes) = 0;
  virtual void copyOut(void* host_target, const void* source, std::size_t bytes) = 0;  // after all queued work
  [[nodiscard]] virtual const CudaLibrary& functions() const = 0;
};

// The backend of this program; null with a reason if there is none, as on a machine without a device.
std::unique_ptr<CudaBackend> makeCudaBackend(std::string& reason);

// Device memory with the contents of a host vector.
template <typename T>
class DeviceArray {
 public:
  DeviceArray(CudaBackend& backend, const std::vector<T>& values) : m_backend(backend), m_count(values.size()) {
    m_memory = backend.allocate(m_count * sizeof(T) + 16);
    backend.copyIn(m_memory, values.data(), m_count * sizeof(T));
  }
  ~DeviceArray() { m_backend.release(m_memory); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  [[nodiscard]] T* data() const { return static_cast<T*>(m_memory); }
  [[nodiscard]] std::vector<T> host() const {
    std::vector<T> values(m_count);
    m_backend.copyOut(values.data(), m_memory, m_count * sizeof(T));
    return values;
  }

 private:
  CudaBackend& m_backend;
  std::size_t m_count;
  void* m_memory;
};

}  // namespace kvatlas::kernels
