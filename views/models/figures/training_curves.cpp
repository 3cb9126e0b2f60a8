#include "views/models/figures/training_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <string_view>

#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::views {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{256} << 20;
constexpr std::size_t kMostColumns = 4096;
constexpr std::string_view kAccuracy = "accuracy_";

std::vector<std::string_view> cellsOf(std::string_view line) {
  std::vector<std::string_view> cells;
  if (line.ends_with('\r')) line.remove_suffix(1);
  for (std::size_t begin = 0; begin <= line.size() && cells.size() <= kMostColumns;) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    cells.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return cells;
}

struct Row {
  std::size_t line = 0;
  double tokens = 0;
  std::vector<std::string_view> cells;
};

struct Columns {
  std::vector<std::string> names;

  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) return std::nullopt;
    return static_cast<std::size_t>(found - names.begin());
  }
};

class Parser {
 public:
  Parser(std::string path, std::string text) : m_path(std::move(path)), m_text(std::move(text)) {}

  void parse(TrainingCurves& log) {
    std::string_view rest = m_text;
    readHeader(nextLine(rest));
    while (!rest.empty()) {
      const bool torn = rest.find('\n') == std::string_view::npos;
      const std::string_view line = nextLine(rest);
      if (torn) {
        log.warnings.push_back(fmt::format("{}:{}: the last line is torn and was left out", m_path, m_line));
        break;
      }
      if (!line.empty() && line != "\r") addRow(line);
    }
    log.rows = m_rows.size();
    if (!m_rows.empty()) log.last_tokens = m_rows.back().tokens;
    fill(log);
  }

 private:
  std::string_view nextLine(std::string_view& rest) {
    ++m_line;
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
  }

  void readHeader(std::string_view line) {
    std::set<std::string_view> seen;
    for (const std::string_view name : cellsOf(line)) {
      if (!name.empty() && !seen.insert(name).second) fail("{}:1: column '{}' stands twice", m_path, name);
      m_columns.names.emplace_back(name);
    }
    if (m_columns.names.size() > kMostColumns) fail("{}:1: more than {} columns", m_path, kMostColumns);
    if (!m_columns.find("tokens")) fail("{}:1: no column 'tokens'; the CSV log of a training was expected", m_path);
  }

  void addRow(std::string_view line) {
    Row row{m_line, 0, cellsOf(line)};
    if (row.cells.size() != m_columns.names.size())
      fail("{}:{}: {} cells, the header has {} columns", m_path, m_line, row.cells.size(), m_columns.names.size());
    const std::optional<double> tokens = number(row, *m_columns.find("tokens"));
    if (!tokens || *tokens < 0) fail("{}:{}: column 'tokens': expected a number of tokens", m_path, m_line);
    row.tokens = *tokens;
    // A training that was stopped goes on from its checkpoint and writes again what it does again.
    while (!m_rows.empty() && m_rows.back().tokens >= row.tokens) m_rows.pop_back();
    m_rows.push_back(std::move(row));
  }

  [[nodiscard]] std::optional<double> number(const Row& row, std::size_t column) const {
    const std::string_view text = row.cells[column];
    if (text.empty() || text == "nan") return std::nullopt;
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
      fail("{}:{}: column '{}': expected a number, found '{}'", m_path, row.line, m_columns.names[column],
           text.substr(0, 40));
    return value;
  }

  [[nodiscard]] MeasuredCurve curve(std::size_t column) const {
    MeasuredCurve curve;
    for (const Row& row : m_rows)
      if (const std::optional<double> value = number(row, column)) {
        curve.tokens.push_back(row.tokens);
        curve.values.push_back(*value);
      }
    return curve;
  }

  void fill(TrainingCurves& log) const {
    if (const auto column = m_columns.find("loss_text")) log.text_loss = curve(*column);
    if (const auto column = m_columns.find("heldout_bits_per_byte")) log.held_out = curve(*column);
    for (std::size_t i = 0; i < m_columns.names.size(); ++i) {
      const std::string_view name = m_columns.names[i];
      if (!name.starts_with(kAccuracy)) continue;
      const std::string_view digits = name.substr(kAccuracy.size());
      std::uint64_t length = 0;
      const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
      if (digits.empty() || code != std::errc{} || end != digits.data() + digits.size())
        fail("{}:1: column '{}': expected accuracy_<length>", m_path, name);
      MeasuredCurve found = curve(i);
      if (!found.values.empty()) log.accuracy.emplace_back(length, std::move(found));
    }
    std::sort(log.accuracy.begin(), log.accuracy.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto stage = m_columns.find("stage");
    for (std::size_t i = 0; stage && i < m_rows.size(); ++i) {
      const std::string_view name = m_rows[i].cells[*stage];
      if (!name.empty() && (log.stages.empty() || log.stages.back().name != name))
        log.stages.push_back({std::string(name), i == 0 ? 0 : m_rows[i - 1].tokens});
    }
  }

  std::string m_path, m_text;
  std::size_t m_line = 0;
  Columns m_columns;
  std::vector<Row> m_rows;
};

}  // namespace

TrainingCurves readTrainingCurves(const std::filesystem::path& path) {
  TrainingCurves log;
  log.file = path.filename().string();
  Parser(path.string(), readFile(path, kMostBytes)).parse(log);
  if (log.text_loss.values.empty() && log.held_out.values.empty() && log.accuracy.empty())
    fail("{}: holds no loss and no accuracy to draw", path.string());
  return log;
}

}  // namespace kvatlas::views
