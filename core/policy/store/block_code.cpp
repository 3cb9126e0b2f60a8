#include "core/policy/store/block_code.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/erase_rows.h"
#include "core/policy/low_rank.h"
#include "core/policy/parameters.h"

namespace kvatlas::policy {

constexpr ParameterSpec kBlockParameter{.name = "block",
                                        .values = "a whole number from 4 to 4096",
                                        .default_value = "32",
                                        .paper_value = "32",
                                        .meaning = "numbers that share a scale and a minimum",
                                        .kind = ParameterKind::Integer,
                                        .lowest = 4,
                                        .highest = 4096,
                                        .changes_score = false};
constexpr ParameterSpec kResidualParameter{.name = "residual",
                                           .values = "a whole number from 4 to 65536",
                                           .default_value = "32",
                                           .paper_value = "128",
                                           .meaning = "newest tokens that stay as they are, rounded up to whole blocks",
                                           .kind = ParameterKind::Integer,
                                           .lowest = 4,
                                           .highest = 65'536,
                                           .changes_score = false};

namespace {

constexpr std::uint64_t kTokenIndexBytes = 4;    // of an outlier within its channel
constexpr std::uint64_t kChannelIndexBytes = 2;  // of an outlier within its token

// A scale or a minimum, in 16 bits where numbers have them.
float rounded(float value, std::size_t element_bytes) {
  return element_bytes > 2 ? value : static_cast<float>(static_cast<_Float16>(value));
}

// `count` numbers, `stride` apart, without those marked `exact` (of the same layout; null: none), as codes and back.
struct Block {
  float* values;
  const char* exact;
  std::size_t stride, count;
};

void code(const Block& block, int bits, std::size_t element_bytes) {
  float least = INFINITY, most = -INFINITY;
  for (std::size_t i = 0; i < block.count; ++i) {
    if (block.exact != nullptr && block.exact[i * block.stride] != 0) continue;
    least = std::min(least, block.values[i * block.stride]);
    most = std::max(most, block.values[i * block.stride]);
  }
  if (least > most) return;
  const auto levels = static_cast<float>((1 << bits) - 1);
  const float minimum = rounded(least, element_bytes), scale = rounded((most - least) / levels, element_bytes);
  for (std::size_t i = 0; i < block.count; ++i) {
    if (block.exact != nullptr && block.exact[i * block.stride] != 0) continue;
    float& value = block.values[i * block.stride];
    const float steps = scale == 0 ? 0.0F : std::nearbyint((value - minimum) / scale);
    value = std::clamp(steps, 0.0F, levels) * scale + minimum;
  }
}

// Outliers of `count` numbers, on each side.
std::size_t outliersASide(double share, std::size_t count) {
  return std::min(static_cast<std::size_t>(std::ceil(share * static_cast<double>(count) / 2)), count / 2);
}

// Marks the smallest and the largest of `count` numbers.
void markOutliers(const float* values, std::size_t stride, std::size_t count, double share, char* exact) {
  const std::size_t side = outliersASide(share, count);
  if (side == 0) return;
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  // As a stable sort would have them: ties to the first on the small side, to the last on the large one.
  const auto valueAt = [&](std::uint32_t i) {
    const float value = values[i * stride];
    return std::isnan(value) ? INFINITY : value;
  };
  const auto smaller = [&](std::uint32_t a, std::uint32_t b) {
    const float x = valueAt(a), y = valueAt(b);
    return x != y ? x < y : a < b;
  };
  const auto middle = static_cast<std::ptrdiff_t>(side);
  std::nth_element(order.begin(), order.begin() + middle, order.end(), smaller);
  std::nth_element(order.begin() + middle, order.end() - middle, order.end(), smaller);
  for (std::size_t i = 0; i < side; ++i) exact[order[i] * stride] = exact[order[count - 1 - i] * stride] = 1;
}

// What codes lost of `rows`, added back at low rank.
void restore(std::span<const float> before, std::span<float> rows, std::size_t columns, std::uint32_t rank) {
  std::vector<float> lost(rows.size());
  for (std::size_t i = 0; i < lost.size(); ++i) lost[i] = before[i] - rows[i];
  keepLowRank(lost, columns, rank);
  for (std::size_t i = 0; i < lost.size(); ++i) rows[i] += lost[i];
}

}  // namespace

ParameterSpec bitsParameter(std::string_view usual) {
  return {.name = "bits",
          .values = "2|4|8",
          .default_value = usual,
          .paper_value = usual,
          .meaning = "bits of a code",
          .changes_score = false};
}

ParameterSpec outliersParameter(std::string_view usual) {
  return {.name = "outliers",
          .values = "a number from 0 to 0.5",
          .default_value = usual,
          .paper_value = usual,
          .meaning = "share of the smallest and largest numbers that stay exact",
          .kind = ParameterKind::Number,
          .lowest = 0,
          .highest = 0.5,
          .changes_score = false};
}

BlockCodeOptions blockCodeOptions(const Setting& setting) {
  const auto block = static_cast<std::uint32_t>(integerParameter(setting, "block")),
             residual = static_cast<std::uint32_t>(integerParameter(setting, "residual"));
  return {.bits = static_cast<int>(integerParameter(setting, "bits")),
          .block = block,
          .residual = (residual + block - 1) / block * block};
}

BlockCode::BlockCode(const FormShape& shape, const BlockCodeOptions& options)
    : m_shape(shape), m_options(options), m_lists(shape.lists()) {}

void BlockCode::Groups::add(std::uint32_t rows) {
  of_row.insert(of_row.end(), rows, static_cast<std::uint32_t>(left.size()));
  left.push_back(rows);
}

// Rows behind the coded ones are none of a group.
void BlockCode::Groups::erase(std::span<const std::uint32_t> rows) {
  for (const std::uint32_t row : rows)
    if (row < of_row.size()) --left[of_row[row]];
  eraseRows(of_row, rows);
}

std::uint64_t BlockCode::Groups::living() const {
  return static_cast<std::uint64_t>(std::ranges::count_if(left, [](std::uint32_t rows) { return rows > 0; }));
}

std::uint32_t BlockCode::keysDue(const List& list, std::uint32_t rows) const {
  return (rows - list.key_blocks.rows()) / m_options.residual * m_options.residual;
}

std::uint32_t BlockCode::valuesDue(const List& list, std::uint32_t rows) const {
  if (m_options.values_with_keys) return keysDue(list, rows);
  const std::uint32_t done = list.value_runs.rows() + m_options.residual;
  return rows > done ? rows - done : 0;
}

RowRange BlockCode::due(std::size_t index, std::uint32_t rows) const {
  const List& list = m_lists[index];
  const std::uint32_t keys = list.key_blocks.rows(), values = list.value_runs.rows();
  const std::uint32_t more_keys = keysDue(list, rows), more_values = valuesDue(list, rows);
  if (more_keys == 0) return {values, more_values};
  if (more_values == 0) return {keys, more_keys};
  const std::uint32_t first = std::min(keys, values);
  return {first, std::max(keys + more_keys, values + more_values) - first};
}

void BlockCode::settle(std::size_t index, std::uint32_t rows, ListEntries entries) {
  List& list = m_lists[index];
  const std::size_t first = due(index, rows).first, d = m_shape.head_dim;
  const auto part = [&](std::span<float> all, std::uint32_t coded, std::uint32_t more) {
    return all.subspan((coded - first) * d, more * d);
  };
  const std::uint32_t keys = keysDue(list, rows), values = valuesDue(list, rows);
  if (keys > 0) codeKeys(list, part(entries.key, list.key_blocks.rows(), keys));
  if (values > 0) codeValues(list, part(entries.value, list.value_runs.rows(), values));
}

void BlockCode::codeKeys(List& list, std::span<float> rows) {
  const std::size_t d = m_shape.head_dim, count = rows.size() / d;
  const std::vector<float> before(rows.begin(), rows.end());
  std::vector<char> exact(m_options.outliers > 0 ? rows.size() : 0);
  char* const marks = exact.empty() ? nullptr : exact.data();
  for (std::size_t channel = 0; channel < d; ++channel) {
    if (marks != nullptr) markOutliers(rows.data() + channel, d, count, m_options.outliers, marks + channel);
    for (std::size_t first = 0; first < count; first += m_options.block) {
      const std::size_t at = first * d + channel;
      code({rows.data() + at, marks == nullptr ? nullptr : marks + at, d,
            std::min<std::size_t>(m_options.block, count - first)},
           m_options.bits, m_shape.element_bytes);
    }
  }
  if (m_options.rank > 0) restore(before, rows, d, m_options.rank);
  for (std::size_t first = 0; first < count; first += m_options.block)
    list.key_blocks.add(static_cast<std::uint32_t>(std::min<std::size_t>(m_options.block, count - first)));
  list.key_runs.add(static_cast<std::uint32_t>(count));
  for (std::size_t row = 0; row < count; ++row)
    list.key_outliers.push_back(
        marks == nullptr ? 0 : static_cast<std::uint32_t>(std::count(marks + row * d, marks + (row + 1) * d, 1)));
}

void BlockCode::codeValues(List& list, std::span<float> rows) {
  const std::size_t d = m_shape.head_dim, count = rows.size() / d;
  const std::vector<float> before(rows.begin(), rows.end());
  for (std::size_t row = 0; row < count; ++row) {
    float* const values = rows.data() + row * d;
    std::vector<char> exact(m_options.outliers > 0 ? d : 0);
    if (!exact.empty()) markOutliers(values, 1, d, m_options.outliers, exact.data());
    for (std::size_t first = 0; first < d; first += m_options.block)
      code({values + first, exact.empty() ? nullptr : exact.data() + first, 1,
            std::min<std::size_t>(m_options.block, d - first)},
           m_options.bits, m_shape.element_bytes);
  }
  if (m_options.rank > 0) restore(before, rows, d, m_options.rank);
  list.value_runs.add(static_cast<std::uint32_t>(count));
}

void BlockCode::erase(std::size_t index, std::span<const std::uint32_t> rows) {
  List& list = m_lists[index];
  for (Groups* groups : {&list.key_blocks, &list.key_runs, &list.value_runs}) groups->erase(rows);
  eraseRows(list.key_outliers, rows);
}

// Two factors of each run: one number per row and one per channel, as often as the rank says.
std::uint64_t BlockCode::rankBytes(const Groups& runs) const {
  return m_options.rank * (runs.rows() + runs.living() * m_shape.head_dim) * m_shape.element_bytes;
}

std::uint64_t BlockCode::keyBytes(const List& list, std::uint32_t rows) const {
  const std::uint64_t d = m_shape.head_dim, coded = list.key_blocks.rows();
  const std::uint64_t exact = std::accumulate(list.key_outliers.begin(), list.key_outliers.end(), std::uint64_t{0});
  return coded * codeBytes() + list.key_blocks.living() * d * scaleBytes() +
         exact * (m_shape.element_bytes + kTokenIndexBytes) + rankBytes(list.key_runs) +
         (rows - coded) * m_shape.rowBytes();
}

std::uint64_t BlockCode::valueBytes(const List& list, std::uint32_t rows) const {
  const std::uint64_t d = m_shape.head_dim, coded = list.value_runs.rows();
  const std::uint64_t scales = (d + m_options.block - 1) / m_options.block;
  const std::uint64_t exact = 2 * outliersASide(m_options.outliers, d);
  return coded * (codeBytes() + scales * scaleBytes() + exact * (m_shape.element_bytes + kChannelIndexBytes)) +
         rankBytes(list.value_runs) + (rows - coded) * m_shape.rowBytes();
}

std::uint64_t BlockCode::codeBytes() const {
  return (std::uint64_t{m_shape.head_dim} * static_cast<std::uint64_t>(m_options.bits) + 7) / 8;
}

std::uint64_t BlockCode::bytes(std::span<const std::uint32_t> rows) const {
  std::uint64_t sum = 0;
  for (std::size_t list = 0; list < m_lists.size(); ++list)
    sum += keyBytes(m_lists[list], rows[list]) + valueBytes(m_lists[list], rows[list]);
  return sum;
}

}  // namespace kvatlas::policy
