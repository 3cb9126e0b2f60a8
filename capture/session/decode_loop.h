// Decodes all branches of one or several prompts as one batch and measures each against the full cache, step by step.
// Knows no file, no terminal.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "capture/model/decoder.h"
#include "capture/session/branch_store.h"
#include "capture/session/entry_forms.h"
#include "capture/session/options.h"
#include "capture/session/step_rows.h"
#include "core/cache/redecider.h"
#include "core/policy/signal_parameters.h"

namespace kvatlas::capture {

// One branch's decoding. Step t is the choice of ids[t]; step 0 is the last query of the prompt, or of the question.
struct DecodeTrack {
  std::vector<TokenId> ids;  // [T]; with Follow::Full the branch's own choice given the full cache's tokens so far
  std::vector<float>
      kl;  // [T] KL(full ‖ branch) in nats at the same fed tokens; NaN after the paths have parted or full has stopped
  StepRows rows;                          // of the steps that DecodeOptions::step_rows did not receive
  MeanMass mean;                          // over all steps
  Attended question_attended;             // [Q, layers, query_heads, K]; empty unless asked for
  std::vector<std::uint64_t> held_rows;   // [T] over all lists, when ids[t] is chosen
  std::vector<std::uint64_t> held_bytes;  // [T] of these, in the form they are stored in
  MergedTokens merged;                    // where evicted tokens went
};

// Receives the full cache's attention when it chooses token `step`: one query head's probabilities of the positions
// from `first` on. Heads may come at the same time.
using RowSink = std::function<void(std::uint32_t step, LayerIndex layer, std::uint32_t query_head, std::uint64_t first,
                                   std::span<const float> row)>;

// Asked after each step with the tokens so far: true when nothing that follows is wanted.
using FinishedTest = std::function<bool(std::span<const TokenId> ids)>;

struct DecodeOptions {
  std::uint32_t max_new_tokens = 64;
  Follow follow = Follow::Own;
  unsigned threads = 0;
  bool measure = true;                                           // kl, retained, oracle
  bool attended = false;                                         // the keys each branch attends to most
  std::function<void(std::size_t branch, TokenId id)> on_token;  // may be empty
  RowSink full_rows;                                             // may be empty
  StepSink step_rows;                                            // empty: all rows stay in the tracks
  FinishedTest finished;  // may be empty; with Follow::Full asked of the full cache's tokens
};

// What decoding starts from. The full cache is branch 0.
struct DecodeStart {
  std::span<cache::HeldTokens> held;  // [branches] after the prompt
  // [branches] of those that decide again; empty: none does.
  std::span<std::optional<cache::Redecider>> redeciders;
  const policy::SignalParameters& parameters;  // of the signals of those that decide again
  BranchStore& store;                          // of these held tokens
  EntryForms& forms;                           // of this store
  at::Tensor next_logits;                      // [vocab] f32 host
  // Of the prompt's last query, where they are measured and recorded; not called with a question.
  std::function<std::span<const float>(LayerIndex)> last_row;              // [query_heads, N] probabilities
  std::function<std::span<const kernels::TopEntry>(LayerIndex)> last_top;  // [query_heads, K], columns are positions
  std::uint64_t prompt_tokens = 0;
  // Fed to every branch behind what it kept of the prompt; empty: none.
  std::span<const TokenId> question;
};

// One prompt's decoding; what both refer to outlives it.
struct DecodeJob {
  DecodeStart start;
  const DecodeOptions* options = nullptr;
};

// Decodes all branches of all jobs as one batch, so that each step reads the weights once: tracks [jobs][branches]. The
// same jobs give the same tokens; other jobs beside one can change the last bits of its logits.
[[nodiscard]] std::vector<std::vector<DecodeTrack>> decodeTogether(const Decoder& decoder,
                                                                   std::span<const DecodeJob> jobs,
                                                                   const WorkContext& work);

[[nodiscard]] std::vector<DecodeTrack> decodeBranches(const Decoder& decoder, const DecodeStart& start,
                                                      const DecodeOptions& options, const WorkContext& work);

}  // namespace kvatlas::capture
