#include "capture/session/decode_loop.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>

#include "capture/session/entry_signals.h"
#include "capture/session/mass_meter.h"
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

class DecodeLoop {
 public:
  DecodeLoop(const Decoder& decoder, const DecodeStart& start, const DecodeOptions& options)
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

  // The first token of every branch.
  void begin(const WorkContext& work) {
    if (m_options.max_new_tokens == 0) return;
    if (m_start.question.empty())
      takeFirstToken();
    else
      feedQuestion(work);
  }

  // The branches that go on; false when all have ended.
  bool chooseBatch() {
    m_batch.clear();
    for (std::size_t b = 0; b < m_active.size(); ++b)
      if (m_active[b]) m_batch.push_back(b);
    return !m_batch.empty();
  }
  [[nodiscard]] std::size_t batchSize() const { return m_batch.size(); }

  // Begins a step: adds a token and its position for each branch of the batch, which then holds it.
  void beginStep(std::vector<TokenId>& ids, std::vector<std::uint64_t>& positions) {
    ++m_step;
    m_measured = true;
    for (const std::size_t branch : m_batch) ids.push_back(fedTo(branch));
    beginMeasuring();
    for (const std::size_t branch : m_batch) m_start.held[branch].append();
    beginRows(1);
    for (const std::size_t branch : m_batch) positions.push_back(m_start.held[branch].nextPosition() - 1);
  }

  // Attention of the batch's tokens in one layer: [rows, heads, d], branch after branch.
  [[nodiscard]] at::Tensor attend(LayerIndex layer, const at::Tensor& query, const at::Tensor& key,
                                  const at::Tensor& value) {
    m_start.store.append(layer, key, value);
    if (!m_start.redeciders.empty()) m_queries[layer.value] = query;
    at::Tensor output = m_start.store.attend(layer, query, m_rows);
    takeRows(layer);
    return output;
  }

  // logits: [batch, vocab]
  void endStep(const at::Tensor& logits) {
    takeTop();
    choose(logits);
    decideAgain();
    m_start.forms.settle(m_batch);
  }

  [[nodiscard]] std::vector<DecodeTrack> takeTracks() {
    takeMerged();
    if (m_options.max_new_tokens == 0) return std::move(m_tracks);
    for (std::size_t b = 1; m_meter && b < m_tracks.size(); ++b) {
      BranchMass mass = m_meter->takeMass(b);
      m_tracks[b].retained = std::move(mass.retained);
      m_tracks[b].oracle = std::move(mass.oracle);
    }
    for (std::size_t b = 0; b < m_tracks.size(); ++b) m_tracks[b].evicted = m_start.held[b].log();
    for (std::size_t b = 0; m_attended && b < m_tracks.size(); ++b) {
      m_tracks[b].attended = m_attended->take(b);
      m_tracks[b].question_attended = m_attended->takeQuestionOf(b);
    }
    return std::move(m_tracks);
  }

 private:
  void takeMerged() {
    for (std::size_t b = 0; b < m_tracks.size(); ++b) m_tracks[b].merged = m_start.forms.takeMerged(b);
  }
  [[nodiscard]] bool ended(TokenId id) const {
    return std::ranges::find(m_config.eos_ids, id) != m_config.eos_ids.end();
  }
  [[nodiscard]] TokenId fedTo(std::size_t branch) const {
    return m_tracks[m_options.follow == Follow::Full ? 0 : branch].ids.back();
  }
  [[nodiscard]] bool fullInBatch() const { return !m_batch.empty() && m_batch.front() == 0; }
  // The branches of the batch of which somebody reads all probabilities.
  [[nodiscard]] std::vector<std::size_t> watchedBranches() const {
    std::vector<std::size_t> watched;
    for (const std::size_t branch : m_batch) {
      const cache::Redecider* decider = redecider(branch);
      if ((branch == 0 && (m_meter || m_options.full_rows)) || m_start.forms.readsProbabilities(branch) ||
          (decider != nullptr && decider->readsProbabilities()))
        watched.push_back(branch);
    }
    return watched;
  }
  // Null for a branch that decides once.
  [[nodiscard]] cache::Redecider* redecider(std::size_t branch) const {
    if (m_start.redeciders.empty() || !m_start.redeciders[branch]) return nullptr;
    return &*m_start.redeciders[branch];
  }

  // Step 0: every branch has the full prompt behind it, so all choose the same token.
  void takeFirstToken() {
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
    endStopped();
  }

