#include "core/trace/stored_data.h"

#include <algorithm>

namespace kvatlas::trace {

using h5::SourceDataset;
using schema::DatasetSpec;

std::uint64_t neededBytes(const DatasetSpec& spec, const std::vector<std::uint64_t>& dims) {
  const std::size_t rank = dims.size();
  std::uint64_t cells = 1;
  for (std::size_t axis = 0; axis + (spec.diagonal ? 2 : 0) < rank; ++axis)
    cells *= axis == 0 ? schema::slabCount(spec, dims[0]) : dims[axis];
  if (spec.diagonal) {
    std::uint64_t visible = 0;
    for (std::uint64_t row = 0; row < dims[rank - 2]; ++row) {
      visible += std::min(dims[rank - 1], row + *spec.diagonal + 1);
    }
    cells *= visible;
  }
  return cells * schema::sizeOf(spec.type);
}

bool keepsEverything(const SourceDataset& positions, const std::vector<std::uint64_t>& offsets, std::uint64_t tokens) {
  constexpr std::uint64_t kPositionsAtOnce = 1U << 18U;
  const std::uint64_t rows = offsets.empty() ? 0 : offsets.size() - 1;
  for (std::uint64_t row = 0; row < offsets.size(); ++row)
    if (offsets[row] != row * tokens) return false;
  if (positions.dims().at(0) != rows * tokens) return false;
  const std::uint64_t step = std::max<std::uint64_t>(kPositionsAtOnce / std::max<std::uint64_t>(tokens, 1), 1);
  for (std::uint64_t row = 0; row < rows; row += step) {
    const auto some = positions.read<TokenIndex>({row * tokens}, {std::min(step, rows - row) * tokens});
    for (std::size_t i = 0; i < some.size(); ++i)
      if (some[i] != i % tokens) return false;
  }
  return rows > 0;
}

h5::SourceDataset notesOf(const h5::SourceGroup& root) {
  h5::SourceDataset notes = root.dataset(schema::member::kNotes);
  notes.expect(schema::Type::U8, 1);
  if (notes.dims()[0] > schema::kMaxNotes)
    notes.fail(fmt::format("has {} bytes, at most {} were expected", notes.dims()[0], schema::kMaxNotes));
  return notes;
}

}  // namespace kvatlas::trace
