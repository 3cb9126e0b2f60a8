#include "core/synthetic/synthetic_trace.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/version.h"
#include "core/synthetic/layer.h"
#include "core/synthetic/runs.h"
#include "core/trace/map_pyramid.h"
#include "core/trace/writer.h"

namespace kvatlas::synthetic {
namespace {

constexpr std::uint32_t kSmallestHead = 16;  // axes that queries and keys require

void check(const SyntheticOptions& options) {
  if (options.tokens == 0) failUsage("--tokens: must be at least 1");
  if (options.layers == 0) failUsage("--layers: must be at least 1");
  if (options.kv_heads == 0 || options.query_heads % options.kv_heads != 0)
    failUsage("--heads {}: must be a multiple of --kv-heads {}", options.query_heads, options.kv_heads);
  for (const std::uint32_t layer : options.qk_layers) {
    if (layer >= options.layers) failUsage("--keep-qk: there is no layer {}, only {}", layer, options.layers);
  }
  if (!options.qk_layers.empty() && options.head_dim < kSmallestHead)
    failUsage("--keep-qk: needs a --head-dim of at least {}", kSmallestHead);
}

struct Plan {
  SyntheticPrompt prompt;
  trace::TraceHeader header;
  RunRecorder runs;
};

trace::ModelInfo modelOf(const SyntheticOptions& options) {
  return {.name = "synthetic",
          .architecture = "LlamaForCausalLM",
          .compute_dtype = "f32",
          .weights_fingerprint = std::string(64, '0'),
          .layers = options.layers,
          .query_heads = options.query_heads,
          .kv_heads = options.kv_heads,
          .head_dim = options.head_dim,
          .hidden_size = options.query_heads * options.head_dim,
          .vocab_size = options.vocab,
          .sliding_window = 0,
          .rope_theta = 500'000};
}

Plan planOf(const SyntheticOptions& options) {
  check(options);
  const std::uint32_t window = std::min(options.window, options.tokens);
  trace::TraceHeader header{.generator = std::string("KVAtlas ") + kVersion + " synthetic",
                            .created = "1970-01-01T00:00:00Z",  // the same options give the same bytes
                            .model = modelOf(options)};
  SyntheticPrompt prompt = makePrompt(
      {.tokens = options.tokens, .vocab = options.vocab, .documents = options.documents, .seed = options.seed});
  header.prompt = prompt.prompt;
  header.attention.window = window;
  header.attention.cells = trace::mapCells(options.tokens, options.map_size);
  for (std::uint32_t layer = 0; layer < options.layers; ++layer) header.attention.layers.emplace_back(layer);
  for (const std::uint32_t layer : options.qk_layers) header.attention.qk_layers.emplace_back(layer);
  auto& kept = header.attention.qk_layers;
  std::ranges::sort(kept);
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  std::vector<policy::MethodRequest> methods;
  for (const std::string& method : options.methods) methods.push_back(policy::parseMethod(method));
  RunRecorder runs({.methods = std::move(methods),
                    .budgets = options.budgets,
                    .window = window,
                    .new_tokens = options.new_tokens,
                    .threads = options.threads},
                   header.model, options.tokens);
  header.runs = runs.headers();
  header.attention.measured = runs.measured();
  header.attention.signal_parameters = policy::printSignalParameters(runs.signalParameters());
  return {std::move(prompt), std::move(header), std::move(runs)};
}

std::vector<float> nextLogits(const SyntheticOptions& options) {
  std::vector<float> logits;
  for (std::uint32_t id = 0; id < options.vocab; ++id)
    logits.push_back(static_cast<float>(2 * normalOf(hashOf(options.seed ^ 0x6c6f67ULL, id))));
  logits[answerWord(0, options.vocab).id] = 14;
  return logits;
}

}  // namespace

std::uint64_t expectedBytes(const SyntheticOptions& options) {
  return trace::expectedFileBytes(planOf(options).header, options.new_tokens);
}

void writeSyntheticTrace(const std::filesystem::path& path, const SyntheticOptions& options, const WorkContext& work) {
  Plan plan = planOf(options);
  trace::Writer writer(path, plan.header);
  const LayerRequest request{.prompt = &plan.prompt,
                             .model = &plan.header.model,
                             .plan = &plan.header.attention,
                             .new_tokens = options.new_tokens,
                             .seed = options.seed,
                             .threads = options.threads};
  if (plan.runs.readsAllScores()) {
    work.progress->begin("scores", options.layers);
    for (const LayerIndex index : plan.header.attention.layers) {
      work.checkStop();
      plan.runs.scoreLayer(makeLayer(request, index));
      work.progress->advance(index.value + 1);
    }
    work.progress->end();
  }
  work.progress->begin("layers", options.layers);
  for (const LayerIndex index : plan.header.attention.layers) {
    work.checkStop();
    const SyntheticLayer layer = makeLayer(request, index);
    plan.runs.addLayer(layer);
    writer.writeLayer(layer.record);
    work.progress->advance(index.value + 1);
  }
  writer.writeNextLogits(nextLogits(options));
  for (std::size_t run = 0; run < plan.header.runs.size(); ++run) writer.writeRun(run, plan.runs.take(run));
  writer.finish();
  work.progress->end();
}

}  // namespace kvatlas::synthetic
