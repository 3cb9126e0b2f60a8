#include "core/trace/h5_write.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace kvatlas::trace::h5 {
namespace {

Handle stringType(std::size_t length) {
  Handle type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), std::max<std::size_t>(length, 1));
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  return type;
}

std::vector<hsize_t> sizes(const std::vector<std::uint64_t>& dims) {
  return {dims.begin(), dims.end()};
}

Handle chunkedList(const schema::DatasetSpec& spec, const std::string& file) {
  Handle list = creationList(H5P_DATASET_CREATE, file);
  const std::vector<hsize_t> chunk = sizes(spec.chunk);
  H5Pset_chunk(list.get(), static_cast<int>(chunk.size()), chunk.data());
  // Writing allocates a chunk; readers get the fill value (zero) for the others.
  H5Pset_alloc_time(list.get(), H5D_ALLOC_TIME_INCR);
  return list;
}

// A chunked array of up to four axes viewed as one of three. A fourth axis, which is never split into chunks, is folded
// the third.
struct Grid {
  std::array<std::uint64_t, 3> dims{1, 1, 1}, chunk{1, 1, 1};
  std::size_t lead = 0;      // axes added in front
  std::uint64_t folded = 1;  // length of the fourth axis

  Grid(const std::vector<std::uint64_t>& given, const schema::DatasetSpec& spec)
      : lead(given.size() < 3 ? 3 - given.size() : 0) {
    const auto axes = static_cast<std::ptrdiff_t>(std::min<std::size_t>(given.size(), 3));
    std::copy_n(given.begin(), axes, dims.begin() + static_cast<std::ptrdiff_t>(lead));
    std::copy_n(spec.chunk.begin(), axes, chunk.begin() + static_cast<std::ptrdiff_t>(lead));
    if (given.size() > 3) folded = given[3];
    dims[2] *= folded;
    chunk[2] *= folded;
  }
  [[nodiscard]] std::uint64_t offset(std::uint64_t a, std::uint64_t b, std::uint64_t c) const {
    return (a * dims[1] + b) * dims[2] + c;
  }
  // Whether a chunk's data is one contiguous run of the source that fills it.
  [[nodiscard]] bool contiguous(const std::array<std::uint64_t, 3>& at) const {
    const bool full = at[0] + chunk[0] <= dims[0] && at[1] + chunk[1] <= dims[1] && at[2] + chunk[2] <= dims[2];
    return full && chunk[0] == 1 && (chunk[1] == 1 || chunk[2] == dims[2]);
  }
};

// Copies one chunk out of the array, padding with zeros past its edge.
void pack(const Grid& grid, const std::array<std::uint64_t, 3>& at, std::size_t element, const char* values,
          std::vector<char>& out) {
  std::fill(out.begin(), out.end(), '\0');
  const std::uint64_t columns = std::min(grid.chunk[2], grid.dims[2] - at[2]);
  for (std::uint64_t a = 0; a < grid.chunk[0] && at[0] + a < grid.dims[0]; ++a) {
    for (std::uint64_t b = 0; b < grid.chunk[1] && at[1] + b < grid.dims[1]; ++b) {
      std::memcpy(out.data() + (a * grid.chunk[1] + b) * grid.chunk[2] * element,
                  values + grid.offset(at[0] + a, at[1] + b, at[2]) * element, columns * element);
    }
  }
}

// `first`: where the values begin on the array's own first axis.
herr_t writeGrid(hid_t dataset, const Grid& grid, const schema::DatasetSpec& spec, std::size_t element,
                 const char* values, std::uint64_t first) {
  std::vector<char> packed(grid.chunk[0] * grid.chunk[1] * grid.chunk[2] * element);
  std::array<std::uint64_t, 3> at{};
  for (at[0] = 0; at[0] < grid.dims[0]; at[0] += grid.chunk[0]) {
    for (at[1] = 0; at[1] < grid.dims[1]; at[1] += grid.chunk[1]) {
      if (!schema::stored(spec, at[grid.lead])) continue;  // the array's own first axis
      const std::uint64_t last_row = std::min(at[1] + grid.chunk[1], grid.dims[1]) - 1;
      for (at[2] = 0; at[2] < grid.dims[2]; at[2] += grid.chunk[2]) {
        if (spec.diagonal && at[2] > last_row + *spec.diagonal) break;
        const char* source = values + grid.offset(at[0], at[1], at[2]) * element;
        if (!grid.contiguous(at)) {
          pack(grid, at, element, values, packed);
          source = packed.data();
        }
        std::array<hsize_t, 4> origin{at[0], at[1], at[2] / grid.folded, 0};
        origin[grid.lead] += first;
        if (H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, origin.data() + grid.lead, packed.size(), source) < 0) return -1;
      }
    }
  }
  return 0;
}

}  // namespace

