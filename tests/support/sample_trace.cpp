#include "tests/support/sample_trace.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/trace/writer.h"
#include "tests/support/sample_attention.h"
#include "tests/support/sample_layer.h"

namespace kvatlas::test {
namespace {

using trace::LayerRecord;
using trace::RunHeader;
using trace::RunRecord;

constexpr std::array kWords = {"the",    "river", "ran",  "slow", "under", "old",    "stone",
                               "bridge", "and",   "a",    "boat", "lay",   "tied",   "beside",
                               "mill",   "where", "Anne", "had",  "read",  "letters"};
constexpr std::array kNeedle = {"Emma", "keeps", "the", "number", "48213", "in", "mind", "."};
constexpr std::array kQuestion = {"What", "is", "the", "number", "Emma", "keeps", "?", "Answer:"};
constexpr std::array kAnswers = {"48213", ".", "She", "said", "so", "twice", "before", "noon"};

void appendWord(trace::Prompt& prompt, const char* word, std::uint32_t id) {
  prompt.ids.push_back(id);
  prompt.text += (prompt.text.empty() ? "" : " ");
  prompt.text += word;
  prompt.offsets.push_back(prompt.text.size());
}

trace::Prompt makePrompt(const SampleTraceOptions& options) {
  trace::Prompt prompt;
  prompt.offsets = {0};
  std::mt19937 random(options.seed);
  const auto [begin, end] = needleRange(options);
  const std::uint32_t ask = options.tokens - std::min<std::uint32_t>(kQuestion.size(), options.tokens);
  for (std::uint32_t i = 0; i < options.tokens; ++i) {
    const std::uint32_t any = random() % kWords.size();
    if (i >= ask) {
      appendWord(prompt, kQuestion[i - ask], 200 + (i - ask));
    } else if (i >= begin && i < end) {
      appendWord(prompt, kNeedle[i - begin], 100 + (i - begin));
    } else {
      appendWord(prompt, kWords[any], 1 + any);
    }
  }
  if (end <= ask) prompt.spans = {{begin, end, "needle"}, {ask, options.tokens, "question"}};
  return prompt;
}

struct Method {
  const char *name, *title;
};
constexpr std::array kMethods = {Method{"streamingllm", "StreamingLLM"}, Method{"h2o", "H2O"},
                                 Method{"snapkv", "SnapKV"}, Method{"pyramidkv", "PyramidKV"}};

trace::TraceHeader makeHeader(const SampleTraceOptions& options) {
  trace::TraceHeader header;
  header.generator = "kvatlas sample";
  header.created = "2026-01-01T00:00:00Z";
  header.model = {.name = "sample",
                  .architecture = "LlamaForCausalLM",
                  .compute_dtype = "f32",
                  .weights_fingerprint = std::string(64, 'a'),
                  .layers = options.layers,
                  .query_heads = options.query_heads,
                  .kv_heads = options.kv_heads,
                  .head_dim = std::max(options.head_dim, 8U),
                  .hidden_size = options.query_heads * std::max(options.head_dim, 8U),
                  .vocab_size = options.vocab,
                  .sliding_window = options.sliding_window,
                  .rope_theta = 10000.0,
                  .experts = options.experts,
                  .experts_per_token = options.experts > 0 ? 2U : 0U};
  header.prompt = makePrompt(options);
  header.attention.window = options.window;
  for (std::uint32_t layer = 0; layer < options.layers; ++layer) header.attention.layers.emplace_back(layer);
  header.attention.cells = mapCells(options);
  if (options.keep_qk) header.attention.qk_layers = header.attention.layers;
  const bool query_head = options.query_head_granularity;
  const RunHeader base = {.granularity = query_head ? "query-head" : "kv-head",
                          .heads = query_head ? options.query_heads : options.kv_heads,
                          .attended = options.attended};
  RunHeader full = base;
  full.method = full.label = full.budget = "full";
  full.parameters = "{}";
  full.budget_nominal = options.tokens;
  full.is_full = true;
  header.runs = {full};
  for (const Method& method : kMethods) {
    for (const std::uint32_t budget : options.budgets) {
      RunHeader run = base;
      run.method = method.name;
      run.label = std::string(method.title) + " " + std::to_string(budget);
      run.parameters = R"({"window":)" + std::to_string(options.window) + "}";
      run.budget = std::to_string(budget);
      run.budget_nominal = std::min(budget, options.tokens);
      header.runs.push_back(run);
    }
  }
  return header;
}

// Sum over the query heads that share a stored head.
std::vector<double> pooledScore(const std::vector<float>& signal, const SampleTraceOptions& options,
                                std::uint32_t heads, std::uint32_t head) {
  const std::uint32_t group = options.query_heads / heads;
  std::vector<double> score(options.tokens, 0.0);
  for (std::uint32_t member = head * group; member < (head + 1) * group; ++member) {
    for (std::uint32_t j = 0; j < options.tokens; ++j) score[j] += signal[std::size_t{member} * options.tokens + j];
  }
  return score;
}

std::vector<double> maxPooled(const std::vector<double>& score, std::size_t radius) {
  std::vector<double> result(score.size());
  for (std::size_t j = 0; j < score.size(); ++j) {
    const std::size_t first = j < radius ? 0 : j - radius, last = std::min(j + radius + 1, score.size());
    result[j] = *std::max_element(score.begin() + static_cast<std::ptrdiff_t>(first),
                                  score.begin() + static_cast<std::ptrdiff_t>(last));
  }
  return result;
}

std::vector<TokenIndex> keepBest(const std::vector<double>& score, std::uint32_t window, std::uint32_t capacity) {
  const auto tokens = static_cast<std::uint32_t>(score.size());
  std::vector<TokenIndex> order(tokens);
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](TokenIndex a, TokenIndex b) {
    const bool a_window = a + window >= tokens, b_window = b + window >= tokens;
    return a_window != b_window ? a_window : score[a] > score[b];
  });
  order.resize(std::min(capacity, tokens));
  std::sort(order.begin(), order.end());
  return order;
}

