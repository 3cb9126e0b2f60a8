#include "capture/session/prompt_decoding.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "capture/session/signals/entry_signals.h"
#include "core/analysis/mass.h"
#include "kernels/parallel.h"

namespace kvatlas::capture {
namespace {

// Most probabilities that one pass over tokens of a question writes down: 128 MB.
constexpr std::uint64_t kMostProbabilities = std::uint64_t{1} << 25U;

constexpr float kNotMeasured = std::numeric_limits<float>::quiet_NaN();

// The lowest index of the largest logit; NaN never wins.
TokenId argmax(std::span<const float> logits) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < logits.size(); ++i)
    if (logits[i] > logits[best] || std::isnan(logits[best])) best = i;
  return static_cast<TokenId>(best);
}

}  // namespace

PromptDecoding::PromptDecoding(const Decoder& decoder, const DecodeStart& start, const DecodeOptions& options)
    : m_decoder(decoder),
      m_config(decoder.config()),
      m_start(start),
      m_options(options),
      m_tracks(start.held.size()),
      m_active(start.held.size(), options.max_new_tokens > 0),
      m_with_full(start.held.size(), true),
      m_queries(m_config.layers),
      m_rows(m_config, start.held) {
  if (options.measure && m_tracks.size() > 1)
    m_meter.emplace(m_config, start.held, options.max_new_tokens, options.threads,
                    [&store = start.store](std::size_t branch, std::uint32_t head) {
                      return store.readRows(branch, head);  // everything is held: rows are positions
                    });
  if (options.attended) m_attended.emplace(m_config, start.held, options.threads);
}

void PromptDecoding::begin(const WorkContext& work) {
  if (m_options.max_new_tokens == 0) return;
  if (m_start.question.empty())
    takeFirstToken();
  else
    feedQuestion(work);
}

bool PromptDecoding::chooseBatch() {
  m_batch.clear();
  for (std::size_t b = 0; b < m_active.size(); ++b)
    if (m_active[b]) m_batch.push_back(b);
  return !m_batch.empty();
}

void PromptDecoding::beginStep(std::vector<TokenId>& ids, std::vector<std::uint64_t>& positions) {
  ++m_step;
  m_measured = true;
  for (const std::size_t branch : m_batch) ids.push_back(fedTo(branch));
  beginMeasuring();
  for (const std::size_t branch : m_batch) m_start.held[branch].append();
  beginRows(1);
  for (const std::size_t branch : m_batch) positions.push_back(m_start.held[branch].nextPosition() - 1);
}

at::Tensor PromptDecoding::attend(LayerIndex layer, const at::Tensor& query, const at::Tensor& key,
                                  const at::Tensor& value) {
  m_start.store.append(layer, key, value);
  if (!m_start.redeciders.empty()) m_queries[layer.value] = query;
  at::Tensor output = m_start.store.attend(layer, query, m_rows);
  takeRows(layer);
  return output;
}

void PromptDecoding::endStep(const at::Tensor& logits) {
  takeTop();
  choose(logits);
  decideAgain();
  m_start.forms.settle(m_batch);
}

std::vector<DecodeTrack> PromptDecoding::takeTracks() {
  for (std::size_t b = 0; b < m_tracks.size(); ++b) {
    DecodeTrack& track = m_tracks[b];
    track.merged = m_start.forms.takeMerged(b);
    track.rows = takeMeasured(b);
    if (m_attended) track.question_attended = m_attended->takeQuestionOf(b);
  }
  return std::move(m_tracks);
}

StepRows PromptDecoding::takeMeasured(std::size_t branch) {
  StepRows rows{.evicted = m_start.held[branch].takeLog()};
  if (m_meter) {
    BranchMass mass = m_meter->takeMass(branch);
    for (const float value : mass.retained) m_tracks[branch].mean.retained.add(value);
    for (const float value : mass.oracle) m_tracks[branch].mean.oracle.add(value);
    rows.retained = std::move(mass.retained);
    rows.oracle = std::move(mass.oracle);
  }
  if (m_attended) rows.attended = m_attended->take(branch);
  return rows;
}

