#include "app/cli/export_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/suggest.h"
#include "core/trace/reader.h"

namespace kvatlas::app {
namespace {

using nlohmann::json;
using trace::Reader;
using trace::Signal;

struct Request {
  std::string file, what, output, reduction = "mean";
  int layer = -1, head = -1, run = -1;  // -1: all
  std::size_t level = 0;
};

// A table with one JSON scalar per cell: it becomes CSV lines or a list of objects.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<json>> rows;
};

std::string csvCell(const json& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return value.dump();
  std::string text = value.get<std::string>(), quoted;
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return '"' + quoted + '"';
}

std::string toCsv(const Table& table) {
  std::string out = fmt::format("{}\n", fmt::join(table.columns, ","));
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += ',';
      out += csvCell(row[i]);
    }
    out += '\n';
  }
  return out;
}

std::string toJson(const Table& table) {
  json list = json::array();
  for (const auto& row : table.rows) {
    json object = json::object();
    for (std::size_t i = 0; i < row.size(); ++i) object[table.columns[i]] = row[i];
    list.push_back(std::move(object));
  }
  return list.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

json number(float value) {
  if (!std::isfinite(value)) return nullptr;
  return std::strtod(fmt::format("{}", value).c_str(), nullptr);  // the shortest digits that give the float again
}

std::string tokenText(const trace::Prompt& prompt, std::size_t token) {
  return prompt.text.substr(prompt.offsets[token], prompt.offsets[token + 1] - prompt.offsets[token]);
}

template <class Body>
void forRuns(const Reader& reader, const Request& request, const Body& body) {
  const std::size_t runs = reader.header().runs.size();
  if (request.run >= static_cast<int>(runs)) failUsage("--run {}: {} has {} runs", request.run, request.file, runs);
  for (std::size_t run = 0; run < runs; ++run) {
    if (request.run >= 0 && run != static_cast<std::size_t>(request.run)) continue;
    if (const auto record = reader.run(run)) body(run, *record);
  }
}

template <class Body>
void forLayers(const Reader& reader, const Request& request, const Body& body) {
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

Table runsTable(const Reader& reader, const Request& request) {
  Table table{{"run", "label", "method", "budget", "budget_nominal", "budget_realised", "granularity", "cache_bytes",
               "seconds", "generated_tokens", "text"},
              {}};
  forRuns(reader, request, [&](std::size_t run, const trace::RunRecord& record) {
    const trace::RunHeader& header = reader.header().runs[run];
    table.rows.push_back({run, header.label, header.method, header.budget, header.budget_nominal,
                          record.budget_realised, header.granularity, record.cache_bytes, record.seconds,
                          record.decode_ids.size(), record.decode_text});
  });
  return table;
}

Table keptTable(const Reader& reader, const Request& request) {
  Table table{{"run", "layer", "head", "position"}, {}};
  forRuns(reader, request, [&](std::size_t run, const trace::RunRecord& record) {
    const std::size_t heads = reader.header().runs[run].heads;
    for (std::size_t row = 0; row + 1 < record.kept_offsets.size(); ++row) {
      if (!chosen(request.layer, row / heads) || !chosen(request.head, row % heads)) continue;
      for (auto i = record.kept_offsets[row]; i < record.kept_offsets[row + 1]; ++i) {
        table.rows.push_back({run, row / heads, row % heads, record.kept_positions[i]});
      }
    }
  });
  return table;
}

Table capacityTable(const Reader& reader, const Request& request) {
  Table table{{"run", "layer", "head", "capacity"}, {}};
  forRuns(reader, request, [&](std::size_t run, const trace::RunRecord& record) {
    const std::size_t heads = reader.header().runs[run].heads;
    for (std::size_t row = 0; row < record.capacity.size(); ++row) {
      if (chosen(request.layer, row / heads) && chosen(request.head, row % heads)) {
        table.rows.push_back({run, row / heads, row % heads, record.capacity[row]});
      }
    }
  });
  return table;
}

Table retainedTable(const Reader& reader, const Request& request) {
  Table table{{"run", "step", "layer", "head", "retained", "oracle"}, {}};
  const auto& model = reader.header().model;
  forRuns(reader, request, [&](std::size_t run, const trace::RunRecord& record) {
    for (std::size_t i = 0; i < record.retained.size(); ++i) {
      const std::size_t head = i % model.query_heads, layer = i / model.query_heads % model.layers;
      if (!chosen(request.layer, layer) || !chosen(request.head, head)) continue;
      table.rows.push_back({run, i / model.query_heads / model.layers, layer, head, number(record.retained[i]),
                            number(record.oracle[i])});
    }
  });
  return table;
}

Table decodeTable(const Reader& reader, const Request& request) {
  Table table{{"run", "step", "id", "kl"}, {}};
  forRuns(reader, request, [&](std::size_t run, const trace::RunRecord& record) {
    for (std::size_t step = 0; step < record.decode_ids.size(); ++step) {
      table.rows.push_back(
          {run, step, record.decode_ids[step], record.kl.empty() ? json(nullptr) : number(record.kl[step])});
    }
  });
  return table;
}

Table evictedTable(const Reader& reader, const Request& request) {
  Table table{{"run", "step", "layer", "head", "position"}, {}};
  forRuns(reader, request, [&](std::size_t run, const trace::RunRecord& record) {
    for (const trace::Eviction& one : record.evicted) {
      if (chosen(request.layer, one.layer) && chosen(request.head, one.head)) {
        table.rows.push_back({run, one.step, one.layer, one.head, one.position});
      }
    }
  });
  return table;
}

Table spansTable(const Reader& reader, const Request&) {
  Table table{{"name", "begin", "end"}, {}};
  for (const trace::Span& span : reader.header().prompt.spans) table.rows.push_back({span.name, span.begin, span.end});
  return table;
}

Table tokensTable(const Reader& reader, const Request&) {
  Table table{{"position", "id", "text"}, {}};
  const trace::Prompt& prompt = reader.header().prompt;
  for (std::size_t i = 0; i < prompt.ids.size(); ++i) table.rows.push_back({i, prompt.ids[i], tokenText(prompt, i)});
  return table;
}

template <Signal kSignal>
Table signalTable(const Reader& reader, const Request& request) {
  Table table{{"layer", "head", "position", "value"}, {}};
  forLayers(reader, request, [&](LayerIndex layer) {
    const auto values = reader.signal(layer, kSignal);
    if (!values) fail("{}: layer {} holds no {}", request.file, layer.value, request.what);
    for (std::size_t i = 0; i < values->size(); ++i) {
      const std::size_t head = i / reader.tokens();
      if (chosen(request.head, head))
        table.rows.push_back({layer.value, head, i % reader.tokens(), number((*values)[i])});
    }
  });
  return table;
}

// The cells on and below the diagonal of one head's map.
Table mapTable(const Reader& reader, const Request& request) {
  if (request.layer < 0 || request.head < 0) failUsage("export map needs --layer and --head");
  const auto& cells = reader.header().attention.cells;
  if (request.level >= cells.size())
    failUsage("--level {}: {} has {} map levels", request.level, request.file, cells.size());
  Table table{{"row", "column", "first_query", "first_key", "value"}, {}};
  forLayers(reader, request, [&](LayerIndex layer) {
    const auto reduction = request.reduction == "max" ? trace::Reduction::Max : trace::Reduction::Mean;
    const auto map = reader.map(layer, HeadIndex(static_cast<std::size_t>(request.head)), reduction, request.level);
    if (!map) fail("{}: layer {} holds no {} map", request.file, layer.value, request.reduction);
    const std::uint64_t cell = cells[request.level];
    const auto side = static_cast<std::size_t>((reader.tokens() + cell - 1) / cell);
    for (std::size_t row = 0; row < side; ++row) {
      for (std::size_t column = 0; column <= row; ++column) {
        table.rows.push_back({row, column, row * cell, column * cell, number((*map)[row * side + column])});
      }
    }
  });
  return table;
}

struct Part {
  const char* name;
  Table (*table)(const Reader&, const Request&);
};

constexpr std::array kParts = {Part{"runs", runsTable},
                               Part{"capacity", capacityTable},
                               Part{"kept", keptTable},
                               Part{"retained", retainedTable},
                               Part{"decode", decodeTable},
                               Part{"evicted", evictedTable},
                               Part{"spans", spansTable},
                               Part{"tokens", tokensTable},
                               Part{"lse", signalTable<Signal::Lse>},
                               Part{"entropy", signalTable<Signal::Entropy>},
                               Part{"received", signalTable<Signal::Received>},
                               Part{"window-sum", signalTable<Signal::WindowSum>},
                               Part{"key-norm", signalTable<Signal::KeyNorm>},
                               Part{"value-norm", signalTable<Signal::ValueNorm>},
                               Part{"map", mapTable}};

std::vector<std::string> partNames() {
  std::vector<std::string> names;
  for (const Part& part : kParts) names.emplace_back(part.name);
  return names;
}

void exportPart(const Request& request) {
  const auto part =
      std::find_if(kParts.begin(), kParts.end(), [&](const Part& one) { return request.what == one.name; });
  if (part == kParts.end())
    failUsage("'{}' is nothing that can be exported{}", request.what, suggestion(request.what, partNames()));
  const bool csv = request.output.ends_with(".csv");
  if (!csv && !request.output.ends_with(".json"))
    failUsage("-o {}: the name has to end in .csv or .json", request.output);
  const Reader reader(request.file);
  // A head counted from the run's own granularity is at most a query head.
  if (request.head >= static_cast<int>(reader.header().model.query_heads)) {
    failUsage("--head {}: {} has {} query heads", request.head, request.file, reader.header().model.query_heads);
  }
  const Table table = part->table(reader, request);
  writeFileAtomically(request.output, csv ? toCsv(table) : toJson(table));
}

}  // namespace

void addExportCommand(CLI::App& root) {
  CLI::App* command = root.add_subcommand("export", "write one part of a trace as CSV or JSON");
  auto request = std::make_shared<Request>();
  command->add_option("file", request->file, "Trace file")->required();
  command->add_option("what", request->what, fmt::format("One of {}", fmt::join(partNames(), ", ")))->required();
  command->add_option("-o,--output", request->output, "Output: name.csv or name.json")->required();
  command->add_option("--layer", request->layer, "Only this layer")->check(CLI::NonNegativeNumber);
  command->add_option("--head", request->head, "Only this head")->check(CLI::NonNegativeNumber);
  command->add_option("--run", request->run, "Only this run")->check(CLI::NonNegativeNumber);
  command->add_option("--level", request->level, "Map level, 0 is the finest");
  command->add_option("--reduction", request->reduction, "Map reduction: mean or max")
      ->check(CLI::IsMember({"mean", "max"}));
  command->callback([request] { exportPart(*request); });
}

}  // namespace kvatlas::app
