#include "tests/app/trace_contents.h"

#include <hdf5.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace kvatlas::app_test {
namespace {

// Closes any HDF5 identifier.
struct Id {
  explicit Id(hid_t id) : value(id) {
    if (id < 0) throw std::runtime_error("HDF5 refuses");
  }
  ~Id() { H5Idec_ref(value); }
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;
  hid_t value;
};

std::string shapeText(hid_t type, hid_t space) {
  std::vector<hsize_t> dims(static_cast<std::size_t>(std::max(H5Sget_simple_extent_ndims(space), 0)));
  if (!dims.empty()) H5Sget_simple_extent_dims(space, dims.data(), nullptr);
  std::string text =
      "class " + std::to_string(H5Tget_class(type)) + " size " + std::to_string(H5Tget_size(type)) + " [";
  for (const hsize_t dim : dims) text += std::to_string(dim) + " ";
  return text + "] ";
}

// Raw elements; variable-length strings are concatenated.
template <class Read>
std::string elements(hid_t type, hid_t space, const Read& read) {
  const auto count = static_cast<std::size_t>(H5Sget_simple_extent_npoints(space));
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> strings(count);
    if (count > 0 && read(strings.data()) < 0) throw std::runtime_error("HDF5 cannot read strings");
    std::string text;
    for (char* string : strings) {
      text += std::string(string == nullptr ? "" : string) + '\0';
      H5free_memory(string);
    }
    return text;
  }
  std::string bytes(count * H5Tget_size(type), '\0');
  if (!bytes.empty() && read(bytes.data()) < 0) throw std::runtime_error("HDF5 cannot read data");
  return bytes;
}

struct Visit {
  Contents* contents;
  std::string path;
};

herr_t visitAttribute(hid_t object, const char* name, const H5A_info_t*, void* data) {
  const auto& visit = *static_cast<Visit*>(data);
  const Id attribute(H5Aopen(object, name, H5P_DEFAULT)), type(H5Aget_type(attribute.value)),
      space(H5Aget_space(attribute.value));
  (*visit.contents)[visit.path + "@" + name] =
      shapeText(type.value, space.value) +
      elements(type.value, space.value, [&](void* out) { return H5Aread(attribute.value, type.value, out); });
  return 0;
}

herr_t visitObject(hid_t root, const char* name, const H5O_info_t* info, void* data) {
  auto& contents = *static_cast<Contents*>(data);
  Visit visit{&contents, std::string(name) == "." ? "/" : std::string("/") + name};
  const Id object(H5Oopen(root, name, H5P_DEFAULT));
  if (info->type == H5O_TYPE_DATASET) {
    const Id type(H5Dget_type(object.value)), space(H5Dget_space(object.value));
    contents[visit.path] = shapeText(type.value, space.value) + elements(type.value, space.value, [&](void* out) {
                             return H5Dread(object.value, type.value, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
                           });
  } else {
    contents[visit.path] = "group";
  }
  return H5Aiterate2(object.value, H5_INDEX_NAME, H5_ITER_INC, nullptr, visitAttribute, &visit);
}

}  // namespace

Contents contentsOf(const std::filesystem::path& file) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  Contents contents;
  hid_t opened = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (opened < 0) opened = H5Fopen(file.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, H5P_DEFAULT);
  const Id id(opened);
  if (H5Ovisit2(id.value, H5_INDEX_NAME, H5_ITER_INC, visitObject, &contents, H5O_INFO_BASIC) < 0)
    throw std::runtime_error(file.string() + ": HDF5 cannot iterate over it");
  return contents;
}

std::vector<std::string> differences(const Contents& a, const Contents& b, const std::vector<std::string>& but) {
  std::set<std::string> names;
  for (const Contents* contents : {&a, &b})
    for (const auto& [name, value] : *contents) names.insert(name);
  std::vector<std::string> differing;
  for (const std::string& name : names) {
    if (std::ranges::any_of(but, [&](const std::string& end) { return name.ends_with(end); })) continue;
    const auto in_a = a.find(name), in_b = b.find(name);
    if (in_a == a.end() || in_b == b.end() || in_a->second != in_b->second) differing.push_back(name);
  }
  return differing;
}

}  // namespace kvatlas::app_test