// Tokens per head of one layer: PyramidKV moves budget from the upper layers to the lower ones.
std::uint32_t capacityOf(const RunHeader& run, const SampleTraceOptions& options, std::uint32_t layer) {
  const auto budget = static_cast<std::int64_t>(run.budget_nominal);
  if (run.method != "pyramidkv" || options.layers < 2) return static_cast<std::uint32_t>(budget);
  const std::int64_t spread =
      std::max<std::int64_t>(std::min<std::int64_t>(budget - options.window, options.tokens - budget), 0) * 9 / 10;
  const std::int64_t last = options.layers - 1, position = std::min<std::int64_t>(layer, last - layer);
  const std::int64_t shift = spread * (last - 2 * position) / last;
  return static_cast<std::uint32_t>(layer <= last - layer ? budget + shift : budget - shift);
}

std::vector<TokenIndex> keptOf(const RunHeader& run, const SampleTraceOptions& options, const LayerRecord& layer,
                               std::uint32_t head) {
  const std::uint32_t capacity = capacityOf(run, options, layer.layer.value);
  if (run.method == "h2o")
    return keepBest(pooledScore(layer.values[Signal::Received], options, run.heads, head), options.window, capacity);
  if (run.method == "snapkv" || run.method == "pyramidkv") {
    return keepBest(maxPooled(pooledScore(layer.values[Signal::WindowSum], options, run.heads, head), 3),
                    options.window, capacity);
  }
  std::vector<double> score(options.tokens);
  for (std::uint32_t j = 0; j < options.tokens; ++j) score[j] = j < 4 || run.is_full ? 1e9 : j;
  return keepBest(score, options.window, capacity);
}

