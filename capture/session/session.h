// A session: model, prompt, branches, decoding — everything between the options and a trace or a text.
#pragma once

#include <memory>

#include "capture/session/branches.h"
#include "capture/session/decode_loop.h"
#include "capture/session/loaded_model.h"
#include "capture/session/pending_answer.h"
#include "capture/session/prompt.h"
#include "capture/session/signals/signal_collector.h"

namespace kvatlas::capture {

// Receives a signal of SignalSource::Pass of one layer.
using PassSink = std::function<void(LayerIndex layer, Signal signal, std::span<const float> values)>;

// What to decode behind a prefill.
struct AnswerRequest {
  std::span<const TokenId> question;  // fed behind what the branches kept; empty: none. Outlives the answer
  std::uint32_t max_new_tokens = 0;
  FinishedTest finished;                                         // see DecodeOptions::finished
  std::function<void(std::size_t branch, TokenId id)> on_token;  // may be empty
  StepSink step_rows;                                            // may be empty; see DecodeOptions
  bool last = true;                                              // the prefill's keys and values are given up
};

// A sentence on generated ids that the model's tokenizer has no token for (a vocabulary padded beyond it) and that
// therefore give no text; empty where there are none.
[[nodiscard]] std::string idsWithoutText(const LoadedModel& model, const SessionResult& result);

class Session {
 public:
  // Loads configuration, tokenizer and prompt, and plans the branches; loadWeights() reads the weights later, so that
  // all errors in the request appear first.
  Session(const SessionOptions& options, const WorkContext& work);
  // The same with an open model and a prepared prompt: many sessions share one model, one after the other. Ignores
  // model, prompt, device and dtype of `options`.
  Session(const SessionOptions& options, std::shared_ptr<LoadedModel> model, PreparedPrompt prompt,
          const WorkContext& work);

  void loadWeights(const WorkContext& work);
  // Adds a receiver of measured layers (the recorder); before run().
  void setLayerSink(LayerSink sink, const StatisticsRequest& request, std::vector<bool> wanted_layers);
  // Adds a receiver of what a pass behind the prefill measured, for the layers that the layer sink wants; before run().
  void setPassSink(PassSink sink) { m_pass_sink = std::move(sink); }
  // Ends a branch before its end token or limit; see DecodeOptions::finished.
  void setFinished(FinishedTest finished) { m_finished = std::move(finished); }
  // Receives the full cache's attention at each generated token; before run().
  void setRowSink(RowSink sink) { m_row_sink = std::move(sink); }
  // Records every branch's most attended keys at each generated token; before run().
  void watchAttended() { m_attended = true; }
  // Receives what is measured at each step in blocks, of each answer (question) in turn; before run().
  using AnswerStepSink = std::function<void(std::size_t answer, std::size_t branch, StepRows rows)>;
  void setStepSink(AnswerStepSink sink) { m_step_sink = std::move(sink); }
  // Of a prompt with at most one question.
  [[nodiscard]] SessionResult run(const WorkContext& work,
                                  const std::function<void(std::size_t, TokenId)>& on_token = {});
  // One result for each question of the prompt, or one if it has none; they share the prefill and the decisions.
  [[nodiscard]] std::vector<SessionResult> runAll(const WorkContext& work,
                                                  const std::function<void(std::size_t, TokenId)>& on_token = {});

  // The same in steps, so that prompts can decode together: once the prefill and the decisions,
  void prefill(const WorkContext& work);
  // then, any number of times, an answer that every branch is ready to decode.
  [[nodiscard]] std::unique_ptr<PendingAnswer> prepare(const AnswerRequest& request, const WorkContext& work);

  [[nodiscard]] const ModelConfig& config() const { return m_model->config; }
  [[nodiscard]] const PreparedPrompt& prompt() const { return m_prompt; }
  [[nodiscard]] const std::vector<Branch>& plan() const { return m_branches; }
  // What the branches' methods have signals measured with.
  [[nodiscard]] const policy::SignalParameters& signalParameters() const { return m_signal_parameters; }
  [[nodiscard]] const Decoder& decoder() const { return *m_model->decoder; }
  [[nodiscard]] const std::optional<text::Tokenizer>& tokenizer() const { return m_model->tokenizer; }
  [[nodiscard]] std::uint32_t window() const;  // W, at most N
  [[nodiscard]] const std::string& dtypeName() const { return m_model->dtype_name; }

 private:
  void planAndWarn(const WorkContext& work);
  // Measures what a branch's method wants of a second pass; returns the seconds it took.
  [[nodiscard]] double repeatPrompt(const WorkContext& work);
  [[nodiscard]] std::size_t longestQuestion() const;
  [[nodiscard]] MemoryQuestion memoryQuestion() const;

  SessionOptions m_options;
  std::shared_ptr<LoadedModel> m_model;
  PreparedPrompt m_prompt;
  std::vector<Branch> m_branches;
  policy::SignalParameters m_signal_parameters;
  FinishedTest m_finished;
  RowSink m_row_sink;
  AnswerStepSink m_step_sink;
  bool m_attended = false;
  LayerSink m_sink;
  PassSink m_pass_sink;
  StatisticsRequest m_sink_request;
  std::vector<bool> m_sink_layers;
  std::shared_ptr<Prefilled> m_prefilled;
};

// Decodes answers of sessions of one model as one batch (see decodeTogether): results [answers], in their order.
[[nodiscard]] std::vector<SessionResult> decodeAnswers(std::span<const std::unique_ptr<PendingAnswer>> answers,
                                                       const WorkContext& work);

}  // namespace kvatlas::capture