// Once a step is measured: a branch's token is chosen after everything else of it.
void PromptDecoding::handOn() {
  if (!m_options.step_rows) return;
  for (std::size_t b = 0; b < m_tracks.size(); ++b) {
    if (m_tracks[b].ids.empty() || m_tracks[b].ids.size() % trace::kStepBlock != 0) continue;
    if (StepRows rows = takeMeasured(b); !rows.empty()) m_options.step_rows(b, std::move(rows));
  }
}

bool PromptDecoding::ended(TokenId id) const {
  return std::ranges::find(m_config.eos_ids, id) != m_config.eos_ids.end();
}

TokenId PromptDecoding::fedTo(std::size_t branch) const {
  return m_tracks[m_options.follow == Follow::Full ? 0 : branch].ids.back();
}

std::vector<std::size_t> PromptDecoding::watchedBranches() const {
  std::vector<std::size_t> watched;
  for (const std::size_t branch : m_batch) {
    const cache::Redecider* decider = redecider(branch);
    if ((branch == 0 && (m_meter || m_options.full_rows)) || m_start.forms.readsProbabilities(branch) ||
        (decider != nullptr && decider->readsProbabilities()))
      watched.push_back(branch);
  }
  return watched;
}
cache::Redecider* PromptDecoding::redecider(std::size_t branch) const {
  if (m_start.redeciders.empty() || !m_start.redeciders[branch]) return nullptr;
  return &*m_start.redeciders[branch];
}

// Step 0: every branch has the full prompt behind it, so all choose the same token.
void PromptDecoding::takeFirstToken() {
  if (m_meter) m_meter->beginStep(m_active);
  if (m_attended) m_attended->beginStep(m_active);
  for (std::uint32_t i = 0; (m_meter || m_attended || m_options.full_rows) && i < m_config.layers; ++i) {
    const LayerIndex layer{i};
    if (m_options.full_rows) giveLastRow(layer);
    if (m_meter) m_meter->measurePrompt(layer, m_start.last_row(layer));
    if (m_attended) m_attended->takePrompt(layer, m_start.last_top(layer));
  }
  const TokenId first =
      argmax({m_start.next_logits.const_data_ptr<float>(), static_cast<std::size_t>(m_start.next_logits.numel())});
  for (std::size_t b = 0; b < m_tracks.size(); ++b) {
    if (b > 0 && m_options.measure) m_tracks[b].kl.push_back(0.0F);
    take(b, first);
  }
  handOn();
  endStopped();
}

void PromptDecoding::take(std::size_t branch, TokenId id) {
  m_tracks[branch].ids.push_back(id);
  m_tracks[branch].held_rows.push_back(m_start.held[branch].heldRows());
  m_tracks[branch].held_bytes.push_back(m_start.forms.bytes(branch));
  if (m_options.on_token) m_options.on_token(branch, id);
}

// A branch ends with its own end token; with Follow::Full all end with the full cache's.
void PromptDecoding::endStopped() {
  for (std::size_t b = 0; b < m_active.size(); ++b)
    if (m_active[b] && (ended(fedTo(b)) || m_tracks[b].ids.size() >= m_options.max_new_tokens || finished(b)))
      m_active[b] = false;
}

bool PromptDecoding::finished(std::size_t branch) const {
  return m_options.finished && m_options.finished(m_tracks[m_options.follow == Follow::Full ? 0 : branch].ids);
}

// The question goes into every cache, in chunks; every branch chooses its first token behind it.
void PromptDecoding::feedQuestion(const WorkContext& work) {
  (void)chooseBatch();
  if (m_attended) m_attended->beginQuestion(static_cast<std::uint32_t>(m_start.question.size()));
  const std::size_t most = questionTokensAtOnce();
  for (std::size_t begin = 0; begin < m_start.question.size(); begin += most) {
    work.checkStop();
    const auto ids = m_start.question.subspan(begin, std::min(most, m_start.question.size() - begin));
    const auto tokens = static_cast<std::uint32_t>(ids.size());
    for (cache::HeldTokens& held : m_start.held) held.appendQuestion(tokens);
    m_question_done = static_cast<std::uint32_t>(begin);
    m_measured = begin + tokens == m_start.question.size();
    if (m_measured) beginMeasuring();
    std::vector<TokenId> fed;
    for (std::size_t b = 0; b < m_batch.size(); ++b) fed.insert(fed.end(), ids.begin(), ids.end());
    choose(feed(fed, tokens));
  }
  std::vector<std::size_t> every(m_tracks.size());
  std::iota(every.begin(), every.end(), std::size_t{0});
  m_start.forms.settle(every);  // at once: the chunks depend on how many branches there are
}