void addDecode(RunRecord& record, const RunHeader& run, const SampleTraceOptions& options) {
  for (std::uint32_t step = 0; step < options.new_tokens; ++step) {
    const bool wrong = run.method == "streamingllm" && step > 0;
    record.decode_ids.push_back(wrong ? 1 + step : 300 + step);
    record.decode_offsets.push_back(record.decode_text.size());
    record.decode_text += std::string(" ") + (wrong ? "a" : kAnswers[step % kAnswers.size()]);
  }
  record.decode_offsets.push_back(record.decode_text.size());
}

// A run's attention at one step and query head: the full attention over its kept tokens, renormalised.
std::vector<std::pair<double, TokenIndex>> heldAttention(const RunRecord& record, const SampleTraceOptions& options,
                                                         const std::vector<double>& all, std::size_t list,
                                                         std::uint32_t step) {
  const auto kept = record.kept_positions.begin();
  const auto begin = kept + static_cast<std::ptrdiff_t>(record.kept_offsets[list]),
             end = kept + static_cast<std::ptrdiff_t>(record.kept_offsets[list + 1]);
  std::vector<std::pair<double, TokenIndex>> held;
  double sum = 0;
  for (TokenIndex j = 0; j < all.size(); ++j) {
    if (options.sliding_window > 0 && j + options.sliding_window < all.size()) continue;
    if (step > 0 && j < options.tokens && !std::binary_search(begin, end, j)) continue;
    held.emplace_back(all[j], j);
    sum += all[j];
  }
  for (auto& [mass, position] : held) mass = static_cast<float>(mass / sum);
  return held;
}

void addAttended(RunRecord& record, const RunHeader& run, const SampleTraceOptions& options,
                 const std::vector<SampleAttention>& attention) {
  for (std::uint32_t step = 0; step < options.new_tokens; ++step) {
    for (std::uint32_t layer = 0; layer < options.layers; ++layer) {
      for (std::uint32_t head = 0; head < options.query_heads; ++head) {
        const std::size_t list = std::size_t{layer} * run.heads + head / (options.query_heads / run.heads);
        auto held = heldAttention(record, options, attention[layer].row(head, options.tokens + step - 1), list, step);
        std::stable_sort(held.begin(), held.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
        held.resize(options.attended, {0, trace::kNoToken});
        for (const auto& [mass, position] : held) {
          record.attended.push_back(position);
          record.attended_mass.push_back(static_cast<float>(mass));
        }
      }
    }
  }
}

// Full attention mass on the kept tokens and on the best set of the same size, for each generated token.
void addMass(RunRecord& record, const RunHeader& run, const SampleTraceOptions& options,
             const std::vector<SampleAttention>& attention) {
  const std::uint32_t group = options.query_heads / run.heads;
  for (std::uint32_t step = 0; step < options.new_tokens; ++step) {
    double total = 0;
    for (std::uint32_t layer = 0; layer < options.layers; ++layer) {
      for (std::uint32_t head = 0; head < options.query_heads; ++head) {
        const std::vector<double> p = attention[layer].row(head, options.tokens + step - 1);
        const std::size_t row = std::size_t{layer} * run.heads + head / group;
        double kept = std::accumulate(p.begin() + options.tokens, p.end(), 0.0), best = kept;
        for (std::uint64_t i = record.kept_offsets[row]; i < record.kept_offsets[row + 1]; ++i)
          kept += p[record.kept_positions[i]];
        std::vector<double> sorted(p.begin(), p.begin() + options.tokens);
        std::sort(sorted.rbegin(), sorted.rend());
        best +=
            std::accumulate(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(record.capacity[row]), 0.0);
        record.retained.push_back(static_cast<float>(std::min(kept, best)));
        record.oracle.push_back(static_cast<float>(best));
        total += kept;
      }
    }
    const double kl = -std::log(std::min(total / (options.layers * options.query_heads), 1.0));
    record.kl.push_back(step == 0 ? 0.0F : static_cast<float>(kl));
  }
}

RunRecord makeRun(const RunHeader& run, const SampleTraceOptions& options, const SampleTrace& sample,
                  const std::vector<SampleAttention>& attention) {
  RunRecord record;
  record.kept_offsets = {0};
  for (std::uint32_t layer = 0; layer < options.layers; ++layer) {
    for (std::uint32_t head = 0; head < run.heads; ++head) {
      const auto kept = keptOf(run, options, sample.layers[layer], head);
      record.capacity.push_back(static_cast<std::uint32_t>(kept.size()));
      record.kept_positions.insert(record.kept_positions.end(), kept.begin(), kept.end());
      record.kept_offsets.push_back(record.kept_positions.size());
      if (run.method != "h2o" || kept.size() <= options.window || options.new_tokens == 0) continue;
      record.evicted.push_back({options.new_tokens - 1, layer, head, kept[kept.size() - options.window - 1]});
    }
  }
  record.budget_realised = double(record.kept_positions.size()) / (options.layers * run.heads);
  record.cache_bytes = record.kept_positions.size() * sample.header.model.head_dim * 2 * sizeof(float);
  record.seconds = 0.5;
  addDecode(record, run, options);
  if (!run.is_full) addMass(record, run, options, attention);
  addAttended(record, run, options, attention);
  return record;
}

// Every token goes to a favourite of its layer and to one of the others, with twice the weight for the first.
ExpertUse makeExperts(const SampleTraceOptions& options) {
  ExpertUse use{std::vector<std::uint32_t>(std::size_t{options.layers} * options.experts), {}};
  std::vector<double> weight(use.tokens.size());
  std::mt19937 random(options.seed + 9);
  for (std::uint32_t layer = 0; layer < options.layers; ++layer) {
    for (std::uint32_t token = 0; token < options.tokens; ++token) {
      const std::uint32_t first = token % 3 == 0 ? random() % options.experts : layer % options.experts;
      const std::uint32_t second = (first + 1 + random() % (options.experts - 1)) % options.experts;
      for (const std::uint32_t expert : {first, second}) {
        const std::size_t at = std::size_t{layer} * options.experts + expert;
        ++use.tokens[at];
        weight[at] += (expert == first ? 2.0 : 1.0) / 3 / options.tokens;
      }
    }
  }
  use.weight.assign(weight.begin(), weight.end());
  return use;
}

}  // namespace

