// Chooses the devices and the compute type of a run.
#pragma once

#include <string>
#include <vector>

#include "capture/model/decoder.h"
#include "capture/model/memory_plan.h"

namespace kvatlas::capture {

// --device parsed: "auto", "cpu", or CUDA device numbers in the order given. UsageError for anything else.
struct DeviceArgument {
  bool automatic = false, cpu = false;
  std::vector<int> cuda;
};
[[nodiscard]] DeviceArgument parseDevice(const std::string& word);

struct DeviceChoice {
  LoadOptions load;
  std::string dtype_name;
  std::vector<int> cuda;  // devices that layers may be placed on; empty on CPU
  std::string note;       // why an existing device is not used; usually empty
};

// device: auto | cpu | cuda | cuda:<i>[,cuda:<j>…]; dtype: auto | f32 | bf16 | f16 (auto: f32 on CPU, bf16 on CUDA).
// auto: every CUDA device, the one with the most free memory first, else the CPU. UsageError for other words; Error
// with the reason when CUDA is requested and cannot be used.
[[nodiscard]] DeviceChoice chooseDevices(const std::string& device, const std::string& dtype);
// The same for one device.
[[nodiscard]] LoadOptions chooseDevice(const std::string& device, const std::string& dtype, std::string& dtype_name);

// Empty when the run fits into the chosen devices' free memory, or on a CPU; else what it needs, what is free and what
// helps.
[[nodiscard]] std::string missingMemory(const DeviceChoice& choice, const ModelConfig& config,
                                        const MemoryQuestion& question);

// Sets load.device and load.layer_devices by the devices' free memory; a no-op on a CPU. Error with what is needed,
// what is free and what helps when the run does not fit.
void placeOnDevices(DeviceChoice& choice, const ModelConfig& config, const MemoryQuestion& question);

}  // namespace kvatlas::capture