  void take(std::size_t branch, TokenId id) {
    m_tracks[branch].ids.push_back(id);
    m_tracks[branch].held_rows.push_back(m_start.held[branch].heldRows());
    m_tracks[branch].held_bytes.push_back(m_start.forms.bytes(branch));
    if (m_options.on_token) m_options.on_token(branch, id);
  }

  // A branch ends with its own end token; with Follow::Full all end with the full cache's.
  void endStopped() {
    for (std::size_t b = 0; b < m_active.size(); ++b)
      if (m_active[b] && (ended(fedTo(b)) || m_tracks[b].ids.size() >= m_options.max_new_tokens || finished(b)))
        m_active[b] = false;
  }

  [[nodiscard]] bool finished(std::size_t branch) const {
    return m_options.finished && m_options.finished(m_tracks[m_options.follow == Follow::Full ? 0 : branch].ids);
  }

  // The question goes into every cache, in chunks; every branch chooses its first token behind it.
  void feedQuestion(const WorkContext& work) {
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
    m_start.forms.settle(everyBranch());  // at once: the chunks depend on how many branches there are
  }

  [[nodiscard]] std::vector<std::size_t> everyBranch() const {
    std::vector<std::size_t> branches(m_tracks.size());
    std::iota(branches.begin(), branches.end(), std::size_t{0});
    return branches;
  }

  // One pass of the decoder takes as many rows as a chunk of a prefill.
  [[nodiscard]] std::size_t questionTokensAtOnce() const {
    std::uint64_t rows = 0;  // that one query head of each branch sees, mean
    for (const cache::HeldTokens& held : m_start.held)
      rows += held.heldRows() / (std::uint64_t{held.layers()} * held.heads()) + m_start.question.size();
    const auto chunk = static_cast<std::uint64_t>(m_decoder.options().row_chunk) / m_batch.size();
    return std::max<std::uint64_t>(1, std::min(chunk, kMostProbabilities / (rows * m_config.query_heads)));
  }

  void beginMeasuring() {
    if (m_meter) m_meter->beginStep(m_active);
    if (m_attended) m_attended->beginStep(m_active);
  }

  // After the step's tokens have been appended to the held tokens.
  void beginRows(std::uint32_t tokens) {
    const std::vector<std::size_t> watched = watchedBranches();
    m_rows.beginStep(watched, tokens);
    const StepWatch watch{.probabilities = watched,
                          .top = m_attended ? std::span<const std::size_t>(m_batch) : std::span<const std::size_t>()};
    m_start.store.beginStep(m_batch, watch, tokens);
  }

