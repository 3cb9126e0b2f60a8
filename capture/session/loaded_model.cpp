#include "capture/session/loaded_model.h"

#include <ATen/Parallel.h>

#include "capture/model/cuda_attention.h"
#include "capture/session/device/device.h"
#include "capture/session/prompt.h"
#include "core/base/error.h"
#include "core/base/host_memory.h"
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

namespace {

// What is allocated beyond the machine's memory ends this process or another without a word.
void planHostMemory(LoadedModel& model, MemoryQuestion question) {
  question.element_bytes = c10::elementSize(model.load.dtype);
  question.row_chunk = static_cast<std::uint64_t>(
      model.load.row_chunk > 0 ? model.load.row_chunk : Decoder::defaultRowChunk(model.load.device));
  const HostNeed need = hostNeed(model.config, question);
  model.load.beside_weights = need.least;
  model.memory_about = need.about;
  const std::optional<std::uint64_t> available = availableMemory();
  if (!available) return;
  if (const std::string missing = missingHostMemory(model.config, question, *available); !missing.empty())
    fail("{}", missing);
}

// The estimate is rather high: no reason to refuse.
void warnOfLittleMemory(const LoadedModel& model, const WorkContext& work) {
  const std::optional<std::uint64_t> available = availableMemory();
  if (!available || model.memory_about <= *available) return;
  work.progress->warn(fmt::format("this run may take {:.1f} GB of memory beside the weights; {:.1f} GB are free",
                                  static_cast<double>(model.memory_about) / 1e9,
                                  static_cast<double>(*available) / 1e9));
}

}  // namespace

void placeModel(LoadedModel& model, const MemoryQuestion& question, const WorkContext& work) {
  if (model.cuda.empty()) {
    planHostMemory(model, question);
    return;
  }
  reportAttentionTo([progress = work.progress](const std::string& text) { progress->warn(text); });
  if (model.decoder) return;
  DeviceChoice choice{.load = model.load, .dtype_name = model.dtype_name, .cuda = model.cuda};
  placeOnDevices(choice, model.config, question);
  model.load = choice.load;
}

void loadWeights(LoadedModel& model, const WorkContext& work) {
  if (model.decoder) return;
  model.decoder.emplace(Decoder::load(model.folder, model.load, work));
  warnOfLittleMemory(model, work);
}

}  // namespace kvatlas::capture
