#include "capture/session/session.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "capture/session/branch_store.h"
#include "core/base/error.h"

namespace kvatlas::capture {
namespace {

using Clock = std::chrono::steady_clock;
double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The queries and keys of all layers were finite, so the overflow is after the last attention.
void requireFinite(const std::vector<float>& logits, const ModelConfig& config) {
  if (std::ranges::all_of(logits, [](float logit) { return std::isfinite(logit); })) return;
  fail("the logits after layer {} are not finite: the weights or the compute type overflow", config.layers - 1);
}

// Gathers every branch's rows layer by layer and lets go of each layer of the prefill once it is copied.
void gatherRows(BranchStore& store, std::vector<LayerCache>& prefill, std::span<double> seconds,
                const WorkContext& work) {
  for (LayerCache& layer : prefill) {
    work.checkStop();
    store.gather(layer.key, layer.value, seconds);
    layer = {};
  }
}

// [branches]; empty where none decides again.
std::vector<std::optional<cache::Redecider>> makeRedeciders(std::span<const Branch> branches,
                                                            std::span<const cache::HeldTokens> held,
                                                            std::span<const LayerSignals> prompt) {
  std::vector<std::optional<cache::Redecider>> redeciders;
  if (std::ranges::all_of(branches, [](const Branch& branch) { return branch.decidesAgainEvery() == 0; }))
    return redeciders;
  redeciders.resize(branches.size());
  for (std::size_t b = 0; b < branches.size(); ++b) {
    if (branches[b].decidesAgainEvery() > 0)
      redeciders[b].emplace(*branches[b].request.method, branches[b].setting, branches[b].decision, held[b], prompt);
  }
  return redeciders;
}

// Rows beside those kept of the prompt: a list that is cut back every K tokens grows by K at most, unless the prompt
// was below the budget.
std::vector<std::uint32_t> reserves(std::span<const Branch> branches, std::uint32_t new_tokens) {
  std::vector<std::uint32_t> rows;
  for (const Branch& branch : branches) {
    const std::uint32_t every = branch.decidesAgainEvery();
    rows.push_back(every > 0 && !branch.decision.everything ? std::min(every, new_tokens) : new_tokens);
  }
  return rows;
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
  // The decoder warns when the prompt alone is too long.
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

// The branches decide later what they keep; the budget gives its size now.
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
  result.experts = std::move(prefill.experts);

  result.branches = m_branches;
  const std::vector<policy::LayerSignals> signals = collector.signals();
  decideBranches(result.branches, signals);
  for (const Branch& branch : result.branches) result.branch_seconds.push_back(branch.decide_seconds);
  std::vector<cache::HeldTokens> held;
  for (const Branch& branch : result.branches)
    held.emplace_back(branch.decision, static_cast<TokenIndex>(m_prompt.ids.size()));
  std::vector<std::optional<cache::Redecider>> redeciders = makeRedeciders(result.branches, held, signals);
  const std::unique_ptr<BranchStore> store =
      makeBranchStore({.config = config(),
                       .held = held,
                       .reserve = reserves(result.branches, m_options.max_new_tokens),
                       .threads = m_options.threads},
                      prefill.cache.front().key.is_cuda());
  gatherRows(*store, prefill.cache, result.branch_seconds, work);

  start = Clock::now();
  const DecodeStart from{.held = held,
                         .redeciders = redeciders,
                         .store = *store,
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