  // Feeds `tokens` tokens of the question to each branch of the batch, which holds them already: ids [B · tokens].
  // Logits [B, vocab] of the last ones; none where nothing is chosen.
  [[nodiscard]] at::Tensor feed(std::span<const TokenId> ids, std::uint32_t tokens) {
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
  void takeTop() {
    if (!m_attended) return;
    const TopKeys& top = m_start.store.topKeys();
    if (m_measured) m_attended->takeStep(top);
    if (m_step == 0) m_attended->takeQuestion(top, m_question_done);
  }

  // Every branch of the batch takes its likeliest token. logits: [B, vocab], or empty before the end of a question.
  void choose(const at::Tensor& logits) {
    if (!m_measured) return;
    const auto vocab = static_cast<std::size_t>(logits.size(1));
    const std::span<const float> all(logits.const_data_ptr<float>(), vocab * m_batch.size());
    if (m_options.measure) measureKl(all, vocab);
    for (std::size_t i = 0; i < m_batch.size(); ++i) take(m_batch[i], argmax(all.subspan(i * vocab, vocab)));
    markDiverged();
    endStopped();
  }

  // Of the branches that go on.
  void decideAgain() {
    std::vector<BranchRows> given_up;
    for (std::size_t i = 0; i < m_batch.size(); ++i) {
      const std::size_t branch = m_batch[i];
      const cache::Redecider* decider = m_active[branch] ? redecider(branch) : nullptr;
      if (decider == nullptr || !decider->due(m_step)) continue;
      const cache::HeldTokens& held = m_start.held[branch];
      cache::EntrySignals entries;
      const NewestQuery query = [&, i](LayerIndex layer) { return m_queries[layer.value][i]; };
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

  void giveLastRow(LayerIndex layer) {
    const std::span<const float> rows = m_start.last_row(layer);
    const std::size_t tokens = rows.size() / m_config.query_heads;
    kernels::parallelFor(m_config.query_heads, m_options.threads, [&](std::size_t head, unsigned) {
      m_options.full_rows(0, layer, static_cast<std::uint32_t>(head), 0, rows.subspan(head * tokens, tokens));
    });
  }

  // The full cache holds every position, so that its rows are positions.
  void giveFullRows(LayerIndex layer) {
    kernels::parallelFor(m_config.query_heads, m_options.threads, [&](std::size_t head, unsigned) {
      const WatchedRow row = m_rows.row(0, static_cast<std::uint32_t>(head), m_rows.tokens() - 1);
      m_options.full_rows(m_step, layer, static_cast<std::uint32_t>(head), row.hidden, row.mass);
    });
  }

  // Looks at the probabilities of a layer that the batch has just attended in.
  void takeRows(LayerIndex layer) {
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

  void measureKl(std::span<const float> logits, std::size_t vocab) {
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
  void markDiverged() {
    if (m_options.follow == Follow::Full) return;
    for (std::size_t b = 1; b < m_with_full.size(); ++b)
      if (m_tracks[b].ids != m_tracks[0].ids) m_with_full[b] = false;
  }

  const Decoder& m_decoder;
  const ModelConfig& m_config;
  const DecodeStart& m_start;
  const DecodeOptions& m_options;
  std::vector<DecodeTrack> m_tracks;
  std::vector<bool> m_active;
  std::vector<bool> m_with_full;      // fed the same tokens as full so far
  std::vector<std::size_t> m_batch;   // active branches, ascending: full first
  std::vector<at::Tensor> m_queries;  // [layers] of the step, [B, query_heads, d]; where somebody decides again
  WatchedRows m_rows;
  std::optional<MassMeter> m_meter;
  std::optional<AttendedTokens> m_attended;
  std::uint32_t m_step = 0;
  std::uint32_t m_question_done = 0;  // tokens of the question before those being fed
  bool m_measured = true;             // whether the tokens being fed end with one that chooses
};

using Loops = std::vector<std::unique_ptr<DecodeLoop>>;

// One pass of the model for the next token of every branch of every loop.
void stepTogether(const Decoder& decoder, std::span<DecodeLoop* const> loops) {
  std::vector<TokenId> ids;
  std::vector<std::uint64_t> positions;
  for (DecodeLoop* const loop : loops) loop->beginStep(ids, positions);
  const auto attention = [&](LayerIndex layer, const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value) {
    if (loops.size() == 1) return loops.front()->attend(layer, query, key, value);
    std::vector<at::Tensor> outputs;
    std::int64_t first = 0;
    for (DecodeLoop* const loop : loops) {
      const auto rows = static_cast<std::int64_t>(loop->batchSize());
      outputs.push_back(
          loop->attend(layer, query.narrow(0, first, rows), key.narrow(0, first, rows), value.narrow(0, first, rows)));
      first += rows;
    }
    return at::cat(outputs);
  };
  // Every position is behind its own prompt, so that the prompts' lengths do not matter.
  const at::Tensor logits = decoder.step(ids, positions, 0, attention);
  std::int64_t first = 0;
  for (DecodeLoop* const loop : loops) {
    const auto rows = static_cast<std::int64_t>(loop->batchSize());
    loop->endStep(logits.narrow(0, first, rows));
    first += rows;
  }
}

// Those that go on.
std::vector<DecodeLoop*> goingOn(const Loops& loops) {
  std::vector<DecodeLoop*> active;
  for (const auto& loop : loops)
    if (loop->chooseBatch()) active.push_back(loop.get());
  return active;
}

}  // namespace

std::vector<std::vector<DecodeTrack>> decodeTogether(const Decoder& decoder, std::span<const DecodeJob> jobs,
                                                     const WorkContext& work) {
  Loops loops;
  std::uint32_t most = 0;
  for (const DecodeJob& job : jobs) {
    loops.push_back(std::make_unique<DecodeLoop>(decoder, job.start, *job.options));
    most = std::max(most, job.options->max_new_tokens);
  }
  if (most > 0) work.progress->begin("decode", most);
  for (const auto& loop : loops) loop->begin(work);
  std::uint32_t done = 1;
  for (auto active = goingOn(loops); !active.empty(); active = goingOn(loops)) {
    work.checkStop();
    stepTogether(decoder, active);
    work.progress->advance(++done);
  }
  if (most > 0) work.progress->end();
  std::vector<std::vector<DecodeTrack>> tracks;
  for (const auto& loop : loops) tracks.push_back(loop->takeTracks());
  return tracks;
}

std::vector<DecodeTrack> decodeBranches(const Decoder& decoder, const DecodeStart& start, const DecodeOptions& options,
                                        const WorkContext& work) {
  const DecodeJob job{start, &options};
  return std::move(decodeTogether(decoder, {&job, 1}, work).front());
}

}  // namespace kvatlas::capture
