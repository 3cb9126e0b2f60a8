#include "capture/session/session.h"

#include <algorithm>
#include <chrono>
#include <cmath>

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

policy::Shape shapeOf(const ModelConfig& config, const PreparedPrompt& prompt) {
  return {config.layers, config.query_heads, config.kv_heads, static_cast<std::uint32_t>(prompt.ids.size())};
}

}  // namespace

Session::Session(const SessionOptions& options, const WorkContext& work)
    : m_options(options), m_model(openModel(options)) {
  m_prompt = preparePrompt(options.prompt, options.model, config(), tokenizer());
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
std::size_t Session::elementBytes() const {
  return c10::elementSize(m_model->load.dtype);
}

void Session::loadWeights(const WorkContext& work) {
  capture::loadWeights(*m_model, work);
}

void Session::setLayerSink(LayerSink sink, const StatisticsRequest& request, std::vector<bool> wanted_layers) {
  m_sink = std::move(sink);
  m_sink_request = request;
  m_sink_layers = std::move(wanted_layers);
}

SessionResult Session::run(const WorkContext& work, const std::function<void(std::size_t, TokenId)>& on_token) {
  SessionResult result;
  const bool measure = m_options.measure && m_branches.size() > 1 && m_options.max_new_tokens > 0;
  SignalCollector collector(config(), requestFor(m_options.methods, window(), measure), m_options.threads);
  if (m_sink) collector.setSink(m_sink, m_sink_request, m_sink_layers);

  auto start = Clock::now();
  PrefillResult prefill = decoder().prefill(m_prompt.ids, &collector, work);
  result.prefill_seconds = secondsSince(start);
  result.next_logits.assign(prefill.next_logits.const_data_ptr<float>(),
                            prefill.next_logits.const_data_ptr<float>() + prefill.next_logits.numel());
  requireFinite(result.next_logits, config());

  result.branches = m_branches;
  const std::vector<policy::LayerSignals> signals = collector.signals();
  decideBranches(result.branches, signals);
  for (const Branch& branch : result.branches) result.branch_seconds.push_back(branch.decide_seconds);
  std::vector<BranchCache> caches =
      gatherCaches(config(), result.branches, prefill.cache, m_options.max_new_tokens, result.branch_seconds, work);

  start = Clock::now();
  const DecodeStart from{.branches = result.branches,
                         .caches = caches,
                         .next_logits = prefill.next_logits,
                         .last_row = [&](LayerIndex layer) { return collector.lastRow(layer); },
                         .prompt_tokens = m_prompt.ids.size()};
  const DecodeOptions decode{.max_new_tokens = m_options.max_new_tokens,
                             .follow = m_options.follow,
                             .threads = m_options.threads,
                             .measure = measure,
                             .on_token = on_token,
                             .finished = m_finished};
  result.tracks = decodeBranches(decoder(), from, decode, work);
  result.decode_seconds = secondsSince(start);
  for (double& seconds : result.branch_seconds)
    seconds += result.decode_seconds / static_cast<double>(result.branches.size());
  return result;
}

}  // namespace kvatlas::capture
