// Copies tensors of a device to host arrays while the device goes on computing; knows tensors and streams of libtorch,
// no layer.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>

#include <optional>
#include <vector>

namespace kvatlas::capture {

// The current stream of a tensor's device as the CUDA library takes it; null on a CPU.
[[nodiscard]] void* streamOf(const at::Tensor& tensor);

// One batch of copies. On CUDA they run on a stream of their own into page-locked memory, after what is queued on the
// current stream; elsewhere they are made at once.
class DeviceCopies {
 public:
  // `target` has to live and hold values.numel() floats until finish(). values: f32.
  void add(const at::Tensor& values, float* target) { m_copies.push_back({values, {}, target, nullptr}); }
  // `target` has to live until finish(), which gives it its size and values: nothing is allocated before, while the
  // device waits for work.
  void add(const at::Tensor& values, std::vector<float>& target) { m_copies.push_back({values, {}, nullptr, &target}); }
  void start();
  // Waits for the copies and nothing else. Large arrays are filled by several threads.
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