// One pass of the decoder takes as many rows as a chunk of a prefill.
std::size_t PromptDecoding::questionTokensAtOnce() const {
  std::uint64_t rows = 0;  // that one query head of each branch sees, mean
  for (const cache::HeldTokens& held : m_start.held)
    rows += held.heldRows() / (std::uint64_t{held.layers()} * held.heads()) + m_start.question.size();
  const auto chunk = static_cast<std::uint64_t>(m_decoder.options().row_chunk) / m_batch.size();
  return std::max<std::uint64_t>(1, std::min(chunk, kMostProbabilities / (rows * m_config.query_heads)));
}

void PromptDecoding::beginMeasuring() {
  if (m_meter) m_meter->beginStep(m_active);
  if (m_attended) m_attended->beginStep(m_active);
}

// After the step's tokens have been appended to the held tokens.
void PromptDecoding::beginRows(std::uint32_t tokens) {
  const std::vector<std::size_t> watched = watchedBranches();
  m_rows.beginStep(watched, tokens);
  const StepWatch watch{.probabilities = watched,
                        .top = m_attended ? std::span<const std::size_t>(m_batch) : std::span<const std::size_t>()};
  m_start.store.beginStep(m_batch, watch, tokens);
}

// Feeds `tokens` tokens of the question to each branch of the batch, which holds them already: ids [B · tokens].
// Logits [B, vocab] of the last ones; none where nothing is chosen.
at::Tensor PromptDecoding::feed(std::span<const TokenId> ids, std::uint32_t tokens) {
  beginRows(tokens);
  std::vector<std::uint64_t> positions;
  std::vector<std::int64_t> last;
  for (const std::size_t branch : m_batch) {
    const std::uint64_t end = m_start.held[branch].nextPosition();
    for (std::uint64_t position = end - tokens; position < end; ++position) positions.push_back(position);
    if (m_measured) last.push_back(static_cast<std::int64_t>(positions.size()) - 1);
  }
  const auto attention = [&](LayerIndex layer, const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value) { return attend(layer, query, key, value); };
  at::Tensor logits = tokens == 1 && m_measured
                          ? m_decoder.step(ids, positions, m_start.prompt_tokens, attention)
                          : m_decoder.step(ids, positions, m_start.prompt_tokens, attention, last);
  takeTop();
  return logits;
}

// Once all layers of a step have attended, before the cache changes.
void PromptDecoding::takeTop() {
  if (!m_attended) return;
  const TopKeys& top = m_start.store.topKeys();
  if (m_measured) m_attended->takeStep(top);
  if (m_step == 0) m_attended->takeQuestion(top, m_question_done);
}

// Every branch of the batch takes its likeliest token. logits: [B, vocab], or empty before the end of a question.
void PromptDecoding::choose(const at::Tensor& logits) {
  if (!m_measured) return;
  const auto vocab = static_cast<std::size_t>(logits.size(1));
  const std::span<const float> all(logits.const_data_ptr<float>(), vocab * m_batch.size());
  if (m_options.measure) measureKl(all, vocab);
  for (std::size_t i = 0; i < m_batch.size(); ++i) take(m_batch[i], argmax(all.subspan(i * vocab, vocab)));
  handOn();
  markDiverged();
  endStopped();
}

