// How the entries of a branch's lists are kept: what the store part of a method makes of keys and values. Host arrays
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace kvatlas::policy {

struct FormShape {
  std::uint32_t layers = 0, heads = 0 /* stored, of each layer */, head_dim = 0;
  std::size_t element_bytes = 4;  // of a number that is kept as it is
  // [layers · heads, d] mean squares of the last queries, where the part asks for them.
  std::vector<float> query_squares;
  [[nodiscard]] std::size_t lists() const { return std::size_t{layers} * heads; }
  [[nodiscard]] std::uint64_t rowBytes() const { return std::uint64_t{head_dim} * element_bytes; }  // of a key
};

struct RowRange {
  std::uint32_t first = 0, count = 0;
};

// Rows of one list as attention reads them, [rows, d] each.
struct ListEntries {
  std::span<float> key, value;
};

// The rows of two lists that hold the same position.
struct RowPair {
  std::uint32_t lower = 0, upper = 0;
};

// Attention reads entries decoded from the form, and bytes() is the size of the form itself. Lists are numbered
// layer · heads + head; different lists may be settled at the same time.
class StoredForm {
 public:
  StoredForm() = default;
  StoredForm(const StoredForm&) = delete;
  StoredForm& operator=(const StoredForm&) = delete;
  virtual ~StoredForm() = default;

  // Which of a list's `rows` rows are to be settled now: at the end of the prompt, or after a step.
  [[nodiscard]] virtual RowRange due(std::size_t list, std::uint32_t rows) const = 0;
  // Replaces the entries of the rows that are due in a list of `rows` rows by what the form gives back of them.
  virtual void settle(std::size_t list, std::uint32_t rows, ListEntries entries) = 0;

  // The list of the layer below that this one is kept with; settled once, at the end of the prompt. Empty: none.
  [[nodiscard]] virtual std::optional<std::size_t> partnerOf(std::size_t /*list*/) const { return std::nullopt; }
  virtual void settlePair(std::size_t /*list*/, std::span<const RowPair> /*rows*/, ListEntries /*lower*/,
                          ListEntries /*upper*/) {}

  // The list gives up rows, ascending.
  virtual void erase(std::size_t list, std::span<const std::uint32_t> rows) = 0;
  // Of everything kept: numbers, codes, scales, minima, masks, indices. rows: [lists]
  [[nodiscard]] virtual std::uint64_t bytes(std::span<const std::uint32_t> rows) const = 0;
};

}  // namespace kvatlas::policy
