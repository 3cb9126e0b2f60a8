// Each chunk of a dataset, as its readers will ask for it.
#include <algorithm>

#include "core/trace/h5_read.h"

namespace kvatlas::trace::h5 {

void SourceDataset::touchChunks() const {
  if (m_chunk.empty()) return;
  const Handle type(checked(H5Dget_type(m_id.get()), "read its type"));
  const std::size_t rank = m_dims.size();
  std::uint64_t chunks = 1;
  double claimed = static_cast<double>(H5Tget_size(type.get()));
  for (std::size_t axis = 0; axis < rank; ++axis) {
    chunks *= m_dims[axis] / m_chunk[axis] + (m_dims[axis] % m_chunk[axis] != 0 ? 1 : 0);
    claimed *= static_cast<double>(m_dims[axis]);
  }
  // Whoever reads it refuses it: of a dataset with a diagonal, half must be stored.
  const double most = 4.0 * static_cast<double>(m_source->bytes()) * static_cast<double>(m_expansion);
  if (claimed > most) return;
  std::vector<hsize_t> at(rank, 0);
  for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
    std::uint64_t rest = chunk;
    for (std::size_t axis = rank; axis-- > 0;) {
      const std::uint64_t along = (m_dims[axis] + m_chunk[axis] - 1) / m_chunk[axis];
      at[axis] = rest % along * m_chunk[axis];
      rest /= along;
    }
    hsize_t stored = 0;
    checked(H5Dget_chunk_storage_size(m_id.get(), at.data(), &stored), "find a chunk");
    if (m_expansion > 1 && stored > 0) readChunk(type.get(), {at.begin(), at.end()});
  }
}

void SourceDataset::readChunk(hid_t type, const std::vector<std::uint64_t>& at) const {
  std::vector<std::uint64_t> count(at.size(), 0);
  std::uint64_t bytes = H5Tget_size(type);
  for (std::size_t axis = 0; axis < at.size(); ++axis)
    bytes *= count[axis] = std::min(m_chunk[axis], m_dims[axis] - at[axis]);
  std::vector<unsigned char> values(bytes);
  readInto(type, at, count, values.data());
}

}  // namespace kvatlas::trace::h5
