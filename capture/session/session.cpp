#include "capture/session/session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>

#include "capture/session/branch_store.h"
#include "capture/session/entry_forms.h"
#include "capture/session/signals/reconstruction.h"
#include "core/base/error.h"
#include "core/policy/parts.h"
#include "core/runs/names.h"

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

// Gathers every branch's rows layer by layer; releases each layer of the prefill once it is copied, unless it is
// needed again.
void gatherRows(BranchStore& store, EntryForms& forms, std::vector<LayerCache>& prefill, bool release,
                std::span<double> seconds, const WorkContext& work) {
  for (LayerCache& layer : prefill) {
    work.checkStop();
    store.gather(layer.key, layer.value, seconds);
    forms.gathered(layer.key, layer.value, seconds);
    if (release) layer = {};
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

// Rows beside those kept of the prompt: the question, and what is generated. A list that is cut back every K tokens
// grows by K at most, unless the prompt was below the budget.
std::vector<std::uint32_t> reserves(std::span<const Branch> branches, std::uint32_t question,
                                    std::uint32_t new_tokens) {
  std::vector<std::uint32_t> rows;
  for (const Branch& branch : branches) {
    const std::uint32_t every = branch.decidesAgainEvery();
    rows.push_back(question + (every > 0 && !branch.decision.everything ? std::min(every, new_tokens) : new_tokens));
  }
  return rows;
}

bool readsPass(const Branch& branch) {
  return branch.request.method->needs.contains(Signal::Reconstruction);
}

// [branches]; empty where every query reads all that is held.
std::vector<std::optional<policy::PageReading>> readingOf(std::span<const Branch> branches) {
  std::vector<std::optional<policy::PageReading>> reading;
  for (const Branch& branch : branches)
    reading.push_back(policy::pageReading(*branch.request.method, branch.setting, branch.decision));
  if (std::ranges::none_of(reading, [](const auto& one) { return one.has_value(); })) reading.clear();
  return reading;
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
  for (const Branch& branch : m_branches)
    policy::joinSignalParameters(m_signal_parameters, *branch.request.method, branch.setting);
  // The decoder warns when the prompt alone is too long.
  const std::uint64_t tokens = m_prompt.ids.size(), last = tokens + longestQuestion() + m_options.max_new_tokens;
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
    if (!branch.isFull())
      kept += static_cast<double>(
          branch.request.method->reads_pages ? tokens : std::min<std::uint64_t>(branch.setting.budget, tokens));
  const auto others = static_cast<double>(m_branches.size() - 1);
  const double repeat = m_options.granularity == policy::Granularity::QueryHead
                            ? static_cast<double>(config().query_heads) / config().kv_heads
                            : 1.0;
  return {.tokens = tokens,
          .new_tokens = longestQuestion() + m_options.max_new_tokens,
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

std::size_t Session::longestQuestion() const {
  std::size_t longest = 0;
  for (const text::PreparedQuestion& question : m_prompt.questions) longest = std::max(longest, question.ids.size());
  return longest;
}

SessionResult Session::run(const WorkContext& work, const std::function<void(std::size_t, TokenId)>& on_token) {
  if (m_prompt.questions.size() > 1) throw std::logic_error("run() of a session with several questions");
  return std::move(runAll(work, on_token).front());
}

std::vector<SessionResult> Session::runAll(const WorkContext& work,
                                           const std::function<void(std::size_t, TokenId)>& on_token) {
  prefill(work);
  std::vector<SessionResult> results;
  const std::size_t count = std::max<std::size_t>(m_prompt.questions.size(), 1);
  for (std::size_t i = 0; i < count; ++i) {
    const auto question =
        m_prompt.questions.empty() ? std::span<const TokenId>() : std::span<const TokenId>(m_prompt.questions[i].ids);
    StepSink step_rows;
    if (m_step_sink)
      step_rows = [this, i](std::size_t branch, StepRows rows) { m_step_sink(i, branch, std::move(rows)); };
    const auto answer = prepare({.question = question,
                                 .max_new_tokens = m_options.max_new_tokens,
                                 .finished = m_finished,
                                 .on_token = on_token,
                                 .step_rows = std::move(step_rows),
                                 .last = i + 1 == count},
                                work);
    results.push_back(std::move(decodeAnswers({&answer, 1}, work).front()));
  }
  m_prefilled.reset();
  return results;
}

void Session::prefill(const WorkContext& work) {
  const bool measure = m_options.measure && m_branches.size() > 1 && m_options.max_new_tokens > 0;
  const bool attended = m_attended && m_options.max_new_tokens > 0;
  const bool last_row = (measure || attended || m_row_sink) && m_prompt.questions.empty();
  StatisticsRequest request = requestFor(m_options.methods, window(), last_row);
  request.parameters = m_signal_parameters;
  m_prefilled = std::make_shared<Prefilled>(Prefilled{.collector = {config(), request, m_options.threads},
                                                      .prefill = {},
                                                      .decided = {.branches = m_branches},
                                                      .measure = measure,
                                                      .attended = attended});
  SignalCollector& collector = m_prefilled->collector;
  collector.keepOfLastRow(measure || m_row_sink, attended);
  if (std::ranges::any_of(m_branches, [](const Branch& branch) { return branch.request.method->store->reads_queries; }))
    collector.keepQuerySquares();
  if (m_sink) collector.setSink(m_sink, m_sink_request, m_sink_layers);
  const auto start = Clock::now();
  collector.reportTo(work.progress);
  m_prefilled->prefill = decoder().prefill(m_prompt.ids, &collector, work);
  collector.finish();
  SessionResult& result = m_prefilled->decided;
  result.prefill_seconds = secondsSince(start);
  const at::Tensor& logits = m_prefilled->prefill.next_logits;
  result.next_logits.assign(logits.const_data_ptr<float>(), logits.const_data_ptr<float>() + logits.numel());
  requireFinite(result.next_logits, config());
  result.experts = m_prefilled->prefill.experts;
  result.pass_seconds = repeatPrompt(work);
  decideBranches(result.branches, collector.signals());
  if (m_prefilled->prefill.cache.front().key.is_cuda() && !readingOf(result.branches).empty())
    work.progress->warn("queries that choose pages do so on the host: all runs decode there");
  for (const Branch& branch : result.branches)
    result.branch_seconds.push_back(branch.decide_seconds + (readsPass(branch) ? result.pass_seconds : 0));
}

double Session::repeatPrompt(const WorkContext& work) {
  if (std::ranges::none_of(m_branches, readsPass)) return 0;
  const auto start = Clock::now();
  const auto number = [&](const char* name) {
    return static_cast<std::uint32_t>(std::stoul(m_signal_parameters.find(name)->second));
  };
  Reconstruction wanted{.ids = m_prompt.ids,
                        .cache = m_prefilled->prefill.cache,
                        .request = {},
                        .chunk = number("reconstruction.chunk"),
                        .sinks = number("reconstruction.sinks")};
  if (tokenizer())
    wanted.request = repeatRequest(*tokenizer(), m_model->folder, m_prompt.chat);
  else
    work.progress->warn(
        fmt::format("{} has no tokenizer: the prompt is repeated without words that ask for it", config().name));
  std::vector<std::vector<float>> layers = reconstruct(decoder(), wanted, work);
  for (std::uint32_t layer = 0; layer < layers.size(); ++layer) {
    const LayerIndex index(layer);
    if (m_pass_sink && m_prefilled->collector.sinkWants(index))
      m_pass_sink(index, Signal::Reconstruction, layers[layer]);
    m_prefilled->collector.add(index, Signal::Reconstruction, std::move(layers[layer]));
  }
  return secondsSince(start);
}

std::unique_ptr<PendingAnswer> Session::prepare(const AnswerRequest& request, const WorkContext& work) {
  if (!m_prefilled || m_prefilled->prefill.cache.empty())
    throw std::logic_error("prepare() without a prefill, or after the last answer");
  auto answer = std::make_unique<PendingAnswer>(PendingAnswer{.model = m_model,
                                                              .prefilled = m_prefilled,
                                                              .result = m_prefilled->decided,
                                                              .question = request.question,
                                                              .prompt_tokens = m_prompt.ids.size(),
                                                              .parameters = m_signal_parameters,
                                                              .options = {.max_new_tokens = request.max_new_tokens,
                                                                          .follow = m_options.follow,
                                                                          .threads = m_options.threads,
                                                                          .measure = m_prefilled->measure,
                                                                          .attended = m_prefilled->attended,
                                                                          .on_token = request.on_token,
                                                                          .full_rows = m_row_sink,
                                                                          .step_rows = request.step_rows,
                                                                          .finished = request.finished}});
  const std::vector<Branch>& branches = answer->result.branches;
  for (const Branch& branch : branches)
    answer->held.emplace_back(branch.decision, static_cast<TokenIndex>(m_prompt.ids.size()));
  answer->redeciders = makeRedeciders(branches, answer->held, m_prefilled->collector.signals());
  std::vector<LayerCache>& cache = m_prefilled->prefill.cache;
  answer->store = makeBranchStore(
      {.config = config(),
       .held = answer->held,
       .reserve = reserves(branches, static_cast<std::uint32_t>(request.question.size()), request.max_new_tokens),
       .threads = m_options.threads,
       .reading = readingOf(branches)},
      cache.front().key.is_cuda());
  answer->forms =
      std::make_unique<EntryForms>(EntryForms::Request{.config = config(),
                                                       .branches = branches,
                                                       .held = answer->held,
                                                       .store = *answer->store,
                                                       .element_bytes = runs::elementBytes(dtypeName()),
                                                       .threads = m_options.threads,
                                                       .query_squares = [prefilled = m_prefilled](LayerIndex layer) {
                                                         return prefilled->collector.querySquares(layer);
                                                       }});
  gatherRows(*answer->store, *answer->forms, cache, request.last, answer->result.branch_seconds, work);
  for (std::size_t b = 0; b < branches.size(); ++b) answer->result.branch_bytes.push_back(answer->forms->bytes(b));
  if (request.last) cache.clear();
  return answer;
}

DecodeStart PendingAnswer::start() {
  return {.held = held,
          .redeciders = redeciders,
          .parameters = parameters,
          .store = *store,
          .forms = *forms,
          .next_logits = prefilled->prefill.next_logits,
          .last_row = [this](LayerIndex layer) { return prefilled->collector.lastRow(layer); },
          .last_top = [this](LayerIndex layer) { return prefilled->collector.lastTop(layer); },
          .prompt_tokens = prompt_tokens,
          .question = question};
}

std::vector<SessionResult> decodeAnswers(std::span<const std::unique_ptr<PendingAnswer>> answers,
                                         const WorkContext& work) {
  std::vector<DecodeJob> jobs;
  for (const auto& answer : answers) jobs.push_back({answer->start(), &answer->options});
  const LoadedModel& model = *answers.front()->model;
  const auto start = Clock::now();
  std::vector<std::vector<DecodeTrack>> tracks = decodeTogether(*model.decoder, jobs, work);
  const double seconds = secondsSince(start) / static_cast<double>(answers.size());
  std::vector<SessionResult> results;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    SessionResult& result = results.emplace_back(std::move(answers[i]->result));
    result.tracks = std::move(tracks[i]);
    result.decode_seconds = seconds;
    for (double& spent : result.branch_seconds) spent += seconds / static_cast<double>(result.branches.size());
    if (const std::string notice = idsWithoutText(model, result); !notice.empty()) work.progress->warn(notice);
  }
  return results;
}

}  // namespace kvatlas::capture
