#include "core/policy/head_table.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "core/base/error.h"
#include "core/policy/parameters.h"

namespace kvatlas::policy {
namespace {

constexpr std::uint32_t kMostLayers = 10'000, kMostHeads = 65'536;
constexpr std::size_t kLargestFile = std::size_t{64} << 20;

std::string contentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) failUsage("heads={}: the file cannot be read", path);
  std::string text;
  std::vector<char> piece(1 << 16);
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) || file.gcount() > 0) {
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > kLargestFile) failUsage("heads={}: larger than any table of heads", path);
  }
  return text;
}

double meanOf(const nlohmann::json& value, const std::string& path, const std::string& head) {
  if (value.is_number()) return value.get<double>();
  double sum = 0;
  if (!value.is_array()) failUsage("heads={}: head '{}' has no list of numbers", path, head);
  for (const auto& one : value) {
    if (!one.is_number()) failUsage("heads={}: head '{}' has a value that is not a number", path, head);
    sum += one.get<double>();
  }
  return value.empty() ? 0.0 : sum / static_cast<double>(value.size());
}

// [layers * query_heads]
std::vector<double> fromJson(const Shape& shape, const std::string& text, const std::string& path) {
  const nlohmann::json table = nlohmann::json::parse(text, nullptr, false);
  if (!table.is_object()) failUsage("heads={}: neither a JSON object nor lines of numbers", path);
  std::vector<double> heads;
  for (std::uint32_t layer = 0; layer < shape.layers; ++layer)
    for (std::uint32_t head = 0; head < shape.query_heads; ++head) {
      const std::string name = std::to_string(layer) + "-" + std::to_string(head);
      const auto found = table.find(name);
      if (found == table.end())
        failUsage("heads={}: has no head '{}'; the model has {} layers of {} heads", path, name, shape.layers,
                  shape.query_heads);
      heads.push_back(meanOf(*found, path, name));
    }
  if (table.size() != heads.size())
    failUsage("heads={}: has {} heads, the model {} layers of {}", path, table.size(), shape.layers, shape.query_heads);
  return heads;
}

// [layers * columns]
std::vector<double> fromLines(const Shape& shape, const std::string& text, const std::string& path,
                              std::size_t& columns) {
  std::vector<double> values;
  std::istringstream lines(text);
  std::size_t rows = 0;
  for (std::string line; std::getline(lines, line);) {
    for (char& c : line)
      if (c == ',' || c == ';') c = ' ';
    std::istringstream numbers(line);
    const std::size_t before = values.size();
    for (double value = 0; numbers >> value;) values.push_back(value);
    if (!numbers.eof()) failUsage("heads={}: line {} holds something that is not a number", path, rows + 1);
    if (values.size() == before) continue;
    if (rows == 0) columns = values.size();
    if (values.size() - before != columns) failUsage("heads={}: line {} has another number of heads", path, rows + 1);
    ++rows;
  }
  if (rows != shape.layers || (columns != shape.kv_heads && columns != shape.query_heads))
    failUsage("heads={}: has {} lines of {} heads, the model {} layers of {} heads over {} KV heads", path, rows,
              columns, shape.layers, shape.query_heads, shape.kv_heads);
  return values;
}

}  // namespace

namespace {

// "12-3"
std::optional<std::pair<std::uint32_t, std::uint32_t>> placeOf(const std::string& name) {
  std::uint32_t layer = 0, head = 0;
  const char* const end = name.data() + name.size();
  const auto first = std::from_chars(name.data(), end, layer);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, head);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  return std::pair(layer, head);
}

// The largest layer and head that the names of a table have, counted from 1.
Shape shapeOf(const nlohmann::json& table, const std::string& path) {
  Shape shape;
  for (const auto& [name, value] : table.items()) {
    const auto place = placeOf(name);
    if (!place || place->first > kMostLayers || place->second > kMostHeads)
      fail("{}: '{}' is not a head, \"layer-head\"", path, name.substr(0, 80));
    shape.layers = std::max(shape.layers, place->first + 1);
    shape.query_heads = shape.kv_heads = std::max(shape.query_heads, place->second + 1);
  }
  return shape;
}

// Rows and columns of lines of numbers; fromLines() checks them.
Shape shapeOf(const std::string& text) {
  Shape shape;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    for (char& c : line)
      if (c == ',' || c == ';') c = ' ';
    std::istringstream numbers(line);
    std::uint32_t columns = 0;
    for (double value = 0; numbers >> value;) ++columns;
    if (columns == 0) continue;
    shape.query_heads = shape.kv_heads = columns;
    ++shape.layers;
  }
  return shape;
}

}  // namespace

HeadTable readHeadTable(const std::string& path) {
  const std::string text = contentOf(path);
  HeadTable table{.file = std::filesystem::path(path).filename().string()};
  Shape shape;
  if (const nlohmann::json object = nlohmann::json::parse(text, nullptr, false); object.is_object()) {
    shape = shapeOf(object, path);
    if (object.empty()) fail("{}: has no head", path);
    table.values = fromJson(shape, text, path);
    if (object.begin()->is_array()) table.samples = object.begin()->size();
  } else {
    shape = shapeOf(text);
    std::size_t columns = shape.query_heads;
    if (shape.layers == 0) fail("{}: neither a JSON object nor lines of numbers", path);
    table.values = fromLines(shape, text, path, columns);
  }
  table.layers = shape.layers;
  table.heads = shape.query_heads;
  return table;
}

std::vector<double> headTable(const Setting& setting) {
  const std::string path(textParameter(setting, "heads"));
  if (path == "none") failUsage("heads=FILE is missing: a table of heads, as kvatlas heads makes it");
  const std::string text = contentOf(path);
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string::npos && text[first] == '{';
  std::size_t columns = setting.shape.query_heads;
  const std::vector<double> table =
      json ? fromJson(setting.shape, text, path) : fromLines(setting.shape, text, path, columns);
  std::vector<double> heads;
  const std::size_t stored = setting.heads();
  for (std::size_t layer = 0; layer < setting.shape.layers; ++layer)
    for (std::size_t head = 0; head < stored; ++head) {
      const double* const row = table.data() + layer * columns;
      const std::size_t wide = std::max<std::size_t>(columns / stored, 1);
      double sum = 0;
      for (std::size_t i = 0; i < wide; ++i) sum += row[columns < stored ? head / (stored / columns) : head * wide + i];
      heads.push_back(sum / static_cast<double>(wide));
    }
  return heads;
}

}  // namespace kvatlas::policy
