#include "capture/model/weight_source.h"

#include "capture/model/checkpoint.h"
#include "capture/model/gguf_weights.h"
#include "core/gguf/model_file.h"

namespace kvatlas::capture {

std::unique_ptr<const WeightSource> openWeights(const std::filesystem::path& model, const ModelConfig& config) {
  if (gguf::isModelFile(model)) return std::make_unique<GgufWeights>(model, config);
  return std::make_unique<Checkpoint>(model);
}

}  // namespace kvatlas::capture
