// Copies tensors from a device to host arrays while the device keeps computing.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>

#include <optional>
#include <vector>

namespace kvatlas::capture {

// The current stream of the tensor's device, for the CUDA library; null on a CPU.
[[nodiscard]] void* streamOf(const at::Tensor& tensor);

// One batch of copies. On CUDA they run on a separate stream into page-locked memory, after the work queued on the
// current stream; elsewhere they are synchronous.
class DeviceCopies {
 public:
  // `target` must hold values.numel() floats and live until finish(). values: f32.
  void add(const at::Tensor& values, float* target) { m_copies.push_back({values, {}, target, nullptr}); }
  // `target` must live until finish(), which resizes and fills it: no allocation while the device waits for work.
  void add(const at::Tensor& values, std::vector<float>& target) { m_copies.push_back({values, {}, nullptr, &target}); }
  void start();
  // Waits for these copies only. Several threads fill large arrays.
  void finish();

 private:
  struct Copy {
    at::Tensor values, staged;
    float* target;
    std::vector<float>* array;
  };
  std::vector<Copy> m_copies;
  std::optional<c10::Event> m_done;
};

}  // namespace kvatlas::capture
