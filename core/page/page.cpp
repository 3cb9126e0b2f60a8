#include "core/page/page.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/page/packing.h"
#include "core/page/page_data.h"
#include "core/page/page_template.h"

namespace kvatlas::page {
namespace {

constexpr std::size_t kReceivedBins = 512;

std::string megabytes(std::uint64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / (1 << 20));
}

std::vector<LayerIndex> chosenLayers(const trace::Reader& reader, const PageOptions& options) {
  for (const LayerIndex layer : options.layers)
    if (!reader.hasLayer(layer))
      failUsage("--layers {}: {} has no recorded layer of this number", layer.value, reader.path().string());
  std::vector<LayerIndex> layers = options.layers;
  if (layers.empty())
    std::ranges::copy_if(reader.header().attention.layers, std::back_inserter(layers),
                         [&](LayerIndex layer) { return reader.hasLayer(layer); });
  std::ranges::sort(layers);
  layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
  if (layers.empty()) fail("{}: holds no recorded layer", reader.path().string());
  return layers;
}

std::vector<HeadIndex> chosenHeads(const trace::Reader& reader, const PageOptions& options) {
  const std::uint32_t count = reader.header().model.query_heads;
  for (const HeadIndex head : options.heads)
    if (head.value >= count || !reader.hasHead(head))
      failUsage("--heads {}: {} has no recorded query head of this number", head.value, reader.path().string());
  std::vector<HeadIndex> heads = options.heads;
  for (std::uint32_t head = 0; options.heads.empty() && head < count; ++head)
    if (reader.hasHead(HeadIndex(head))) heads.emplace_back(head);
  std::ranges::sort(heads);
  heads.erase(std::unique(heads.begin(), heads.end()), heads.end());
  return heads;
}

void setLevel(PageContent& content, const trace::Reader& reader, std::size_t level) {
  content.level = level;
  content.cell = reader.header().attention.cells[level];
  content.side = (reader.tokens() + content.cell - 1) / content.cell;
}

std::uint64_t mapBytes(const PageContent& content, std::uint64_t tokens) {
  return content.side * (content.side + 1) / 2 + std::min<std::uint64_t>(tokens, kReceivedBins);
}

std::string openTag(LayerIndex layer, HeadIndex head) {
  return fmt::format("<script type=\"text/plain\" id=\"map-{}-{}\">", layer.value, head.value);
}
constexpr std::string_view kCloseTag = "</script>\n";

std::uint64_t bytesOfMaps(const PageContent& content, std::uint64_t tokens) {
  std::uint64_t bytes = 0;
  for (const LayerIndex layer : content.layers)
    for (const HeadIndex head : content.heads)
      bytes += openTag(layer, head).size() + base64Size(mapBytes(content, tokens)) + kCloseTag.size();
  return bytes;
}

// The three parts of the template: before the data, between data and maps, after the maps.
struct TemplateParts {
  std::string_view before, between, after;
};
TemplateParts templateParts() {
  constexpr std::string_view kData = "@DATA@", kMaps = "@MAPS@";
  const std::string_view whole = kPageTemplate;
  const std::size_t data = whole.find(kData), maps = whole.find(kMaps);
  return {whole.substr(0, data), whole.substr(data + kData.size(), maps - data - kData.size()),
          whole.substr(maps + kMaps.size())};
}

std::string mapText(const trace::Reader& reader, const PageContent& content, LayerIndex layer, HeadIndex head) {
  const auto side = static_cast<std::size_t>(content.side);
  const auto codes = reader.mapTile(layer, head, content.reduction, content.level, 0, 0, side, side);
  if (!codes) fail("{}: layer {}, head {}: holds no map", reader.path().string(), layer.value, head.value);
  std::vector<std::uint8_t> bytes;
  bytes.reserve(mapBytes(content, reader.tokens()));
  for (std::size_t row = 0; row < side; ++row)
    for (std::size_t column = 0; column <= row; ++column) bytes.push_back(byteOfCode((*codes)[row * side + column]));
  const auto received = reader.signalOfHead(layer, Signal::Received, head);
  if (!received) fail("{}: layer {}, head {}: holds no received", reader.path().string(), layer.value, head.value);
  const auto bins = logBins(*received, kReceivedBins);
  bytes.insert(bytes.end(), bins.begin(), bins.end());
  return base64(bytes);
}

}  // namespace

Page::Page(const trace::Reader& reader, const PageOptions& options) : m_reader(&reader) {
  const auto& cells = reader.header().attention.cells;
  if (cells.empty()) fail("{}: holds no maps (captured with --map-size 0)", reader.path().string());
  if (options.level && *options.level >= cells.size())
    failUsage("--level {}: {} has {} map levels", *options.level, reader.path().string(), cells.size());
  m_content = {.layers = chosenLayers(reader, options),
               .heads = chosenHeads(reader, options),
               .reduction = options.reduction,
               .most_attended_bytes = options.most_bytes / 4};
  nlohmann::json data = pageData(reader, m_content);
  const TemplateParts parts = templateParts();
  const std::uint64_t fixed = parts.before.size() + parts.between.size() + parts.after.size();
  for (std::size_t level = options.level.value_or(0);; ++level) {
    setLevel(m_content, reader, level);
    describeMaps(data, m_content);
    m_data = scriptText(data);
    m_bytes = fixed + m_data.size() + bytesOfMaps(m_content, reader.tokens());
    if (m_bytes <= options.most_bytes || options.level || level + 1 == cells.size()) break;
  }
  if (m_bytes > options.most_bytes)
    failUsage(
        "the page would take {}, more than {}: choose fewer --layers or --heads, a higher --level, or --max-size {}",
        megabytes(m_bytes), megabytes(options.most_bytes), (m_bytes >> 20) + 1);
}

std::string Page::summary() const {
  return fmt::format("{} maps of {} × {} cells, {} {} each", m_content.layers.size() * m_content.heads.size(),
                     m_content.side, m_content.side, m_content.cell, m_content.cell == 1 ? "token" : "tokens");
}

void Page::write(const std::function<void(std::string_view)>& sink) const {
  const TemplateParts parts = templateParts();
  sink(parts.before);
  sink(m_data);
  sink(parts.between);
  for (const LayerIndex layer : m_content.layers) {
    for (const HeadIndex head : m_content.heads) {
      sink(openTag(layer, head));
      sink(mapText(*m_reader, m_content, layer, head));
      sink(kCloseTag);
    }
  }
  sink(parts.after);
}

}  // namespace kvatlas::page
