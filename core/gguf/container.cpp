#include "core/gguf/container.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/base/error.h"
#include "core/gguf/cursor.h"

namespace kvatlas::gguf {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint64_t kMostNameBytes = 1024;
constexpr std::uint32_t kMostDimensions = 4;
constexpr std::uint64_t kMostElements = std::uint64_t{1} << 48;
constexpr std::uint64_t kMostAlignment = std::uint64_t{1} << 20;

void readMagicAndVersion(Cursor& cursor) {
  cursor.enter("magic");
  if (cursor.left() < kMagic.size()) cursor.refuse("the file is too short for a GGUF file");
  const auto magic = cursor.take(kMagic.size());
  if (std::string_view(reinterpret_cast<const char*>(magic.data()), magic.size()) != kMagic)
    cursor.refuse("'GGUF' was expected: it is no GGUF file");
  cursor.enter("version");
  const auto version = cursor.number<std::uint32_t>();
  if (version != 2 && version != 3)
    cursor.refuse((version & 0xFFFF) == 0 && version != 0 ? "the file is big-endian; only little-endian ones are read"
                                                          : fmt::format("{}; only versions 2 and 3 are read", version));
}

// A described tensor whose place in the data is not yet known to be right.
struct Described {
  std::string name;
  StoredTensor tensor;
  std::uint64_t offset = 0, bytes = 0;
};

std::uint64_t readShape(Cursor& cursor, StoredTensor& tensor) {
  const auto dimensions = cursor.number<std::uint32_t>();
  if (dimensions < 1 || dimensions > kMostDimensions)
    cursor.refuse(fmt::format("{} dimensions; 1 to {} were expected", dimensions, kMostDimensions));
  std::uint64_t elements = 1;
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    const auto size = cursor.number<std::uint64_t>();
    if (size == 0 || size > kMostElements || elements > kMostElements / size)
      cursor.refuse(fmt::format("a size of {}; 1 to {} elements were expected in all", size, kMostElements));
    elements *= size;
    tensor.shape.insert(tensor.shape.begin(), static_cast<std::int64_t>(size));
  }
  return elements;
}

Described readDescription(Cursor& cursor, std::uint64_t index) {
  cursor.enter(fmt::format("tensor {}", index));
  Described described{.name = std::string(cursor.text(kMostNameBytes))};
  cursor.enter(fmt::format("tensor '{}'", printable(described.name)));
  const std::uint64_t elements = readShape(cursor, described.tensor);
  const auto type = cursor.number<std::uint32_t>();
  const TensorLayout* layout = layoutOf(type);
  if (layout == nullptr) cursor.refuse(fmt::format("unknown tensor type {}", type));
  described.tensor.type = layout->type;
  const auto row = static_cast<std::uint64_t>(described.tensor.shape.back());
  if (row % layout->elements != 0)
    cursor.refuse(fmt::format("rows of {} elements; {} has blocks of {}", row, layout->name, layout->elements));
  described.bytes = elements / layout->elements * layout->bytes;
  described.offset = cursor.number<std::uint64_t>();
  return described;
}

std::uint64_t alignmentOf(const Metadata& metadata) {
  const std::uint64_t alignment = metadata.integer("general.alignment", 1, kMostAlignment).value_or(32);
  if (!std::has_single_bit(alignment))
    metadata.refuse("general.alignment", fmt::format("a power of two, found {}", alignment));
  return alignment;
}

void refuseOverlaps(const std::string& path, const std::map<std::string, StoredTensor, std::less<>>& tensors) {
  std::vector<std::pair<std::span<const std::byte>, const std::string*>> ranges;
  for (const auto& [name, tensor] : tensors) ranges.emplace_back(tensor.bytes, &name);
  std::ranges::sort(ranges, {}, [](const auto& range) { return range.first.data(); });
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i - 1].first.data() + ranges[i - 1].first.size() > ranges[i].first.data())
      fail("{}: tensors '{}' and '{}' overlap in the file", path, printable(*ranges[i - 1].second),
           printable(*ranges[i].second));
}

}  // namespace

Container::Container(const std::filesystem::path& path) : m_file(std::make_shared<const MappedFile>(path)) {
  Cursor cursor(m_file->path(), m_file->bytes());
  readMagicAndVersion(cursor);
  cursor.enter("counts");
  const auto tensors = cursor.number<std::uint64_t>();
  const auto pairs = cursor.number<std::uint64_t>();
  m_metadata = Metadata::read(path, cursor, pairs);
  readTensors(cursor, tensors);
  refuseOverlaps(path.string(), m_tensors);
}

void Container::readTensors(Cursor& cursor, std::uint64_t count) {
  // Each takes bytes of the file, so the list ends with it however large the count is.
  std::vector<Described> described;
  for (std::uint64_t i = 0; i < count; ++i) described.push_back(readDescription(cursor, i));
  m_header = m_file->bytes().first(cursor.position());
  const std::uint64_t alignment = alignmentOf(m_metadata);
  const std::uint64_t begin = (cursor.position() + alignment - 1) / alignment * alignment;
  const std::uint64_t size = m_file->bytes().size();
  const std::uint64_t data = begin < size ? size - begin : 0;
  for (Described& entry : described) {
    cursor.enter(fmt::format("tensor '{}'", printable(entry.name)));
    if (entry.offset % alignment != 0)
      cursor.refuse(fmt::format("its offset {} is no multiple of the alignment {}", entry.offset, alignment));
    if (entry.offset > data || entry.bytes > data - entry.offset)
      cursor.refuse(fmt::format("{} bytes at offset {} leave the {} bytes of data (truncated?)", entry.bytes,
                                entry.offset, data));
    entry.tensor.bytes = m_file->bytes().subspan(begin + entry.offset, entry.bytes);
    if (!m_tensors.emplace(std::move(entry.name), std::move(entry.tensor)).second)
      cursor.refuse("it stands there twice");
  }
}

}  // namespace kvatlas::gguf