SampleTrace makeSampleTrace(const SampleTraceOptions& given) {
  SampleTraceOptions options = given;
  options.window = std::min(options.window, options.tokens);
  SampleTrace sample;
  sample.header = makeHeader(options);
  std::vector<SampleAttention> attention;
  for (std::uint32_t layer = 0; layer < options.layers; ++layer) {
    attention.emplace_back(options, layer);
    sample.layers.push_back(makeLayer(options, sample.header.attention.cells, attention.back(), layer));
  }
  std::mt19937 random(options.seed + 5);
  for (std::uint32_t id = 0; id < options.vocab; ++id)
    sample.next_logits.push_back(static_cast<float>(normal(random) + (id == 300 ? 10 : 0)));
  if (options.experts > 0) sample.experts = makeExperts(options);
  for (const RunHeader& run : sample.header.runs) sample.runs.push_back(makeRun(run, options, sample, attention));
  return sample;
}

void writeSampleTrace(const std::filesystem::path& path, const SampleTrace& sample, bool finish) {
  trace::Writer writer(path, sample.header);
  for (const LayerRecord& layer : sample.layers) writer.writeLayer(layer);
  writer.writeNextLogits(sample.next_logits);
  if (sample.header.model.experts > 0) writer.writeExperts(sample.experts);
  for (std::size_t run = 0; run < sample.runs.size(); ++run) writer.writeRun(run, sample.runs[run]);
  if (finish) writer.finish();
}

void writeSampleTrace(const std::filesystem::path& path, const SampleTraceOptions& options) {
  writeSampleTrace(path, makeSampleTrace(options), options.finish);
}

}  // namespace kvatlas::test
