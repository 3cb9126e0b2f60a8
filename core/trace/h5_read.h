// Reads groups, attributes and datasets of an untrusted file: hard links only, no external data, sizes checked against
// the file before memory is allocated. Independent of the trace format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/trace/h5.h"
#include "core/trace/h5_types.h"
#include "core/trace/schema.h"

namespace kvatlas::trace::h5 {

// An open file. `live`: its writer has not closed it, so groups and datasets are refreshed on each access.
class SourceFile {
 public:
  // Error: missing, a folder, not HDF5, older than superblock 3, truncated, left open by a writer without SWMR.
  explicit SourceFile(const std::filesystem::path& path);

  [[nodiscard]] hid_t get() const { return m_id.get(); }
  [[nodiscard]] const std::string& name() const { return m_name; }
  [[nodiscard]] bool live() const { return m_live; }
  [[nodiscard]] std::uint64_t bytes() const;  // current size

 private:
  std::string m_name;
  bool m_live = false;
  Handle m_id;
};

using Source = std::shared_ptr<const SourceFile>;

class Node {
 public:
  Node(Source source, Handle id, std::string path)
      : m_source(std::move(source)), m_id(std::move(id)), m_path(std::move(path)) {}

  [[nodiscard]] std::string text(const char* attribute, std::size_t most_bytes = schema::kMaxName) const;
  [[nodiscard]] std::uint64_t integer(const char* attribute, std::uint64_t limit = UINT64_MAX) const;
  [[nodiscard]] bool hasAttribute(const char* attribute) const;
  // One axis of at most `limit` numbers.
  [[nodiscard]] std::vector<std::uint32_t> integers(const char* attribute, std::uint64_t limit) const;
  [[nodiscard]] double number(const char* attribute) const;
  [[noreturn]] void fail(std::string_view problem) const { failAt(m_source->name(), m_path, problem); }

 protected:
  template <class Result>
  Result checked(Result result, std::string_view verb) const {
    return check(result, m_source->name(), m_path, verb);
  }

  Source m_source;
  Handle m_id;
  std::string m_path;

 private:
  [[nodiscard]] Handle openAttribute(const char* name, H5T_class_t kind, H5S_class_t shape = H5S_SCALAR) const;
};

class SourceDataset : public Node {
 public:
  SourceDataset(Source source, Handle id, std::string path);  // Error for external, virtual or unknown-filter storage

  [[nodiscard]] const std::vector<std::uint64_t>& dims() const { return m_dims; }
  void expect(schema::Type type, std::size_t rank) const;
  void expect(const schema::DatasetSpec& spec) const;  // type and dims; any length of a growing axis
  [[nodiscard]] std::uint64_t storedBytes() const;     // 0: no data; Error where it cannot be found
  // Error when the file stores fewer than `bytes` of data, or claims more than it can hold.
  void requireStored(std::uint64_t bytes) const;

  template <class T>
  [[nodiscard]] std::vector<T> read(const std::vector<std::uint64_t>& start,
                                    const std::vector<std::uint64_t>& count) const {
    std::uint64_t total = 1;
    for (const std::uint64_t length : count) total *= length;
    std::vector<T> values(total);
    readInto(nativeType<T>(), start, count, values.data());
    return values;
  }
  template <class T>
  [[nodiscard]] std::vector<T> readAll() const {
    return read<T>(std::vector<std::uint64_t>(m_dims.size(), 0), m_dims);
  }
  // Looks up each chunk in the index; reads those that filters have changed, whose size nobody checks. For a process
  // that HDF5 may crash.
  void touchChunks() const;
  // One axis of fixed-length strings.
  [[nodiscard]] std::vector<std::string> readStrings(std::uint64_t most_strings, std::uint64_t most_bytes) const;

 private:
  void checkFilters(hid_t list);
  void checkChunks(hid_t list);
  void readChunk(hid_t type, const std::vector<std::uint64_t>& at) const;
  void readInto(hid_t type, const std::vector<std::uint64_t>& start, const std::vector<std::uint64_t>& count,
                void* values) const;

  std::vector<std::uint64_t> m_dims;
  std::vector<std::uint64_t> m_chunk;  // empty: not in chunks
  std::uint64_t m_expansion = 1;       // upper limit of data size over stored size
};

class SourceGroup : public Node {
 public:
  using Node::Node;
  [[nodiscard]] static SourceGroup root(const Source& source);

  [[nodiscard]] bool has(const std::string& path) const;  // Error when the path leaves the file
  [[nodiscard]] std::uint64_t size() const;               // members
  [[nodiscard]] SourceGroup group(const std::string& path) const;
  [[nodiscard]] SourceDataset dataset(const std::string& path) const;

 private:
  [[nodiscard]] bool hasHere(const std::string& name) const;
  [[nodiscard]] Handle openHere(const std::string& name, H5I_type_t kind) const;
};

}  // namespace kvatlas::trace::h5
