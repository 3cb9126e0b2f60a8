#include "capture/session/loaded_model.h"

#include <ATen/Parallel.h>

#include "capture/session/device.h"
#include "capture/session/prompt.h"

namespace kvatlas::capture {

std::shared_ptr<LoadedModel> openModel(const SessionOptions& options) {
  auto model = std::make_shared<LoadedModel>();
  model->folder = options.model;
  model->config = loadModelConfig(options.model);
  model->tokenizer = loadTokenizer(options.model);
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  model->load = chooseDevice(options.device, options.dtype, model->dtype_name);
  return model;
}

void loadWeights(LoadedModel& model, const WorkContext& work) {
  if (!model.decoder) model.decoder.emplace(Decoder::load(model.folder, model.load, work));
}

}  // namespace kvatlas::capture