Handle creationList(hid_t kind, const std::string& file) {
  Handle list(check(H5Pcreate(kind), file, "", "prepare HDF5"));
  H5Pset_obj_track_times(list.get(), false);  // same inputs, same bytes
  H5Pset_attr_phase_change(list.get(), 64, 0);
  if (kind != H5P_DATASET_CREATE) H5Pset_link_phase_change(list.get(), 64, 0);
  return list;
}

std::string Object::pathOf(std::string_view name) const {
  return fmt::format("{}/{}", m_path == "/" ? "" : m_path, name);
}

void Object::set(const char* name, const std::string& value) const {
  if (value.size() > schema::kMaxParameters) failAt(m_file, pathOf(name), "too long for an attribute");
  std::string text = value.empty() ? std::string(1, '\0') : value;
  const Handle type = stringType(text.size());
  writeAttribute(name, type.get(), text.data(), true);
}

void Object::setList(const char* name, const std::vector<std::uint32_t>& values) const {
  const hsize_t length = values.size();
  const Handle space(H5Screate_simple(1, &length, nullptr));
  const Handle attribute(checked(H5Acreate2(m_id.get(), name, H5T_STD_U32LE, space.get(), H5P_DEFAULT, H5P_DEFAULT),
                                 fmt::format("write attribute '{}'", name)));
  checked(H5Awrite(attribute.get(), H5T_NATIVE_UINT32, values.data()), fmt::format("write attribute '{}'", name));
}

void Object::update(const char* name, const std::string& value) const {
  const Handle type = stringType(value.size());
  writeAttribute(name, type.get(), value.data(), false);
}

void Object::writeAttribute(const char* name, hid_t type, const void* value, bool create) const {
  const Handle space(H5Screate(H5S_SCALAR));
  const Handle attribute(checked(create ? H5Acreate2(m_id.get(), name, type, space.get(), H5P_DEFAULT, H5P_DEFAULT)
                                        : H5Aopen(m_id.get(), name, H5P_DEFAULT),
                                 fmt::format("write attribute '{}'", name)));
  checked(H5Awrite(attribute.get(), type, value), fmt::format("write attribute '{}'", name));
}

Group Group::openRoot(const Handle& file, const std::string& name) {
  return Group(Handle(check(H5Gopen2(file.get(), "/", H5P_DEFAULT), name, "/", "open")), name, "/");
}

Group Group::create(const std::string& name) const {
  const Handle list = creationList(H5P_GROUP_CREATE, m_file);
  return Group(
      Handle(checked(H5Gcreate2(m_id.get(), name.c_str(), H5P_DEFAULT, list.get(), H5P_DEFAULT), "create " + name)),
      m_file, pathOf(name));
}

Group Group::open(const std::string& path) const {
  return Group(Handle(checked(H5Gopen2(m_id.get(), path.c_str(), H5P_DEFAULT), "open " + path)), m_file, pathOf(path));
}

Object Group::createDataset(const schema::DatasetSpec& spec) const {
  if (const auto slash = spec.path.find('/'); slash != std::string::npos) {
    const std::string first = spec.path.substr(0, slash);
    schema::DatasetSpec rest = spec;
    rest.path = spec.path.substr(slash + 1);
    const bool exists = checked(H5Lexists(m_id.get(), first.c_str(), H5P_DEFAULT), "look for " + first) > 0;
    return (exists ? open(first) : create(first)).createDataset(rest);
  }
  std::vector<hsize_t> dims = sizes(spec.dims), limits = dims;
  if (spec.grows) {
    dims[0] = 0;
    limits[0] = H5S_UNLIMITED;
  }
  const Handle space(
      checked(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), limits.data()), "create " + spec.path));
  const Handle list = chunkedList(spec, m_file);
  return Object(Handle(checked(H5Dcreate2(m_id.get(), spec.path.c_str(), fileType(spec.type), space.get(), H5P_DEFAULT,
                                          list.get(), H5P_DEFAULT),
                               "create " + spec.path)),
                m_file, pathOf(spec.path));
}

