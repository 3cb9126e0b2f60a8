// What a session has between its decisions and the tokens of an answer: the rows that every branch holds.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "capture/session/branches.h"
#include "capture/session/decode_loop.h"
#include "capture/session/loaded_model.h"
#include "capture/session/signals/signal_collector.h"

namespace kvatlas::capture {

struct SessionResult {
  std::vector<Branch> branches;             // with decisions; [0] is full
  std::vector<DecodeTrack> tracks;          // one per branch
  std::vector<float> next_logits;           // [vocab]
  ExpertUse experts;                        // of the prompt; empty without experts
  std::vector<double> branch_seconds;       // decision, copying rows and an equal share of decoding
  std::vector<std::uint64_t> branch_bytes;  // of what each keeps of the prompt, in the form it is stored in
  double prefill_seconds = 0, decode_seconds = 0;
  double pass_seconds = 0;  // of a second pass over the prompt, where a method needs one
};

// What a prefill leaves for decoding.
struct Prefilled {
  SignalCollector collector;
  PrefillResult prefill;  // keys and values of a layer are empty once the last answer has copied them
  SessionResult decided;  // without tracks
  bool measure = false, attended = false;
};

struct PendingAnswer {
  std::shared_ptr<LoadedModel> model;
  std::shared_ptr<const Prefilled> prefilled;  // signals and rows that decoding reads
  SessionResult result;                        // without tracks
  std::vector<cache::HeldTokens> held;         // [branches]; `store` refers to them
  std::vector<std::optional<cache::Redecider>> redeciders;
  std::unique_ptr<BranchStore> store;
  std::unique_ptr<EntryForms> forms;  // of this store
  std::span<const TokenId> question;
  std::uint64_t prompt_tokens = 0;
  policy::SignalParameters parameters;
  DecodeOptions options;

  [[nodiscard]] DecodeStart start();
};

}  // namespace kvatlas::capture
