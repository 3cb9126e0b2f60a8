#include "capture/session/session.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "capture/session/cuda_probe.h"
#include "core/base/error.h"

namespace kvatlas::capture {
namespace {

using Clock = std::chrono::steady_clock;
double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

CacheShape cacheShape(const ModelConfig& config, const Branch& branch, std::uint32_t reserve) {
  return {.query_heads = config.query_heads,
          .kv_heads = config.kv_heads,
          .head_dim = config.head_dim,
          .stored_heads = branch.decision.heads,
          .sliding_window = config.sliding_window,
          .reserve = reserve};
}

// Gathers every branch's rows layer by layer and lets go of each layer of the prefill once it is copied.
std::vector<BranchCache> gatherCaches(const ModelConfig& config, std::span<const Branch> branches,
                                      std::vector<LayerCache>& prefill, std::uint32_t reserve,
                                      std::span<double> seconds, const WorkContext& work) {
  std::vector<BranchCache> caches;
  for (const Branch& branch : branches) caches.emplace_back(cacheShape(config, branch, reserve));
  for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
    work.checkStop();
    const at::Tensor key = prefill[layer].key.to(at::kCPU, at::kFloat).contiguous();
    const at::Tensor value = prefill[layer].value.to(at::kCPU, at::kFloat).contiguous();
    prefill[layer] = {};
    for (std::size_t b = 0; b < branches.size(); ++b) {
      const auto start = Clock::now();
      caches[b].addLayer(key, value, branches[b].decision, LayerIndex{layer});
      seconds[b] += secondsSince(start);
    }
  }
  return caches;
}

// The queries and keys of all layers were finite: what is not comes from behind the last attention.
void requireFinite(const std::vector<float>& logits, const ModelConfig& config) {
  if (std::ranges::all_of(logits, [](float logit) { return std::isfinite(logit); })) return;
  fail("the logits after layer {} are not finite: the weights or the compute type overflow", config.layers - 1);
}

// The same on the device. Branches share the queue's time: an equal share each.
void gatherOnDevice(DeviceBranches& device, std::vector<LayerCache>& prefill, std::span<double> seconds,
                    const WorkContext& work) {
  const auto start = Clock::now();
  for (LayerCache& layer : prefill) {
    work.checkStop();
    device.addLayer(layer.key, layer.value);
    layer = {};
  }
  for (double& branch : seconds) branch += secondsSince(start) / static_cast<double>(seconds.size());
}

policy::Shape shapeOf(const ModelConfig& config, const PreparedPrompt& prompt) {
  return {config.layers, config.query_heads, config.kv_heads, static_cast<std::uint32_t>(prompt.ids.size())};
}

}  // namespace

Session::Session(const SessionOptions& options, const WorkContext& work)
    : m_options(options), m_model(openModel(options)) {
  reportNotices(*m_model, work);
  m_prompt = preparePrompt(options.prompt, options.model, config(), tokenizer());
  for (const std::string& notice : m_prompt.notices) work.progress->warn(notice);
  planAndWarn(work);
}

Session::Session(const SessionOptions& options, std::shared_ptr<LoadedModel> model, PreparedPrompt prompt,
                 const WorkContext& work)
    : m_options(options), m_model(std::move(model)), m_prompt(std::move(prompt)) {
  planAndWarn(work);
}

void Session::planAndWarn(const WorkContext& work) {
  m_branches = planBranches(m_options, shapeOf(config(), m_prompt));
  // A prompt that is too long itself is the decoder's to say.
  const std::uint64_t tokens = m_prompt.ids.size(), last = tokens + m_options.max_new_tokens;
  if (tokens <= config().max_positions && last > config().max_positions)
    work.progress->warn(fmt::format("generation reaches position {}; {} was made for {} positions", last, config().name,
                                    config().max_positions));
}

std::uint32_t Session::window() const {
  return std::min(m_options.window, static_cast<std::uint32_t>(m_prompt.ids.size()));
}

void Session::loadWeights(const WorkContext& work) {
  placeModel(*m_model, memoryQuestion(), work);
  capture::loadWeights(*m_model, work);
}

