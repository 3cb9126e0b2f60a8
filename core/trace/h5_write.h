// Creates groups, attributes and datasets, and writes data chunk by chunk. Independent of the trace format.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/trace/h5.h"
#include "core/trace/h5_types.h"
#include "core/trace/schema.h"

namespace kvatlas::trace::h5 {

inline std::span<const std::uint8_t> bytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A creation property list without time stamps, with links and attributes inside the object header.
[[nodiscard]] Handle creationList(hid_t kind, const std::string& file);

// A group or dataset open for writing.
class Object {
 public:
  Object(Handle id, std::string file, std::string path)
      : m_id(std::move(id)), m_file(std::move(file)), m_path(std::move(path)) {}

  // Creates an attribute.
  void set(const char* name, const std::string& value) const;  // UTF-8 of fixed length
  template <class T>
  void set(const char* name, T value) const {
    writeAttribute(name, nativeType<T>(), &value, true);
  }
  void setList(const char* name, const std::vector<std::uint32_t>& values) const;  // one axis, not empty
  // Overwrites one; safe with concurrent readers.
  void update(const char* name, const std::string& value) const;
  template <class T>
  void update(const char* name, T value) const {
    writeAttribute(name, nativeType<T>(), &value, false);
  }

 protected:
  template <class Result>
  Result checked(Result result, std::string_view verb) const {
    return check(result, m_file, m_path, verb);
  }
  [[nodiscard]] std::string pathOf(std::string_view name) const;

  Handle m_id;
  std::string m_file, m_path;

 private:
  void writeAttribute(const char* name, hid_t type, const void* value, bool create) const;
};

class Group : public Object {
 public:
  using Object::Object;
  [[nodiscard]] static Group openRoot(const Handle& file, const std::string& name);

  [[nodiscard]] Group create(const std::string& name) const;
  [[nodiscard]] Group open(const std::string& path) const;
  // Creates a chunked dataset and the groups on its path; allocates no data yet.
  Object createDataset(const schema::DatasetSpec& spec) const;

  // Creates a dataset and writes it in one go.
  template <class T>
  void writeFixed(const char* name, const std::vector<std::uint64_t>& dims, std::span<const T> values) const {
    writeContiguous(name, nativeType<T>(), dims, values.data());
  }
  template <class T>
  void writeFixed(const char* name, const std::vector<std::uint64_t>& dims, std::span<T> values) const {
    writeFixed(name, dims, std::span<const T>(values));
  }
  void writeStrings(const char* name, const std::vector<std::string>& values) const;

  // Fills a dataset made by createDataset; a growing one gets the length of the data. Error when sizes do not match.
  template <class T>
  Object writeChunks(const schema::DatasetSpec& spec, std::span<const T> values) const {
    return writeBytes(spec, sizeof(T), values.size(), values.data());
  }
  // The same behind the first `rows` rows of a growing dataset, which are written already; a multiple of its chunks.
  template <class T>
  Object appendChunks(const schema::DatasetSpec& spec, std::uint64_t rows, std::span<const T> values) const {
    return writeBytes(spec, sizeof(T), values.size(), values.data(), rows);
  }
  // Fills a growing list with `values` repeated; needs no more memory than one of its chunks.
  void writeRepeated(const schema::DatasetSpec& spec, std::span<const std::uint32_t> values, std::uint64_t times) const;

 private:
  void writeContiguous(const char* name, hid_t type, const std::vector<std::uint64_t>& dims, const void* values) const;
  Object writeBytes(const schema::DatasetSpec& spec, std::size_t element, std::size_t count, const void* values,
                    std::uint64_t rows_before = 0) const;
};

}  // namespace kvatlas::trace::h5
