// Exports the parts of a trace, row by row.
#include <algorithm>
#include <cmath>
#include <functional>

#include "app/cli/commands/export/export_attended.h"
#include "app/cli/commands/export/export_parts.h"
#include "app/cli/table_writer.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/suggest.h"
#include "core/trace/generated_tokens.h"
#include "core/trace/merged_tokens.h"
#include "core/trace/reader.h"

namespace kvatlas::app {
namespace {

using trace::Reader;

std::string tokenText(const trace::Prompt& prompt, std::size_t token) {
  return prompt.text.substr(prompt.offsets[token], prompt.offsets[token + 1] - prompt.offsets[token]);
}

template <class Body>
void forRuns(const Reader& reader, const ExportRequest& request, const Body& body) {
  for (const std::size_t run : chosenRuns(reader, request))
    if (const auto record = reader.run(run)) body(run, *record);
}

template <class Body>
void forLayers(const Reader& reader, const ExportRequest& request, const Body& body) {
  bool any = false;
  for (const LayerIndex layer : reader.header().attention.layers) {
    if (request.layer >= 0 && layer.value != static_cast<std::uint32_t>(request.layer)) continue;
    if (!reader.hasLayer(layer)) continue;
    any = true;
    body(layer);
  }
  if (!any && request.layer >= 0)
    failUsage("--layer {}: {} has no recorded layer of this number", request.layer, request.file);
}

bool chosen(int wanted, std::size_t index) {
  return wanted < 0 || static_cast<std::size_t>(wanted) == index;
}

void runsTable(const Reader& reader, const ExportRequest& request, TableWriter& table) {
  table.columns({"run", "label", "method", "budget", "budget_nominal", "budget_realised", "granularity", "cache_bytes",
                 "seconds", "generated_tokens", "text"});
  forRuns(reader, request, [&](std::size_t run, const trace::RunRecord& record) {
    const trace::RunHeader& header = reader.header().runs[run];
    table.row({run, header.label, header.method, header.budget, header.budget_nominal, record.budget_realised,
               header.granularity, record.cache_bytes, record.seconds, record.decode_ids.size(), record.decode_text});
  });
}

void keptTable(const Reader& reader, const ExportRequest& request, TableWriter& table) {
  table.columns({"run", "layer", "head", "position"});
  forRuns(reader, request, [&](std::size_t run, const trace::RunRecord& record) {
    const std::size_t heads = reader.header().runs[run].heads;
    for (std::size_t row = 0; row + 1 < record.kept_offsets.size(); ++row) {
      if (!chosen(request.layer, row / heads) || !chosen(request.head, row % heads)) continue;
      for (const TokenIndex position : record.kept(row)) table.row({run, row / heads, row % heads, position});
    }
  });
}

void capacityTable(const Reader& reader, const ExportRequest& request, TableWriter& table) {
  table.columns({"run", "layer", "head", "capacity"});
  forRuns(reader, request, [&](std::size_t run, const trace::RunRecord& record) {
    const std::size_t heads = reader.header().runs[run].heads;
    for (std::size_t row = 0; row < record.capacity.size(); ++row) {
      if (chosen(request.layer, row / heads) && chosen(request.head, row % heads)) {
        table.row({run, row / heads, row % heads, record.capacity[row]});
      }
    }
  });
}

void retainedTable(const Reader& reader, const ExportRequest& request, TableWriter& table) {
  table.columns({"run", "step", "layer", "head", "retained", "oracle"});
  const auto& model = reader.header().model;
  forRuns(reader, request, [&](std::size_t run, const trace::RunRecord& record) {
    for (std::size_t i = 0; i < record.retained.size(); ++i) {
      const std::size_t head = i % model.query_heads, layer = i / model.query_heads % model.layers;
      if (!chosen(request.layer, layer) || !chosen(request.head, head)) continue;
      table.row({run, i / model.query_heads / model.layers, layer, head, tableNumber(record.retained[i]),
                 tableNumber(record.oracle[i])});
    }
  });
}

void decodeTable(const Reader& reader, const ExportRequest& request, TableWriter& table) {
  table.columns({"run", "step", "id", "kl"});
  forRuns(reader, request, [&](std::size_t run, const trace::RunRecord& record) {
    for (std::size_t step = 0; step < record.decode_ids.size(); ++step) {
      table.row({run, step, record.decode_ids[step],
                 record.kl.empty() ? nlohmann::json(nullptr) : tableNumber(record.kl[step])});
    }
  });
}

void evictedTable(const Reader& reader, const ExportRequest& request, TableWriter& table) {
  table.columns({"run", "step", "layer", "head", "position"});
  forRuns(reader, request, [&](std::size_t run, const trace::RunRecord& record) {
    for (const trace::Eviction& one : record.evicted) {
      if (chosen(request.layer, one.layer) && chosen(request.head, one.head)) {
        table.row({run, one.step, one.layer, one.head, one.position});
      }
    }
  });
}

// Of the prompt without a step; a lost token without a target.
void mergedTable(const Reader& reader, const ExportRequest& request, TableWriter& table) {
  table.columns({"run", "step", "layer", "head", "position", "into"});
  forRuns(reader, request, [&](std::size_t run, const trace::RunRecord& record) {
    const std::size_t heads = reader.header().runs[run].heads;
    const auto row = [&](const nlohmann::json& step, std::size_t layer, std::size_t head, TokenIndex position,
                         TokenIndex into) {
      if (!chosen(request.layer, layer) || !chosen(request.head, head)) return;
      table.row(
          {run, step, layer, head, position, into == trace::kNoToken ? nlohmann::json(nullptr) : nlohmann::json(into)});
    };
    trace::forMergedTokens(record, reader.tokens(), [&](std::size_t list, TokenIndex position, TokenIndex into) {
      row(nullptr, list / heads, list % heads, position, into);
    });
    for (std::size_t i = 0; i < record.evicted_into.size(); ++i) {
      const trace::Eviction& one = record.evicted[i];
      row(one.step, one.layer, one.head, one.position, record.evicted_into[i]);
    }
  });
}

void expertsTable(const Reader& reader, const ExportRequest& request, TableWriter& table) {
  const auto use = reader.experts();
  if (!use) fail("{}: records no experts; the model's layers have one MLP each", request.file);
  const std::size_t experts = reader.header().model.experts;
  table.columns({"layer", "expert", "tokens", "share", "weight"});
  for (std::size_t i = 0; i < use->tokens.size(); ++i) {
    if (!chosen(request.layer, i / experts)) continue;
    table.row({i / experts, i % experts, use->tokens[i],
               static_cast<double>(use->tokens[i]) / static_cast<double>(reader.tokens()),
               tableNumber(use->weight[i])});
  }
}

void spansTable(const Reader& reader, const ExportRequest&, TableWriter& table) {
  table.columns({"name", "begin", "end"});
  const trace::Prompt& prompt = reader.header().prompt;
  for (const trace::Span& span : prompt.spans) table.row({span.name, span.begin, span.end});
  if (!prompt.question.ids.empty()) table.row({"question", prompt.ids.size(), prompt.firstGenerated()});
}

void tokensTable(const Reader& reader, const ExportRequest&, TableWriter& table) {
  table.columns({"position", "id", "text"});
  const trace::Prompt& prompt = reader.header().prompt;
  for (std::size_t i = 0; i < prompt.ids.size(); ++i) table.row({i, prompt.ids[i], tokenText(prompt, i)});
  for (std::size_t i = 0; i < prompt.question.ids.size(); ++i)
    table.row({prompt.ids.size() + i, prompt.question.ids[i], std::string(trace::questionText(prompt, i))});
}

void signalRows(const Reader& reader, const ExportRequest& request, Signal signal, TableWriter& table) {
  table.columns({"layer", "head", "position", "value"});
  forLayers(reader, request, [&](LayerIndex layer) {
    const auto values = reader.signal(layer, signal);
    if (!values) fail("{}: layer {} holds no {}", request.file, layer.value, request.what);
    for (std::size_t i = 0; i < values->size(); ++i) {
      if (std::isnan((*values)[i])) continue;  // a head that was not recorded
      const std::size_t head = i / reader.tokens();
      if (chosen(request.head, head)) table.row({layer.value, head, i % reader.tokens(), tableNumber((*values)[i])});
    }
  });
}

// The cells on and below the diagonal of one head's map.
void mapTable(const Reader& reader, const ExportRequest& request, TableWriter& table) {
  if (request.layer < 0 || request.head < 0) failUsage("export map needs --layer and --head");
  const auto& cells = reader.header().attention.cells;
  const std::size_t level = request.level.value_or(0);
  if (level >= cells.size()) failUsage("--level {}: {} has {} map levels", level, request.file, cells.size());
  const HeadIndex head(static_cast<std::size_t>(request.head));
  if (!reader.hasHead(head)) fail("{}: query head {} was not recorded", request.file, head.value);
  table.columns({"row", "column", "first_query", "first_key", "value"});
  forLayers(reader, request, [&](LayerIndex layer) {
    const auto reduction = request.reduction == "max" ? trace::Reduction::Max : trace::Reduction::Mean;
    const auto map = reader.map(layer, head, reduction, level);
    if (!map) fail("{}: layer {} holds no {} map", request.file, layer.value, request.reduction);
    const std::uint64_t cell = cells[level];
    const auto side = static_cast<std::size_t>((reader.tokens() + cell - 1) / cell);
    for (std::size_t row = 0; row < side; ++row) {
      for (std::size_t column = 0; column <= row; ++column) {
        table.row({row, column, row * cell, column * cell, tableNumber((*map)[row * side + column])});
      }
    }
  });
}

struct Part {
  std::string name;
  std::function<void(const Reader&, const ExportRequest&, TableWriter&)> write;
};

// "window-sum" for window_sum.
std::string partName(const SignalInfo& info) {
  std::string name(info.name);
  std::ranges::replace(name, '_', '-');
  return name;
}

std::vector<Part> makeParts() {
  std::vector<Part> parts{{"runs", runsTable},         {"capacity", capacityTable}, {"kept", keptTable},
                          {"retained", retainedTable}, {"decode", decodeTable},     {"evicted", evictedTable},
                          {"merged", mergedTable},     {"attended", attendedTable}, {"experts", expertsTable},
                          {"spans", spansTable},       {"tokens", tokensTable}};
  for (const SignalInfo& info : signalTable()) {
    if (info.extent == SignalExtent::WindowByToken) continue;  // a table has one value per token
    parts.push_back(
        {partName(info), [signal = info.signal](const Reader& reader, const ExportRequest& request,
                                                TableWriter& table) { signalRows(reader, request, signal, table); }});
  }
  parts.push_back({"map", mapTable});
  return parts;
}

const std::vector<Part>& parts() {
  static const std::vector<Part> table = makeParts();
  return table;
}

}  // namespace

std::vector<std::size_t> chosenRuns(const Reader& reader, const ExportRequest& request) {
  const std::size_t count = reader.header().runs.size();
  if (request.run >= static_cast<int>(count)) failUsage("--run {}: {} has {} runs", request.run, request.file, count);
  std::vector<std::size_t> runs;
  for (std::size_t run = 0; run < count; ++run)
    if (chosen(request.run, run)) runs.push_back(run);
  return runs;
}

std::vector<std::string> tracePartNames() {
  std::vector<std::string> names;
  for (const Part& part : parts()) names.push_back(part.name);
  names.insert(names.end(), {"tile", "page"});
  return names;
}

void exportTracePart(const ExportRequest& request) {
  const auto part = std::ranges::find(parts(), request.what, &Part::name);
  const bool tile = request.what == "tile";
  if (request.what == "page") return exportPage(request);
  if (part == parts().end() && !tile)
    failUsage("'{}': unknown part of a trace{}", request.what, suggestion(request.what, tracePartNames()));
  requireTableName(request.output);
  const Reader reader(request.file);
  // Whatever the run's granularity, a head index is below the number of query heads.
  if (request.head >= static_cast<int>(reader.header().model.query_heads))
    failUsage("--head {}: {} has {} query heads", request.head, request.file, reader.header().model.query_heads);
  if (tile) {
    TileExport wanted = request.tile;
    wanted.layer = request.layer;
    wanted.head = request.head;
    return writeFileAtomically(request.output, exportTile(reader, wanted, request.output.ends_with(".csv")));
  }
  TableWriter table(request.output);
  part->write(reader, request, table);
  table.complete();
}

}  // namespace kvatlas::app
