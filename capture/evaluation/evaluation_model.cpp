#include "capture/evaluation/evaluation_model.h"

#include "capture/model/checkpoint.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/sha256.h"

namespace kvatlas::evaluation {

std::shared_ptr<capture::LoadedModel> openForPrompts(const capture::SessionOptions& options) {
  auto model = capture::openModel(options);
  if (!model->tokenizer) fail("{}: has no tokenizer.json; facts are planted in text", options.model.string());
  return model;
}

RunIdentity identityOf(const capture::LoadedModel& model) {
  return {.model = model.config.name,
          .weights_fingerprint = capture::Checkpoint(model.folder).fingerprint(),
          .tokenizer_sha256 = sha256Hex(readFile(model.folder / "tokenizer.json")),
          .device = model.load.device.is_cpu() ? "cpu" : "cuda",
          .dtype = model.dtype_name};
}

TaskModel taskModelOf(const capture::LoadedModel& model, std::uint32_t most_new_tokens) {
  return {.tokenizer = *model.tokenizer,
          .folder = model.folder,
          .name = model.config.name,
          .positions = model.config.max_positions,
          .stretches = model.config.rope.scaling == capture::RopeScaling::Dynamic,
          .most_new_tokens = most_new_tokens};
}

}  // namespace kvatlas::evaluation