void Group::writeContiguous(const char* name, hid_t type, const std::vector<std::uint64_t>& dims,
                            const void* values) const {
  const std::vector<hsize_t> lengths = sizes(dims);
  const Handle space(checked(H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr), "create"));
  const Handle list = creationList(H5P_DATASET_CREATE, m_file);
  const Handle dataset(checked(H5Dcreate2(m_id.get(), name, type, space.get(), H5P_DEFAULT, list.get(), H5P_DEFAULT),
                               fmt::format("create {}", name)));
  if (std::find(dims.begin(), dims.end(), 0) != dims.end()) return;
  checked(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), fmt::format("write {}", name));
}

void Group::writeStrings(const char* name, const std::vector<std::string>& values) const {
  std::size_t length = 1;
  for (const std::string& value : values) length = std::max(length, value.size());
  std::string packed;
  for (std::string value : values) {
    value.resize(length, '\0');
    packed += value;
  }
  writeContiguous(name, stringType(length).get(), {values.size()}, packed.data());
}

Object Group::writeBytes(const schema::DatasetSpec& spec, std::size_t element, std::size_t count, const void* values,
                         std::uint64_t rows_before) const {
  std::vector<std::uint64_t> dims = spec.dims;
  std::uint64_t row = 1;
  for (std::size_t axis = spec.grows ? 1 : 0; axis < dims.size(); ++axis) row *= dims[axis];
  if (spec.grows && row > 0) dims[0] = count / row;
  if (element != schema::sizeOf(spec.type) || count != (spec.grows ? dims[0] * row : row)) {
    failAt(m_file, pathOf(spec.path),
           fmt::format("{} values given, expected {}{}", count, spec.grows ? "a multiple of " : "", row));
  }
  if (rows_before % spec.chunk[0] != 0)
    failAt(m_file, pathOf(spec.path), fmt::format("{} rows do not fill its chunks of {}", rows_before, spec.chunk[0]));
  Handle dataset(checked(H5Dopen2(m_id.get(), spec.path.c_str(), H5P_DEFAULT), "open " + spec.path));
  std::vector<std::uint64_t> extent = dims;
  extent[0] += rows_before;
  if (spec.grows) checked(H5Dset_extent(dataset.get(), sizes(extent).data()), "extend " + spec.path);
  checked(writeGrid(dataset.get(), Grid(dims, spec), spec, element, static_cast<const char*>(values), rows_before),
          "write " + spec.path);
  return Object(std::move(dataset), m_file, pathOf(spec.path));
}

void Group::writeRepeated(const schema::DatasetSpec& spec, std::span<const std::uint32_t> values,
                          std::uint64_t times) const {
  const std::uint64_t total = values.size() * times;
  if (!spec.grows || spec.dims.size() != 1 || spec.type != schema::Type::U32)
    failAt(m_file, pathOf(spec.path), "is not a growing list of numbers");
  const Handle dataset(checked(H5Dopen2(m_id.get(), spec.path.c_str(), H5P_DEFAULT), "open " + spec.path));
  const hsize_t length = total;
  checked(H5Dset_extent(dataset.get(), &length), "extend " + spec.path);
  std::vector<std::uint32_t> chunk(spec.chunk.front());
  for (hsize_t first = 0; first < total; first += chunk.size()) {
    std::uint64_t index = first % values.size();
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      chunk[i] = first + i < total ? values[index] : 0;
      if (++index == values.size()) index = 0;
    }
    checked(H5Dwrite_chunk(dataset.get(), H5P_DEFAULT, 0, &first, chunk.size() * sizeof(std::uint32_t), chunk.data()),
            "write " + spec.path);
  }
}

}  // namespace kvatlas::trace::h5
