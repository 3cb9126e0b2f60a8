#include "core/trace/h5_read.h"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/trace/driver/read_driver.h"
#include "core/trace/guard/guard.h"

namespace kvatlas::trace::h5 {
namespace {

constexpr std::uint64_t kMaxDeflateRatio = 1100;  // deflate reaches 1032
constexpr std::size_t kMaxRank = 4;
// While another program writes, HDF5 reads a block again whose checksum is wrong, after a pause that starts at 1 ns and
// doubles. It would do so 100 times, for ever; this often takes 17 ms.
constexpr unsigned kReadAttempts = 24;

// Checks the first bytes before HDF5 opens the file.
struct Superblock {
  bool writing = false, swmr = false;
};

Superblock readSuperblock(const std::filesystem::path& path) {
  const std::string name = path.string();
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw Error(systemMessage(name, errno));
  struct stat info {};
  std::array<unsigned char, 12> start{};
  const bool known = fstat(fd, &info) == 0;
  const ssize_t got = known && S_ISREG(info.st_mode) ? pread(fd, start.data(), start.size(), 0) : -1;
  close(fd);
  if (known && S_ISDIR(info.st_mode)) failAt(name, "", "is a folder, not a trace file");
  if (known && !S_ISREG(info.st_mode)) failAt(name, "", "is not a regular file");
  constexpr std::array<unsigned char, 8> kSignature{0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  if (got != static_cast<ssize_t>(start.size()) || !std::equal(kSignature.begin(), kSignature.end(), start.begin())) {
    failAt(name, "", "not a trace file (it is not HDF5)");
  }
  if (start[8] != 3)
    failAt(
        name, "",
        fmt::format("not a trace file (HDF5 superblock version {}, expected 3; h5repack writes it with -L)", start[8]));
  return {(start[11] & 1) != 0, (start[11] & 4) != 0};
}

Handle openAny(const std::filesystem::path& path, bool live) {
  const Handle access(H5Pcreate(H5P_FILE_ACCESS));
  // Readers take no lock, so that a trace on a read-only or network disk opens and a writer never waits.
  H5Pset_file_locking(access.get(), false, true);
  check(H5Pset_driver(access.get(), readDriver(), nullptr), path.string(), "", "prepare HDF5");
  if (live) H5Pset_metadata_read_attempts(access.get(), kReadAttempts);
  const unsigned mode = live ? H5F_ACC_RDONLY | H5F_ACC_SWMR_READ : H5F_ACC_RDONLY;
  return Handle(check(H5Fopen(path.c_str(), mode, access.get()), path.string(), "", "open the file"));
}

// A thing in the cache is many allocations, a guarded one takes two mappings, and a process has 65,530 of these.
void keepCacheSmall(hid_t file) {
  constexpr std::size_t kBytes = std::size_t{64} << 10;
  H5AC_cache_config_t cache{};
  cache.version = H5AC__CURR_CACHE_CONFIG_VERSION;
  if (H5Fget_mdc_config(file, &cache) < 0) return;
  cache.set_initial_size = true;
  cache.initial_size = cache.min_size = cache.max_size = kBytes;
  cache.incr_mode = H5C_incr__off;
  cache.flash_incr_mode = H5C_flash_incr__off;
  cache.decr_mode = H5C_decr__off;
  H5Fset_mdc_config(file, &cache);
}

std::string trimmed(const std::string& text) {
  return text.substr(0, text.find_last_not_of('\0') + 1);
}

std::string below(const std::string& path, const std::string& name) {
  return (path == "/" ? "" : path) + "/" + name;
}

}  // namespace

SourceFile::SourceFile(const std::filesystem::path& path) : m_name(path.string()) {
  quiet();
  const Superblock start = readSuperblock(path);
  if (start.writing && !start.swmr) failAt(m_name, "", "another program has it open for writing or did not close it");
  m_live = start.swmr;
  m_id = openAny(path, m_live);
  if (guardsAllocations()) keepCacheSmall(m_id.get());
}

std::uint64_t SourceFile::bytes() const {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(m_name, error);
  if (!error) return size;
  hsize_t known = 0;  // renamed or removed since: HDF5 still has it open
  return H5Fget_filesize(m_id.get(), &known) < 0 ? 0 : known;
}

Handle Node::openAttribute(const char* name, H5T_class_t kind, H5S_class_t shape) const {
  quiet();
  const auto problem = [&](std::string_view what) { fail(fmt::format("attribute '{}' {}", name, what)); };
  if (!hasAttribute(name)) problem("is missing");
  Handle attribute(checked(H5Aopen(m_id.get(), name, H5P_DEFAULT), fmt::format("open attribute '{}'", name)));
  const Handle type(checked(H5Aget_type(attribute.get()), "read an attribute's type"));
  const Handle space(checked(H5Aget_space(attribute.get()), "read an attribute's shape"));
  if (H5Tget_class(type.get()) != kind) problem("has the wrong type");
  if (H5Sget_simple_extent_type(space.get()) != shape) {
    problem(shape == H5S_SCALAR ? "is not a single value" : "is not a list");
  }
  return attribute;
}

std::string Node::text(const char* name, std::size_t most_bytes) const {
  const Handle attribute = openAttribute(name, H5T_STRING);
  const Handle type(checked(H5Aget_type(attribute.get()), "read an attribute's type"));
  const std::size_t length = H5Tget_size(type.get());
  if (H5Tis_variable_str(type.get()) != 0) fail(fmt::format("attribute '{}' is not a string of fixed length", name));
  if (length > most_bytes)
    fail(fmt::format("attribute '{}' has {} bytes, at most {} were expected", name, length, most_bytes));
  std::string value(length, '\0');
  checked(H5Aread(attribute.get(), type.get(), value.data()), fmt::format("read attribute '{}'", name));
  return trimmed(value);
}

std::uint64_t Node::integer(const char* name, std::uint64_t limit) const {
  const Handle attribute = openAttribute(name, H5T_INTEGER);
  std::uint64_t value = 0;
  checked(H5Aread(attribute.get(), H5T_NATIVE_UINT64, &value), fmt::format("read attribute '{}'", name));
  if (value > limit) fail(fmt::format("attribute '{}' is {}, at most {} was expected", name, value, limit));
  return value;
}

bool Node::hasAttribute(const char* name) const {
  quiet();
  return checked(H5Aexists(m_id.get(), name), fmt::format("look for attribute '{}'", name)) > 0;
}

std::vector<std::uint32_t> Node::integers(const char* name, std::uint64_t limit) const {
  const Handle attribute = openAttribute(name, H5T_INTEGER, H5S_SIMPLE);
  const Handle space(checked(H5Aget_space(attribute.get()), "read an attribute's shape"));
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  if (H5Sget_simple_extent_ndims(space.get()) != 1 || count < 0 || static_cast<std::uint64_t>(count) > limit) {
    fail(fmt::format("attribute '{}' is not a list of at most {} numbers", name, limit));
  }
  std::vector<std::uint32_t> values(static_cast<std::size_t>(count));
  checked(H5Aread(attribute.get(), H5T_NATIVE_UINT32, values.data()), fmt::format("read attribute '{}'", name));
  return values;
}

double Node::number(const char* name) const {
  const Handle attribute = openAttribute(name, H5T_FLOAT);
  double value = 0;
  checked(H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &value), fmt::format("read attribute '{}'", name));
  return value;
}

SourceDataset::SourceDataset(Source source, Handle id, std::string path)
    : Node(std::move(source), std::move(id), std::move(path)) {
  if (m_source->live()) checked(H5Drefresh(m_id.get()), "refresh it");
  const Handle space(checked(H5Dget_space(m_id.get()), "read its shape"));
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (rank < 1 || rank > static_cast<int>(kMaxRank)) fail("has an unexpected number of axes");
  std::array<hsize_t, kMaxRank> lengths{};
  checked(H5Sget_simple_extent_dims(space.get(), lengths.data(), nullptr), "read its shape");
  m_dims.assign(lengths.begin(), lengths.begin() + rank);
  const Handle list(checked(H5Dget_create_plist(m_id.get()), "read how it is stored"));
  const H5D_layout_t layout = H5Pget_layout(list.get());
  if (layout != H5D_CHUNKED && layout != H5D_CONTIGUOUS && layout != H5D_COMPACT) fail("its data is not in this file");
  if (H5Pget_external_count(list.get()) != 0) fail("its data is in an external file, which is not allowed");
  checkFilters(list.get());
  if (layout == H5D_CHUNKED) checkChunks(list.get());
}

void SourceDataset::checkFilters(hid_t list) {
  for (int index = 0; index < H5Pget_nfilters(list); ++index) {
    unsigned flags = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(list, static_cast<unsigned>(index), &flags, &values, nullptr, 0, nullptr, nullptr);
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32) {
      fail(fmt::format("is stored with the unknown filter {}", filter));
    }
    m_expansion = kMaxDeflateRatio;
  }
}

