// A checkpoint ready to run: configuration, tokenizer, device and weights, shared by any number of sessions. Knows no
// prompt, no method.
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
  std::optional<text::Tokenizer> tokenizer;  // absent where the model has none
  LoadOptions load;
  std::string dtype_name;
  std::vector<int> cuda;           // devices the layers may be placed on; empty on CPU
  std::string device_note;         // why a device that is there is not used; usually empty
  std::optional<Decoder> decoder;  // absent until loadWeights()
};

// Everything but the weights, so that what is wrong with a request can be said before they are read. Sets the number of
// libtorch's threads.
[[nodiscard]] std::shared_ptr<LoadedModel> openModel(const SessionOptions& options);
// Says to `work` what a user should know of the model before anything is computed.
void reportNotices(const LoadedModel& model, const WorkContext& work);
// Chooses each layer's device by what the question needs and what is free, before weights are read; nothing on a CPU or
// once they are. Error when it cannot fit, with what helps. What the devices' kernels have to say goes to `work`.
void placeModel(LoadedModel& model, const MemoryQuestion& question, const WorkContext& work);
// Reads the weights; a model that has them already is left alone.
void loadWeights(LoadedModel& model, const WorkContext& work);

}  // namespace kvatlas::capture
