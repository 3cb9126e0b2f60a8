#include "capture/session/reconstruction.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "capture/model/attention.h"
#include "core/text/chat_template.h"

namespace kvatlas::capture {
namespace {

constexpr std::int64_t kRows = 48;   // queries whose attention is in memory at once: it stays in the cache
constexpr std::size_t kOverlap = 8;  // tokens of the chunk before that say where a chunk begins

constexpr const char *kFirst = "\n\nRepeat the previous context exactly.",
                     *kLater = "\n\nRepeat the part of the previous context exactly, starting with";

std::string turnEnd(const std::filesystem::path& folder, const std::string& chat) {
  if (chat.empty() || chat == "unused" || chat == "none") return "\n";
  constexpr const char* kMark = "<prompt of kvatlas>";
  const std::string whole = text::wrapInChat({.name = chat, .date = {}, .system = {}}, folder, kMark);
  const std::size_t mark = whole.rfind(kMark);
  return mark == std::string::npos ? "\n" : whole.substr(mark + std::char_traits<char>::length(kMark));
}

// One pass over a chunk [begin, end) of the prompt.
struct Pass {
  const Decoder& decoder;
  const Reconstruction& of;
  const WorkContext& work;
  std::int64_t begin = 0, end = 0;

  [[nodiscard]] std::vector<TokenId> ids() const {
    std::vector<TokenId> ids = begin == 0 ? of.request.first : of.request.later;
    const auto add = [&](std::span<const TokenId> more) { ids.insert(ids.end(), more.begin(), more.end()); };
    const auto first = static_cast<std::size_t>(begin);
    if (begin > 0) {
      const std::size_t overlap = std::min(kOverlap, first);
      add(of.ids.subspan(first - overlap, overlap));
    }
    add(of.request.suffix);
    add(of.ids.subspan(first, static_cast<std::size_t>(end - begin)));
    return ids;
  }

  // Positions of the sinks, the chunk, and `count` tokens of the pass.
  [[nodiscard]] at::Tensor positions(std::int64_t count, const at::TensorOptions& options) const {
    const auto range = [&](std::int64_t from, std::int64_t to) {
      return at::arange(from, to, options.dtype(at::kLong));
    };
    const auto tokens = static_cast<std::int64_t>(of.ids.size());
    return at::cat({range(0, sinks()), range(begin, end), range(tokens, tokens + count)});
  }
  [[nodiscard]] std::int64_t sinks() const { return std::min(std::int64_t{of.sinks}, begin); }

  // [kv_heads, chunk] from query [query_heads, M, d] and key [kv_heads, N + M, d].
  [[nodiscard]] at::Tensor received(const at::Tensor& query, const at::Tensor& key) const {
    const std::int64_t count = query.size(1), group = query.size(0) / key.size(0);
    const auto window = static_cast<std::int64_t>(decoder.config().sliding_window);
    const double scale = 1 / std::sqrt(static_cast<double>(query.size(2)));
    const at::Tensor columns = positions(count, query.options());
    const at::Tensor seen = at::index_select(key, 1, columns).to(at::kFloat);
    at::Tensor most = at::zeros({key.size(0), end - begin}, query.options().dtype(at::kFloat));
    const std::int64_t before = columns.size(0) - count;  // columns that every query sees, but for a sliding window
    for (std::int64_t row = 0; row < count; row += kRows) {
      work.checkStop();
      const std::int64_t last = std::min(row + kRows, count), first_hidden = window > 0 ? 0 : before + row;
      const at::Tensor own = columns.slice(0, before + row, before + last).unsqueeze(1);
      const at::Tensor checked = columns.slice(0, first_hidden, before + last).unsqueeze(0);
      at::Tensor hidden = checked > own;
      if (window > 0) hidden = at::logical_or(hidden, own - checked >= window);
      for (std::int64_t head = 0; head < query.size(0); ++head) {
        const at::Tensor q = query[head].slice(0, row, last).to(at::kFloat) * scale;
        at::Tensor logits = at::matmul(q, seen[head / group].slice(0, 0, before + last).t());
        logits.slice(1, first_hidden).masked_fill_(hidden, -HUGE_VAL);
        const at::Tensor chunk = at::softmax(logits, -1).slice(1, sinks(), sinks() + end - begin);
        at::Tensor best = most[head / group];
        best.copy_(at::maximum(best, at::amax(chunk, {0})));
      }
    }
    return most;
  }

  // Adds the chunk's columns to `layers` [layers] of [kv_heads, N].
  void run(std::vector<std::vector<float>>& layers) const {
    const std::vector<TokenId> fed = ids();
    std::vector<std::uint64_t> places(fed.size());
    std::iota(places.begin(), places.end(), std::uint64_t{of.ids.size()});
    const auto attend = [&](LayerIndex layer, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
      const auto behind = [](const at::Tensor& cached, const at::Tensor& rows) {
        return at::cat({cached, rows.transpose(0, 1)}, 1);
      };
      const LayerCache& cache = of.cache[layer.value];
      const at::Tensor q = query.transpose(0, 1).contiguous(), keys = behind(cache.key, key);
      const at::Tensor host = received(q, keys).to(at::kCPU).contiguous();
      for (std::int64_t head = 0; head < host.size(0); ++head)
        std::copy_n(host.const_data_ptr<float>() + head * (end - begin), end - begin,
                    layers[layer.value].begin() + head * static_cast<std::int64_t>(of.ids.size()) + begin);
      return causalAttention(
                 q, keys, behind(cache.value, value), decoder.config().sliding_window, [&] { work.checkStop(); },
                 decoder.options().threads)
          .output.transpose(0, 1);
    };
    (void)decoder.step(fed, places, of.ids.size(), attend, {});
  }
};

}  // namespace

RepeatRequest repeatRequest(const text::Tokenizer& tokenizer, const std::filesystem::path& model_folder,
                            const std::string& chat) {
  const auto encoded = [&](const std::string& words) { return tokenizer.encode(words, false).ids; };
  return {encoded(kFirst), encoded(kLater), encoded(turnEnd(model_folder, chat))};
}

std::vector<std::vector<float>> reconstruct(const Decoder& decoder, const Reconstruction& of, const WorkContext& work) {
  const ModelConfig& config = decoder.config();
  std::vector<std::vector<float>> layers(config.layers, std::vector<float>(config.kv_heads * of.ids.size()));
  const auto tokens = static_cast<std::int64_t>(of.ids.size());
  work.progress->begin("repeat the prompt", of.ids.size());
  for (std::int64_t begin = 0; begin < tokens; begin += of.chunk) {
    const std::int64_t end = std::min(begin + std::int64_t{of.chunk}, tokens);
    Pass{decoder, of, work, begin, end}.run(layers);
    work.progress->advance(static_cast<std::uint64_t>(end));
  }
  work.progress->end();
  return layers;
}

}  // namespace kvatlas::capture