// HDF5 expands a whole chunk to read one element of it.
void SourceDataset::checkChunks(hid_t list) {
  std::array<hsize_t, kMaxRank> lengths{};
  if (H5Pget_chunk(list, static_cast<int>(m_dims.size()), lengths.data()) != static_cast<int>(m_dims.size()))
    fail("has chunks of another number of axes");
  m_chunk.assign(lengths.begin(), lengths.begin() + static_cast<std::ptrdiff_t>(m_dims.size()));
  const Handle type(checked(H5Dget_type(m_id.get()), "read its type"));
  const std::uint64_t most = std::max(schema::kMaxExpanded, m_source->bytes());
  std::uint64_t bytes = H5Tget_size(type.get());
  for (const std::uint64_t length : m_chunk)  // each is below 2³²
    if (length == 0 || (bytes *= length) > most)
      fail(fmt::format("is stored in chunks of {} bytes or more, at most {} are read", bytes, most));
}

void SourceDataset::expect(schema::Type type, std::size_t rank) const {
  const Handle stored(checked(H5Dget_type(m_id.get()), "read its type"));
  if (H5Tequal(stored.get(), fileType(type)) <= 0) {
    fail(fmt::format("has the wrong type, {} was expected", schema::nameOf(type)));
  }
  if (m_dims.size() != rank) fail(fmt::format("has {} axes, {} were expected", m_dims.size(), rank));
}