// What the branches keep is decided later; a budget says it beforehand.
MemoryQuestion Session::memoryQuestion() const {
  const std::uint64_t tokens = m_prompt.ids.size();
  double kept = 0;
  for (const Branch& branch : m_branches)
    if (!branch.isFull()) kept += static_cast<double>(std::min<std::uint64_t>(branch.setting.budget, tokens));
  const auto others = static_cast<double>(m_branches.size() - 1);
  const double repeat = m_options.granularity == policy::Granularity::QueryHead
                            ? static_cast<double>(config().query_heads) / config().kv_heads
                            : 1.0;
  return {.tokens = tokens,
          .new_tokens = m_options.max_new_tokens,
          .branches = m_branches.size(),
          .kept_share = others > 0 ? kept / others / static_cast<double>(tokens) * repeat : 0.0};
}

std::string idsWithoutText(const LoadedModel& model, const SessionResult& result) {
  if (!model.tokenizer) return {};
  std::size_t count = 0;
  for (const DecodeTrack& track : result.tracks)
    count += static_cast<std::size_t>(
        std::ranges::count_if(track.ids, [&](TokenId id) { return !model.tokenizer->has(id); }));
  if (count == 0) return {};
  return fmt::format("{} generated token{} no text: {} has a vocabulary of {} ids, its tokenizer {}", count,
                     count == 1 ? " has" : "s have", model.config.name, model.config.vocab_size,
                     model.tokenizer->vocabularySize());
}

void Session::setLayerSink(LayerSink sink, const StatisticsRequest& request, std::vector<bool> wanted_layers) {
  m_sink = std::move(sink);
  m_sink_request = request;
  m_sink_layers = std::move(wanted_layers);
}

SessionResult Session::run(const WorkContext& work, const std::function<void(std::size_t, TokenId)>& on_token) {
  SessionResult result;
  const bool measure = m_options.measure && m_branches.size() > 1 && m_options.max_new_tokens > 0;
  const bool attended = m_attended && m_options.max_new_tokens > 0;
  SignalCollector collector(config(), requestFor(m_options.methods, window(), measure || attended), m_options.threads);
  if (m_sink) collector.setSink(m_sink, m_sink_request, m_sink_layers);

  auto start = Clock::now();
  collector.reportTo(work.progress);
  PrefillResult prefill = decoder().prefill(m_prompt.ids, &collector, work);
  collector.finish();
  result.prefill_seconds = secondsSince(start);
  result.next_logits.assign(prefill.next_logits.const_data_ptr<float>(),
                            prefill.next_logits.const_data_ptr<float>() + prefill.next_logits.numel());
  requireFinite(result.next_logits, config());

  result.branches = m_branches;
  const std::vector<policy::LayerSignals> signals = collector.signals();
  decideBranches(result.branches, signals);
  for (const Branch& branch : result.branches) result.branch_seconds.push_back(branch.decide_seconds);
  std::vector<BranchCache> caches;
  std::optional<DeviceBranches> device;
  if (prefill.cache.front().key.is_cuda())
    gatherOnDevice(
        device.emplace(cudaKernels(), config(), result.branches, m_prompt.ids.size(), m_options.max_new_tokens),
        prefill.cache, result.branch_seconds, work);
  else
    caches =
        gatherCaches(config(), result.branches, prefill.cache, m_options.max_new_tokens, result.branch_seconds, work);

  start = Clock::now();
  const DecodeStart from{.branches = result.branches,
                         .caches = caches,
                         .device = device ? &*device : nullptr,
                         .next_logits = prefill.next_logits,
                         .last_row = [&](LayerIndex layer) { return collector.lastRow(layer); },
                         .prompt_tokens = m_prompt.ids.size()};
  const DecodeOptions decode{.max_new_tokens = m_options.max_new_tokens,
                             .follow = m_options.follow,
                             .threads = m_options.threads,
                             .measure = measure,
                             .attended = attended,
                             .on_token = on_token,
                             .finished = m_finished};
  result.tracks = decodeBranches(decoder(), from, decode, work);
  result.decode_seconds = secondsSince(start);
  for (double& seconds : result.branch_seconds)
    seconds += result.decode_seconds / static_cast<double>(result.branches.size());
  if (const std::string notice = idsWithoutText(*m_model, result); !notice.empty()) work.progress->warn(notice);
  return result;
}

}  // namespace kvatlas::capture
