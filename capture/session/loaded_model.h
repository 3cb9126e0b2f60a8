// A checkpoint ready to run: configuration, tokenizer, device and weights, shared by any number of sessions.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "capture/model/decoder.h"
#include "capture/model/memory_plan.h"
#include "capture/session/options.h"
#include "core/text/tokenizer.h"

namespace kvatlas::capture {

struct LoadedModel {
  std::filesystem::path folder;
  ModelConfig config;
  std::optional<text::Tokenizer> tokenizer;  // absent if the model has none
  LoadOptions load;
  std::string dtype_name;
  std::vector<int> cuda;           // devices the layers may be placed on; empty on CPU
  std::string device_note;         // why an existing device is not used; usually empty
  std::uint64_t memory_about = 0;  // bytes of the host that a run takes beside the weights, by placeModel()
  std::optional<Decoder> decoder;  // absent until loadWeights()
};

// Opens everything but the weights, so that errors in a request appear before they are read. Sets libtorch's thread
// count.
[[nodiscard]] std::shared_ptr<LoadedModel> openModel(const SessionOptions& options);
// Reports to `work` what a user should know about the model before any computation.
void reportNotices(const LoadedModel& model, const WorkContext& work);
// Compares the memory needed and free, before weights are read: Error with what helps when a run does not fit. Chooses
// each layer's device by it, once. Warnings of the device kernels, and of little memory on the host, go to `work`.
void placeModel(LoadedModel& model, const MemoryQuestion& question, const WorkContext& work);
// Reads the weights; a no-op when they are loaded.
void loadWeights(LoadedModel& model, const WorkContext& work);

}  // namespace kvatlas::capture
