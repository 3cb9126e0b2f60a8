#include "capture/session/signals/reconstruction.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <numeric>

#include "capture/model/attention.h"
#include "capture/session/signals/repeat_attention.h"
#include "core/text/chat_template.h"

namespace kvatlas::capture {
namespace {

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

  [[nodiscard]] RepeatColumns columns() const {
    return {.sinks = std::min(std::int64_t{of.sinks}, begin),
            .begin = begin,
            .end = end,
            .prompt_tokens = static_cast<std::int64_t>(of.ids.size()),
            .sliding_window = decoder.config().sliding_window};
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
      const auto between = [&] { work.checkStop(); };
      const unsigned threads = decoder.options().threads;
      const at::Tensor q = query.transpose(0, 1).contiguous(), keys = behind(cache.key, key);
      const AttentionOutput attended =
          causalAttention(q, keys, behind(cache.value, value), decoder.config().sliding_window, between, threads);
      const at::Tensor host =
          mostAttention(columns(), q, keys, attended.lse, threads, between).to(at::kCPU).contiguous();
      for (std::int64_t head = 0; head < host.size(0); ++head)
        std::copy_n(host.const_data_ptr<float>() + head * (end - begin), end - begin,
                    layers[layer.value].begin() + head * static_cast<std::int64_t>(of.ids.size()) + begin);
      return attended.output.transpose(0, 1);
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
