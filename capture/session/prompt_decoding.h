// One prompt's decoding, step by step: feeds its branches, measures them, lets them decide again. Knows neither the
// other prompts of a batch nor when a step begins.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "capture/session/decode_loop.h"
#include "capture/session/mass_meter.h"

namespace kvatlas::capture {

class PromptDecoding {
 public:
  // What both refer to outlives it.
  PromptDecoding(const Decoder& decoder, const DecodeStart& start, const DecodeOptions& options);

  // The first token of every branch.
  void begin(const WorkContext& work);
  // The branches that go on; false when all have ended.
  [[nodiscard]] bool chooseBatch();
  [[nodiscard]] std::size_t batchSize() const { return m_batch.size(); }

  // Begins a step: adds a token and its position for each branch of the batch, which then holds it.
  void beginStep(std::vector<TokenId>& ids, std::vector<std::uint64_t>& positions);
  // Attention of the batch's tokens in one layer: [rows, heads, d], branch after branch.
  [[nodiscard]] at::Tensor attend(LayerIndex layer, const at::Tensor& query, const at::Tensor& key,
                                  const at::Tensor& value);
  // logits: [batch, vocab]
  void endStep(const at::Tensor& logits);

  [[nodiscard]] std::vector<DecodeTrack> takeTracks();

 private:
  [[nodiscard]] bool ended(TokenId id) const;
  [[nodiscard]] TokenId fedTo(std::size_t branch) const;
  [[nodiscard]] bool fullInBatch() const { return !m_batch.empty() && m_batch.front() == 0; }
  [[nodiscard]] bool finished(std::size_t branch) const;
  // The branches of the batch of which somebody reads all probabilities.
  [[nodiscard]] std::vector<std::size_t> watchedBranches() const;
  // Null for a branch that decides once.
  [[nodiscard]] cache::Redecider* redecider(std::size_t branch) const;

  void takeFirstToken();
  void take(std::size_t branch, TokenId id);
  void endStopped();

  void feedQuestion(const WorkContext& work);
  [[nodiscard]] std::size_t questionTokensAtOnce() const;
  [[nodiscard]] at::Tensor feed(std::span<const TokenId> ids, std::uint32_t tokens);

  void beginMeasuring();
  void beginRows(std::uint32_t tokens);
  void takeTop();
  void takeRows(LayerIndex layer);
  void giveLastRow(LayerIndex layer);
  void giveFullRows(LayerIndex layer);
  void measureKl(std::span<const float> logits, std::size_t vocab);
  void choose(const at::Tensor& logits);
  void decideAgain();
  void markDiverged();
  [[nodiscard]] StepRows takeMeasured(std::size_t branch);
  void handOn();

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

}  // namespace kvatlas::capture
