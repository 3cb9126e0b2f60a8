// Entries as codes of a few bits with a scale and a minimum per block: keys in blocks of neighbouring tokens of one
// channel, values in blocks of neighbouring channels of one token; the newest tokens stay as they are. Outliers and a
// low-rank part of the error may be kept besides.
#pragma once

#include "core/policy/policy.h"
#include "core/policy/stored_form.h"

namespace kvatlas::policy {

struct BlockCodeOptions {
  int bits = 4;
  std::uint32_t block = 32;     // numbers that share a scale
  std::uint32_t residual = 32;  // newest tokens that stay as they are; a multiple of `block`
  double outliers = 0;  // share of a channel's (keys) or token's (values) numbers that stay exact, half of them on each
                        // side, rounded up
  std::uint32_t rank = 0;         // of the error's low-rank part, of each run of rows that is coded at once
  bool values_with_keys = false;  // values are coded when keys are, many at once; else each as it becomes old
};

class BlockCode final : public StoredForm {
 public:
  BlockCode(const FormShape& shape, const BlockCodeOptions& options);

  [[nodiscard]] RowRange due(std::size_t list, std::uint32_t rows) const override;
  void settle(std::size_t list, std::uint32_t rows, ListEntries entries) override;
  void erase(std::size_t list, std::span<const std::uint32_t> rows) override;
  [[nodiscard]] std::uint64_t bytes(std::span<const std::uint32_t> rows) const override;

 private:
  // Which block or run of rows each coded row belongs to, and how many rows are left of each.
  struct Groups {
    std::vector<std::uint32_t> of_row, left;
    void add(std::uint32_t rows);
    void erase(std::span<const std::uint32_t> rows);
    [[nodiscard]] std::uint32_t rows() const { return static_cast<std::uint32_t>(of_row.size()); }
    [[nodiscard]] std::uint64_t living() const;
  };
  // The coded rows of a list are its first ones.
  struct List {
    Groups key_blocks, key_runs, value_runs;  // a run is coded at once
    std::vector<std::uint32_t> key_outliers;  // [keys coded] numbers that stay exact
  };
  [[nodiscard]] std::uint32_t keysDue(const List& list, std::uint32_t rows) const;
  [[nodiscard]] std::uint32_t valuesDue(const List& list, std::uint32_t rows) const;
  void codeKeys(List& list, std::span<float> rows);
  void codeValues(List& list, std::span<float> rows);
  [[nodiscard]] std::uint64_t keyBytes(const List& list, std::uint32_t rows) const;
  [[nodiscard]] std::uint64_t valueBytes(const List& list, std::uint32_t rows) const;
  [[nodiscard]] std::uint64_t rankBytes(const Groups& runs) const;
  [[nodiscard]] std::uint64_t codeBytes() const;                                        // of a row
  [[nodiscard]] std::uint64_t scaleBytes() const { return 2 * m_shape.element_bytes; }  // and its minimum

  FormShape m_shape;
  BlockCodeOptions m_options;
  std::vector<List> m_lists;
};

// Of the setting's parameters.
[[nodiscard]] BlockCodeOptions blockCodeOptions(const Setting& setting);

// The parameters of every part that codes in blocks.
[[nodiscard]] ParameterSpec bitsParameter(std::string_view usual);
extern const ParameterSpec kBlockParameter, kResidualParameter;
[[nodiscard]] ParameterSpec outliersParameter(std::string_view usual);

}  // namespace kvatlas::policy
