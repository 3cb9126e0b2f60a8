// A checkpoint ready to run: configuration, tokenizer, device and weights, shared by any number of sessions. Knows no
// prompt, no method.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "capture/model/decoder.h"
#include "capture/session/options.h"
#include "core/text/tokenizer.h"

namespace kvatlas::capture {

struct LoadedModel {
  std::filesystem::path folder;
  ModelConfig config;
  std::optional<text::Tokenizer> tokenizer;  // absent without a tokenizer.json
  LoadOptions load;
  std::string dtype_name;
  std::optional<Decoder> decoder;  // absent until loadWeights()
};

// Everything but the weights, so that what is wrong with a request can be said before they are read. Sets the number of
// libtorch's threads.
[[nodiscard]] std::shared_ptr<LoadedModel> openModel(const SessionOptions& options);
// Reads the weights; a model that has them already is left alone.
void loadWeights(LoadedModel& model, const WorkContext& work);

}  // namespace kvatlas::capture