void SourceDataset::expect(const schema::DatasetSpec& spec) const {
  expect(spec.type, spec.dims.size());
  for (std::size_t axis = spec.grows ? 1 : 0; axis < m_dims.size(); ++axis) {
    if (m_dims[axis] == spec.dims[axis]) continue;
    fail(fmt::format("has shape [{}], [{}] was expected", fmt::join(m_dims, ", "), fmt::join(spec.dims, ", ")));
  }
}

std::uint64_t SourceDataset::storedBytes() const {
  quiet();
  const std::uint64_t bytes = H5Dget_storage_size(m_id.get());
  // 0 is also its answer to an error, which only the error stack tells from a dataset without data.
  if (bytes == 0 && H5Eget_num(H5E_DEFAULT) > 0) checked(-1, "find its data");
  return bytes;
}

void SourceDataset::requireStored(std::uint64_t bytes) const {
  // The order matters: walk the chunk index only for sizes that the file could hold.
  const std::uint64_t file = m_source->bytes();
  if (bytes / m_expansion > file) fail(fmt::format("claims {} bytes, more than the file can hold", bytes));
  if (m_expansion > 1 && bytes > std::max(schema::kMaxExpanded, file))
    fail(fmt::format("claims {} bytes of compressed data, at most {} are read", bytes,
                     std::max(schema::kMaxExpanded, file)));
  const std::uint64_t stored = storedBytes();
  if (stored > file) fail(fmt::format("claims {} bytes, more than the file has", stored));
  if (stored < bytes / m_expansion) fail(fmt::format("has {} of {} bytes: its data is missing", stored, bytes));
}