// Of the branches that go on.
void PromptDecoding::decideAgain() {
  std::vector<BranchRows> given_up;
  for (std::size_t i = 0; i < m_batch.size(); ++i) {
    const std::size_t branch = m_batch[i];
    const cache::Redecider* decider = m_active[branch] ? redecider(branch) : nullptr;
    if (decider == nullptr || !decider->due(m_step)) continue;
    const cache::HeldTokens& held = m_start.held[branch];
    cache::EntrySignals entries;
    const NewestQuery query = [&, i](LayerIndex layer) { return m_queries[layer.value][static_cast<std::int64_t>(i)]; };
    if (decider->readsEntries())
      entries = entrySignals(m_decoder, m_start.store, branch, held, m_start.parameters, query);
    const bool at_once = !entries || m_start.store.editsAtOnce();
    BranchRows rows{branch, decider->rowsToEvict(held, at_once ? m_options.threads : 1, entries)};
    if (!rows.rows.empty()) given_up.push_back(std::move(rows));
  }
  if (given_up.empty()) return;
  m_start.forms.giveUp(given_up);
  m_start.store.compact(given_up);
  for (const BranchRows& rows : given_up) redecider(rows.branch)->evict(m_step, rows.rows, m_start.held[rows.branch]);
}

void PromptDecoding::giveLastRow(LayerIndex layer) {
  const std::span<const float> rows = m_start.last_row(layer);
  const std::size_t tokens = rows.size() / m_config.query_heads;
  kernels::parallelFor(m_config.query_heads, m_options.threads, [&](std::size_t head, unsigned) {
    m_options.full_rows(0, layer, static_cast<std::uint32_t>(head), 0, rows.subspan(head * tokens, tokens));
  });
}

// The full cache holds every position, so that its rows are positions.
void PromptDecoding::giveFullRows(LayerIndex layer) {
  kernels::parallelFor(m_config.query_heads, m_options.threads, [&](std::size_t head, unsigned) {
    const WatchedRow row = m_rows.row(0, static_cast<std::uint32_t>(head), m_rows.tokens() - 1);
    m_options.full_rows(m_step, layer, static_cast<std::uint32_t>(head), row.hidden, row.mass);
  });
}

// Looks at the probabilities of a layer that the batch has just attended in.
void PromptDecoding::takeRows(LayerIndex layer) {
  if (m_options.full_rows && m_measured && fullInBatch()) giveFullRows(layer);
  if (m_meter && m_measured && fullInBatch()) m_meter->measureStep(layer, m_rows);
  if (m_start.redeciders.empty()) return;  // nobody else reads them
  const std::size_t heads = m_config.query_heads;
  kernels::parallelFor(m_rows.watched().size() * heads, m_options.threads, [&](std::size_t task, unsigned) {
    const auto head = static_cast<std::uint32_t>(task % heads);
    const std::size_t branch = m_rows.watched()[task / heads];
    cache::Redecider* const decider = redecider(branch);
    const bool decides = decider != nullptr && decider->readsProbabilities();
    const bool merges = m_start.forms.readsProbabilities(branch);
    for (std::uint32_t token = 0; (decides || merges) && token < m_rows.tokens(); ++token) {
      const WatchedRow row = m_rows.row(task / heads, head, token);
      if (decides) decider->take(layer, head, row.hidden, row.mass);
      if (merges) m_start.forms.take(branch, layer, head, row.hidden, row.mass);
    }
  });
}

void PromptDecoding::measureKl(std::span<const float> logits, std::size_t vocab) {
  kernels::parallelFor(m_batch.size(), m_options.threads, [&](std::size_t i, unsigned) {
    const std::size_t branch = m_batch[i];
    if (branch == 0) return;
    const bool comparable = fullInBatch() && m_with_full[branch];
    m_tracks[branch].kl.push_back(
        comparable ? static_cast<float>(analysis::klDivergence(logits.first(vocab), logits.subspan(i * vocab, vocab)))
                   : kNotMeasured);
  });
}

// A branch that follows itself is comparable as long as it has been fed the full cache's tokens.
void PromptDecoding::markDiverged() {
  if (m_options.follow == Follow::Full) return;
  for (std::size_t b = 1; b < m_with_full.size(); ++b)
    if (m_with_full[b] && m_tracks[b].ids != m_tracks[0].ids) m_with_full[b] = false;
}

}  // namespace kvatlas::capture
