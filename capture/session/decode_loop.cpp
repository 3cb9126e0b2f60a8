#include "capture/session/decode_loop.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <memory>

#include "capture/session/prompt_decoding.h"

namespace kvatlas::capture {
namespace {

using Loops = std::vector<std::unique_ptr<PromptDecoding>>;

// One pass of the model for the next token of every branch of every loop.
void stepTogether(const Decoder& decoder, std::span<PromptDecoding* const> loops) {
  std::vector<TokenId> ids;
  std::vector<std::uint64_t> positions;
  for (PromptDecoding* const loop : loops) loop->beginStep(ids, positions);
  const auto attention = [&](LayerIndex layer, const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value) {
    if (loops.size() == 1) return loops.front()->attend(layer, query, key, value);
    std::vector<at::Tensor> outputs;
    std::int64_t first = 0;
    for (PromptDecoding* const loop : loops) {
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
  for (PromptDecoding* const loop : loops) {
    const auto rows = static_cast<std::int64_t>(loop->batchSize());
    loop->endStep(logits.narrow(0, first, rows));
    first += rows;
  }
}

// Those that go on.
std::vector<PromptDecoding*> goingOn(const Loops& loops) {
  std::vector<PromptDecoding*> active;
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
    loops.push_back(std::make_unique<PromptDecoding>(decoder, job.start, *job.options));
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