void SourceDataset::readInto(hid_t type, const std::vector<std::uint64_t>& start,
                             const std::vector<std::uint64_t>& count, void* values) const {
  if (std::find(count.begin(), count.end(), 0) != count.end()) return;
  const std::vector<hsize_t> from(start.begin(), start.end()), length(count.begin(), count.end());
  const Handle space(checked(H5Dget_space(m_id.get()), "read its shape"));
  const Handle memory(
      checked(H5Screate_simple(static_cast<int>(length.size()), length.data(), nullptr), "prepare reading"));
  checked(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, from.data(), nullptr, length.data(), nullptr),
          "prepare reading");
  checked(H5Dread(m_id.get(), type, memory.get(), space.get(), H5P_DEFAULT, values), "read its data");
}

std::vector<std::string> SourceDataset::readStrings(std::uint64_t most_strings, std::uint64_t most_bytes) const {
  const Handle type(checked(H5Dget_type(m_id.get()), "read its type"));
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 || m_dims.size() != 1) {
    fail("is not a list of strings of fixed length");
  }
  const std::size_t length = H5Tget_size(type.get());
  if (m_dims[0] > most_strings || length > most_bytes)
    fail(fmt::format("has {} strings of {} bytes, at most {} of {} were expected", m_dims[0], length, most_strings,
                     most_bytes));
  requireStored(m_dims[0] * length);
  std::string packed(m_dims[0] * length, '\0');
  readInto(type.get(), {0}, m_dims, packed.data());
  std::vector<std::string> values;
  for (std::uint64_t index = 0; index < m_dims[0]; ++index) {
    values.push_back(trimmed(packed.substr(index * length, length)));
  }
  return values;
}

SourceGroup SourceGroup::root(const Source& source) {
  return {source, Handle(check(H5Gopen2(source->get(), "/", H5P_DEFAULT), source->name(), "/", "open")), "/"};
}

bool SourceGroup::hasHere(const std::string& name) const {
  quiet();
  if (checked(H5Lexists(m_id.get(), name.c_str(), H5P_DEFAULT), "look for " + name) == 0) return false;
  H5L_info_t link;
  checked(H5Lget_info(m_id.get(), name.c_str(), &link, H5P_DEFAULT), "inspect " + name);
  if (link.type != H5L_TYPE_HARD) fail(fmt::format("'{}' is a soft or external link, which is not allowed", name));
  return true;
}

Handle SourceGroup::openHere(const std::string& name, H5I_type_t kind) const {
  if (!hasHere(name)) fail(fmt::format("'{}' is missing", name));
  Handle id(checked(H5Oopen(m_id.get(), name.c_str(), H5P_DEFAULT), "open " + name));
  if (H5Iget_type(id.get()) != kind) {
    fail(fmt::format("'{}' is not a {}", name, kind == H5I_GROUP ? "group" : "dataset"));
  }
  return id;
}

std::uint64_t SourceGroup::size() const {
  quiet();
  H5G_info_t info;
  checked(H5Gget_info(m_id.get(), &info), "count its members");
  return info.nlinks;
}

bool SourceGroup::has(const std::string& path) const {
  const auto slash = path.find('/');
  if (!hasHere(path.substr(0, slash))) return false;
  return slash == std::string::npos || group(path.substr(0, slash)).has(path.substr(slash + 1));
}

SourceGroup SourceGroup::group(const std::string& path) const {
  const auto slash = path.find('/');
  const std::string first = path.substr(0, slash);
  SourceGroup next(m_source, openHere(first, H5I_GROUP), below(m_path, first));
  if (m_source->live()) next.checked(H5Orefresh(next.m_id.get()), "refresh it");
  if (slash == std::string::npos) return next;
  return next.group(path.substr(slash + 1));
}

SourceDataset SourceGroup::dataset(const std::string& path) const {
  if (const auto slash = path.rfind('/'); slash != std::string::npos) {
    return group(path.substr(0, slash)).dataset(path.substr(slash + 1));
  }
  return {m_source, openHere(path, H5I_DATASET), below(m_path, path)};
}

}  // namespace kvatlas::trace::h5
