#include "core/page/page_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/page/attended_data.h"
#include "core/page/packing.h"
#include "core/runs/titles.h"

namespace kvatlas::page {
namespace {

using nlohmann::json;

constexpr std::size_t kMostSpanMetrics = 4;

json meanOf(const std::vector<float>& values) {
  double sum = 0;
  std::size_t count = 0;
  for (const float value : values)
    if (std::isfinite(value)) sum += value, ++count;
  return count == 0 ? json(nullptr) : json(sum / static_cast<double>(count));
}

// "SnapKV 128", "Full cache".
std::string titleOf(const trace::RunHeader& run) {
  if (run.is_full) return runs::methodTitle(run.method);
  std::string label = run.label;
  if (!label.starts_with(run.method)) return label;
  if (label.ends_with(" " + run.budget)) label.resize(label.size() - run.budget.size() - 1);
  return runs::labelTitle(run.method, label) + " " + run.budget;
}

// [layers][lists] of packed ranges; null where the run keeps everything, "" for lists that no chosen head reads.
json keptOf(const trace::Reader& reader, const PageContent& content, const trace::RunHeader& run,
            const trace::RunRecord& record) {
  if (record.everything) return nullptr;
  const std::uint32_t shared = reader.header().model.query_heads / std::max(1U, run.heads);
  json layers = json::array();
  for (const LayerIndex layer : content.layers) {
    std::vector<std::string> lists(run.heads);
    for (const HeadIndex head : content.heads) {
      const std::uint32_t list = head.value / shared;
      lists[list] = base64(packRanges(record.kept(std::size_t{layer.value} * run.heads + list)));
    }
    layers.push_back(lists);
  }
  return layers;
}

json runsOf(const trace::Reader& reader, const PageContent& content) {
  json runs = json::array();
  std::uint64_t left = content.most_attended_bytes;
  for (std::size_t index = 0; index < reader.header().runs.size(); ++index) {
    const auto record = reader.run(index);
    if (!record) continue;
    const trace::RunHeader& run = reader.header().runs[index];
    std::string attended = packAttended(reader, content, index, record->decode_ids.size(), left);
    left -= attended.size();
    runs.push_back({{"label", run.label},
                    {"title", titleOf(run)},
                    {"method", run.method},
                    {"budget_nominal", run.budget_nominal},
                    {"heads", run.heads},
                    {"kept_tokens", std::isfinite(record->budget_realised) ? json(record->budget_realised) : json()},
                    {"retained", meanOf(record->retained)},
                    {"kl", meanOf(record->kl)},
                    {"text", record->decode_text},
                    {"tokens", tokenTexts(record->decode_text, record->decode_offsets)},
                    {"per_head", run.attended},
                    {"attended", std::move(attended)},
                    {"kept", keptOf(reader, content, run, *record)}});
  }
  return runs;
}

// Four digits are enough for a colour and a tooltip.
json rounded(double value) {
  return std::isfinite(value) ? json(std::stod(fmt::format("{:.4g}", value))) : json();
}

template <class Value>
json perHead(const PageContent& content, const Value& value) {
  json rows = json::array();
  for (const LayerIndex layer : content.layers) {
    json row = json::array();
    for (const HeadIndex head : content.heads) row.push_back(value(layer, head));
    rows.push_back(row);
  }
  return rows;
}

json spanMetric(const trace::Reader& reader, const PageContent& content, const trace::Span& span) {
  const std::uint32_t window = reader.header().attention.window;
  return {{"name", fmt::format("attention of the last prompt token on {}", span.name)},
          {"span_begin", span.begin},
          {"values", perHead(content, [&](LayerIndex layer, HeadIndex head) {
             const auto row = reader.windowRow(layer, head, window - 1);
             if (!row || span.end > row->size()) return json();
             double sum = 0;
             for (TokenIndex i = span.begin; i < span.end; ++i) sum += double{(*row)[i]};
             return rounded(sum);
           })}};
}

json entropyMetric(const trace::Reader& reader, const PageContent& content) {
  return {{"name", "entropy of the attention, nats, mean over queries"},
          {"span_begin", nullptr},
          {"values", perHead(content, [&](LayerIndex layer, HeadIndex head) {
             const auto entropy = reader.signalOfHead(layer, Signal::Entropy, head);
             const json mean = entropy ? meanOf(*entropy) : json();
             return mean.is_null() ? json() : rounded(mean.get<double>());
           })}};
}

json metricsOf(const trace::Reader& reader, const PageContent& content) {
  json metrics = json::array();
  std::vector<trace::Span> spans = reader.header().prompt.spans;
  // What a page is most often about comes first.
  std::ranges::stable_partition(spans, [](const trace::Span& span) { return span.name.starts_with("needle"); });
  if (reader.header().attention.window > 0)
    for (std::size_t i = 0; i < std::min(spans.size(), kMostSpanMetrics); ++i)
      metrics.push_back(spanMetric(reader, content, spans[i]));
  metrics.push_back(entropyMetric(reader, content));
  return metrics;
}

json spansOf(const trace::Prompt& prompt) {
  json spans = json::array();
  for (const trace::Span& span : prompt.spans)
    spans.push_back({{"name", span.name}, {"begin", span.begin}, {"end", span.end}});
  return spans;
}

std::string aboutOf(const trace::TraceHeader& header, std::uint64_t tokens) {
  const trace::ModelInfo& model = header.model;
  return fmt::format("{} · {} layers, {} query heads over {} KV heads · {} tokens · recorded {} by {}", model.name,
                     model.layers, model.query_heads, model.kv_heads, tokens, header.created, header.generator);
}

std::vector<std::uint32_t> numbersOf(const auto& indices) {
  std::vector<std::uint32_t> numbers;
  for (const auto index : indices) numbers.push_back(static_cast<std::uint32_t>(index.value));
  return numbers;
}

}  // namespace

json pageData(const trace::Reader& reader, const PageContent& content) {
  const trace::TraceHeader& header = reader.header();
  json data{{"file", reader.path().filename().string()},
            {"about", aboutOf(header, reader.tokens())},
            {"model", {{"query_heads", header.model.query_heads}}},
            {"tokens", reader.tokens()},
            {"first_generated", header.prompt.firstGenerated()},
            {"layers", numbersOf(content.layers)},
            {"heads", numbersOf(content.heads)},
            {"spans", spansOf(header.prompt)},
            {"runs", runsOf(reader, content)},
            {"metrics", metricsOf(reader, content)}};
  data["texts"] =
      header.prompt.text.empty() ? json::array() : json(tokenTexts(header.prompt.text, header.prompt.offsets));
  if (header.prompt.text.empty()) data["ids"] = header.prompt.ids;
  if (data["runs"].empty()) fail("{}: holds no finished run", reader.path().string());
  return data;
}

void describeMaps(json& data, const PageContent& content) {
  const char* reduction = content.reduction == trace::Reduction::Mean ? "mean" : "largest";
  data["cell"] = content.cell;
  data["side"] = content.side;
  data["reduction"] = reduction;
  data["note"] = fmt::format(
      "The map: {} attention of {} × {} tokens per cell, rounded to 4 %; strips and text: what each run keeps at the "
      "end of "
      "the prompt. Scroll to zoom, drag to move, arrow keys change layer and head.",
      reduction, content.cell, content.cell);
}

std::string scriptText(const json& data) {
  const std::string plain = data.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string text;
  text.reserve(plain.size());
  for (const char c : plain) c == '<' ? text += "\\u003c" : text += c;
  return text;
}

}  // namespace kvatlas::page
