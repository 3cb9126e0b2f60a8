#include "capture/model/safetensors.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "core/base/error.h"
#include "core/base/git_lfs.h"
#include "core/base/json_depth.h"
#include "core/base/json_keys.h"

namespace kvatlas::capture {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMostHeaderBytes = 100'000'000;  // the limit of the reference implementation
constexpr std::size_t kMostDimensions = 16;
constexpr std::size_t kMostLevels = 4;  // a list in a tensor is the third
constexpr std::size_t kLengthField = 8;

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 15> kElementBytes{{{"BOOL", 1},
                                                                                    {"U8", 1},
                                                                                    {"I8", 1},
                                                                                    {"F8_E4M3", 1},
                                                                                    {"F8_E5M2", 1},
                                                                                    {"F8_E8M0", 1},
                                                                                    {"I16", 2},
                                                                                    {"U16", 2},
                                                                                    {"F16", 2},
                                                                                    {"BF16", 2},
                                                                                    {"I32", 4},
                                                                                    {"U32", 4},
                                                                                    {"F32", 4},
                                                                                    {"I64", 8},
                                                                                    {"F64", 8}}};

std::uint64_t elementBytes(std::string_view dtype) {
  for (const auto& [name, bytes] : kElementBytes)
    if (name == dtype) return bytes;
  return 0;
}

std::span<const std::byte> headerOf(const MappedFile& file) {
  const std::span<const std::byte> bytes = file.bytes();
  refuseLfsPointer(file.path(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (bytes.size() < kLengthField)
    fail("{}: {} bytes are too few for a safetensors file", file.path().string(), bytes.size());
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthField; ++i) length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  if (length > kMostHeaderBytes)
    fail("{}: header length {}: a safetensors header has at most {} bytes", file.path().string(), length,
         kMostHeaderBytes);
  if (length > bytes.size() - kLengthField)
    fail("{}: header length {}: the file has only {} bytes (truncated?)", file.path().string(), length, bytes.size());
  return bytes.first(kLengthField + length);
}

// Parses the header; rejects duplicate names and deep nesting. Not in a callback of the parser: with one, it looks
// through all tensors after each of them.
json parseHeader(const std::string& path, std::span<const std::byte> header) {
  const std::span<const std::byte> bytes = header.subspan(kLengthField);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (isDeeperThan(text, kMostLevels)) fail("{}: the safetensors header nests too deeply", path);
  if (const auto name = repeatedKey(text)) fail("{}: tensor '{}' is listed twice in the header", path, *name);
  try {
    json result = json::parse(text);
    if (!result.is_object()) fail("{}: the safetensors header is not a JSON object", path);
    return result;
  } catch (const json::exception& error) {
    fail("{}: the safetensors header is not valid JSON: {}", path, error.what());
  }
}

const json& member(const std::string& path, const std::string& name, const json& entry, const char* field) {
  const auto found = entry.find(field);
  if (found == entry.end()) fail("{}: tensor '{}': no field '{}'", path, name, field);
  return *found;
}

std::vector<std::int64_t> shapeOf(const std::string& path, const std::string& name, const json& field,
                                  std::uint64_t& elements) {
  if (!field.is_array() || field.size() > kMostDimensions)
    fail("{}: tensor '{}': field 'shape': expected a list of at most {} sizes", path, name, kMostDimensions);
  std::vector<std::int64_t> shape;
  elements = 1;
  for (const json& size : field) {
    constexpr std::uint64_t most = std::uint64_t{1} << 48;
    if (!size.is_number_unsigned() || size.get<std::uint64_t>() > most)
      fail("{}: tensor '{}': field 'shape': expected whole numbers up to {}", path, name, most);
    const auto count = size.get<std::uint64_t>();
    if (count != 0 && elements > most / count)
      fail("{}: tensor '{}': field 'shape': more than {} elements", path, name, most);
    elements *= count;
    shape.push_back(static_cast<std::int64_t>(count));
  }
  return shape;
}

StoredTensor tensorOf(const std::string& path, const std::string& name, const json& entry,
                      std::span<const std::byte> data) {
  if (!entry.is_object()) fail("{}: tensor '{}': expected an object", path, name);
  StoredTensor tensor;
  const json& dtype = member(path, name, entry, "dtype");
  if (!dtype.is_string()) fail("{}: tensor '{}': field 'dtype': expected a string", path, name);
  tensor.dtype = dtype.get<std::string>();
  const std::uint64_t element = elementBytes(tensor.dtype);
  if (element == 0) fail("{}: tensor '{}': unknown dtype '{}'", path, name, tensor.dtype);
  std::uint64_t elements = 0;
  tensor.shape = shapeOf(path, name, member(path, name, entry, "shape"), elements);

  const json& offsets = member(path, name, entry, "data_offsets");
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned())
    fail("{}: tensor '{}': field 'data_offsets': expected [begin, end]", path, name);
  const auto begin = offsets[0].get<std::uint64_t>();
  const auto end = offsets[1].get<std::uint64_t>();
  if (begin > end) fail("{}: tensor '{}': data_offsets [{}, {}] are reversed", path, name, begin, end);
  if (end > data.size())
    fail("{}: tensor '{}': data_offsets end at {}, the file has only {} bytes of data (truncated?)", path, name, end,
         data.size());
  if (end - begin != elements * element)
    fail("{}: tensor '{}': data_offsets span {} bytes, dtype {} and shape need {}", path, name, end - begin,
         tensor.dtype, elements * element);
  tensor.bytes = data.subspan(begin, end - begin);
  return tensor;
}

void refuseOverlaps(const std::string& path, const std::map<std::string, StoredTensor>& tensors) {
  std::vector<std::pair<std::span<const std::byte>, const std::string*>> ranges;
  for (const auto& [name, tensor] : tensors)
    if (!tensor.bytes.empty()) ranges.emplace_back(tensor.bytes, &name);
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.first.data() < b.first.data(); });
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i - 1].first.data() + ranges[i - 1].first.size() > ranges[i].first.data())
      fail("{}: tensors '{}' and '{}' overlap in the file", path, *ranges[i - 1].second, *ranges[i].second);
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : m_file(std::make_shared<const MappedFile>(path)) {
  m_header = headerOf(*m_file);
  const json header = parseHeader(path.string(), m_header);
  const std::span<const std::byte> data = m_file->bytes().subspan(m_header.size());
  for (const auto& [name, entry] : header.items())
    if (name != "__metadata__") m_tensors.emplace(name, tensorOf(path.string(), name, entry, data));
  refuseOverlaps(path.string(), m_tensors);
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : m_tensors) names.push_back(name);
  return names;
}

const StoredTensor* SafetensorsFile::find(const std::string& name) const {
  const auto found = m_tensors.find(name);
  return found == m_tensors.end() ? nullptr : &found->second;
}

}  // namespace kvatlas::capture
