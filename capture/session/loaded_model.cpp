#include "capture/session/loaded_model.h"

#include <ATen/Parallel.h>

#include "capture/model/cuda_attention.h"
#include "capture/session/device/device.h"
#include "capture/session/prompt.h"
#include "core/base/thread.h"

namespace kvatlas::capture {

std::shared_ptr<LoadedModel> openModel(const SessionOptions& options) {
  auto model = std::make_shared<LoadedModel>();
  model->folder = options.model;
  model->config = loadModelConfig(options.model);
  model->tokenizer = loadTokenizer(options.model);
  requireThreads(options.threads > 0 ? options.threads : std::thread::hardware_concurrency());
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  const DeviceChoice choice = chooseDevices(options.device, options.dtype);
  model->load = choice.load;
  model->load.threads = options.threads;
  model->dtype_name = choice.dtype_name;
  model->cuda = choice.cuda;
  model->device_note = choice.note;
  return model;
}

void reportNotices(const LoadedModel& model, const WorkContext& work) {
  if (!model.device_note.empty()) work.progress->warn(model.device_note);
  if (!model.tokenizer) return;
  for (const std::string& notice : model.tokenizer->notices()) work.progress->warn(notice);
}

void placeModel(LoadedModel& model, const MemoryQuestion& question, const WorkContext& work) {
  if (model.cuda.empty()) return;
  reportAttentionTo([progress = work.progress](const std::string& text) { progress->warn(text); });
  if (model.decoder) return;
  DeviceChoice choice{.load = model.load, .dtype_name = model.dtype_name, .cuda = model.cuda};
  placeOnDevices(choice, model.config, question);
  model.load = choice.load;
}

void loadWeights(LoadedModel& model, const WorkContext& work) {
  if (!model.decoder) model.decoder.emplace(Decoder::load(model.folder, model.load, work));
}

}  // namespace kvatlas::capture
