#include "capture/session/model_report.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "capture/model/decoder.h"
#include "capture/model/memory_plan.h"
#include "capture/session/prompt.h"
#include "core/analysis/mass.h"
#include "core/text/chat_template.h"
#include "core/text/tokenizer.h"
#include "kernels/blocks/packed_keys.h"

namespace kvatlas::capture {
namespace {

// Prose, numbers and a list: what a prompt holds. Long enough that a difference is no accident.
constexpr const char* kText =
    "The ferry left the harbour at a quarter past six, when the lamps along the quay were still burning. On deck stood "
    "a woman with two suitcases, a boy who counted the gulls aloud, and an old engineer who had crossed this strait "
    "more than 1,200 times since 1974. \"The current turns at noon,\" he said, \"and before that nobody needs a "
    "compass.\" The list on the wall read: 1. bread and salt, 2. rope of forty metres, 3. two lanterns, 4. letters for "
    "the island. Nobody had ticked the fourth line. What would the people on the island say if the letters did not "
    "come? The boy asked his mother, and she said that they would wait, as they had always waited, for the next boat.";

constexpr std::size_t kIdsWithoutTokenizer = 160;

// Ids spread over the vocabulary for a model without a tokenizer.
std::vector<TokenId> spreadIds(std::uint32_t vocabulary) {
  std::vector<TokenId> ids;
  for (std::uint64_t i = 0; i < kIdsWithoutTokenizer; ++i)
    ids.push_back(static_cast<TokenId>((i * 2'654'435'761U + 12'345U) % vocabulary));
  return ids;
}

double secondsOf(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Logits [N, vocab] of the text in one type, and the time of a prefill.
at::Tensor measureType(const ModelReportOptions& options, at::ScalarType type, std::span<const TokenId> ids,
                       TypeReport& report, const WorkContext& work) {
  const Decoder decoder = Decoder::load(options.model, {.dtype = type, .threads = options.threads}, work);
  at::Tensor logits = decoder.allLogits(ids);
  work.checkStop();
  report.tokens = ids.size();
  report.seconds = secondsOf([&] { (void)decoder.prefill(ids, nullptr, work); });
  return logits;
}

std::span<const float> rowOf(const at::Tensor& logits, std::int64_t row) {
  return {logits.const_data_ptr<float>() + row * logits.size(1), static_cast<std::size_t>(logits.size(1))};
}

void compare(const at::Tensor& exact, const at::Tensor& other, TypeReport& report) {
  float largest = 0, error = 0;
  for (std::int64_t row = 0; row < exact.size(0); ++row) {
    const std::span<const float> p = rowOf(exact, row), q = rowOf(other, row);
    for (std::size_t i = 0; i < p.size(); ++i) {
      largest = std::max(largest, std::abs(p[i]));
      error = std::max(error, std::abs(p[i] - q[i]));
    }
    report.mean_kl += analysis::klDivergence(p, q) / static_cast<double>(exact.size(0));
    if (std::ranges::max_element(p) - p.begin() == std::ranges::max_element(q) - q.begin()) ++report.same_choice;
  }
  report.largest_error = largest > 0 ? static_cast<double>(error) / largest : 0;
}

void measureTypes(const ModelReportOptions& options, std::span<const TokenId> ids, ModelReport& report,
                  const WorkContext& work) {
  TypeReport f32{.type = "f32"}, bf16{.type = "bf16"};
  const at::Tensor exact = measureType(options, at::kFloat, ids, f32, work);
  f32.same_choice = ids.size();
  const at::Tensor rounded = measureType(options, at::kBFloat16, ids, bf16, work);
  compare(exact, rounded, bf16);
  report.types = {f32, bf16};
}

}  // namespace

ModelReport reportModel(const ModelReportOptions& options, const WorkContext& work) {
  const ModelConfig config = loadModelConfig(options.model);
  const std::optional<text::Tokenizer> tokenizer = loadTokenizer(options.model);
  const MemoryNeed need = memoryNeed(config, {.element_bytes = 1});
  ModelReport report{
      .name = config.name,
      .architecture = config.architecture,
      .layers = config.layers,
      .query_heads = config.query_heads,
      .kv_heads = config.kv_heads,
      .head_dim = config.head_dim,
      .vocab_size = config.vocab_size,
      .experts = config.experts,
      .experts_per_token = config.experts_per_token,
      .max_positions = config.max_positions,
      .sliding_window = config.sliding_window,
      .weights = need.ends + std::uint64_t{need.layers} * need.layer_weights,
      .cache_bytes_token = std::uint64_t{config.layers} * config.kv_heads * config.head_dim * 2 * sizeof(float),
      .tokenizer = tokenizer.has_value(),
      .chat_template = text::findChatTemplate(options.model).has_value(),
      .fast_bf16 = kernels::hasBf16Dot()};
  if (tokenizer) report.notices = tokenizer->notices();
  if (!options.measure) return report;
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  const std::vector<TokenId> ids = tokenizer ? tokenizer->encode(kText).ids : spreadIds(config.vocab_size);
  measureTypes(options, ids, report, work);
  return report;
}

}  // namespace kvatlas::capture
