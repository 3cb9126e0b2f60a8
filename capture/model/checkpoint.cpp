#include "capture/model/checkpoint.h"

#include <ATen/ops/from_blob.h>
#include <c10/core/TensorOptions.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "capture/model/model_folder.h"
#include "capture/model/shard_index.h"
#include "core/base/error.h"
#include "core/base/sha256.h"

namespace kvatlas::capture {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr std::string_view kDecoder = "model.";

std::optional<at::ScalarType> scalarType(const std::string& dtype) {
  if (dtype == "F32") return at::kFloat;
  if (dtype == "F16") return at::kHalf;
  if (dtype == "BF16") return at::kBFloat16;
  return std::nullopt;
}

// A view of the tensor in the file that keeps the mapping alive. Copied when its address is not aligned for its type.
at::Tensor viewOf(const StoredTensor& stored, at::ScalarType type, const std::shared_ptr<const MappedFile>& file) {
  // ATen has no tensor over const memory; nothing writes to weights.
  void* data = const_cast<std::byte*>(stored.bytes.data());
  const at::Tensor view = at::from_blob(
      data, stored.shape, [file](void*) {}, at::TensorOptions().dtype(type));
  const bool aligned = reinterpret_cast<std::uintptr_t>(data) % c10::elementSize(type) == 0;
  return aligned ? view : view.clone();
}

}  // namespace

Checkpoint::Checkpoint(const fs::path& folder) : m_folder(folder) {
  std::error_code code;
  if (fs::exists(folder / kSingle, code)) {
    m_shards.emplace(kSingle, SafetensorsFile(folder / kSingle));
  } else if (fs::exists(folder / kIndex, code)) {
    openShards(folder, folder / kIndex);
  } else {
    refuseWithoutWeights(folder);
  }
  findPrefix();
}

// The names of the decoder's tensors begin with "model."; a bare LlamaModel is stored without, a model inside another
// one (a vision model's language_model, a wrapper's module) with more before it.
void Checkpoint::findPrefix() {
  constexpr std::string_view inner = "embed_tokens.weight";
  if (holder(std::string(kDecoder).append(inner)) != nullptr) return;
  std::vector<std::string> found;
  for (const auto& [file, shard] : m_shards)
    for (const std::string& name : shard.names())
      if (name.ends_with(inner) && (name.size() == inner.size() || name[name.size() - inner.size() - 1] == '.'))
        found.push_back(name.substr(0, name.size() - inner.size()));
  if (found.size() == 1) m_prefix = found.front();
}

// "model.norm.weight" → how the files call it. The output matrix stands beside the decoder.
std::string Checkpoint::storedName(const std::string& name) const {
  if (m_prefix == kDecoder) return name;
  if (name.starts_with(kDecoder)) return m_prefix + name.substr(kDecoder.size());
  const bool inside = m_prefix.ends_with(kDecoder) && holder(name) == nullptr;
  return inside ? m_prefix.substr(0, m_prefix.size() - kDecoder.size()) + name : name;
}

void Checkpoint::openShards(const fs::path& folder, const fs::path& index) {
  m_shard_of_name = readShardIndex(index);
  for (const auto& [name, shard] : m_shard_of_name) {
    if (m_shards.contains(shard)) continue;
    std::error_code code;
    if (!fs::exists(folder / shard, code))
      fail("{}: missing shard; {} names it for tensor '{}'", (folder / shard).string(), kIndex, name);
    m_shards.emplace(shard, SafetensorsFile(folder / shard));
  }
}

// The shard that holds a tensor of that stored name, the one the index says before others; nullptr: none. An index may
// lag behind its files: entries that no shard holds are of no concern until the tensor is asked for.
const SafetensorsFile* Checkpoint::holder(const std::string& stored_name) const {
  const auto placed = m_shard_of_name.find(stored_name);
  if (placed != m_shard_of_name.end())
    if (const SafetensorsFile& shard = m_shards.at(placed->second); shard.find(stored_name) != nullptr) return &shard;
  for (const auto& [file, shard] : m_shards)
    if (shard.find(stored_name) != nullptr) return &shard;
  return nullptr;
}

bool Checkpoint::has(const std::string& name) const {
  return holder(storedName(name)) != nullptr;
}

const SafetensorsFile& Checkpoint::shardOf(const std::string& stored_name) const {
  if (const SafetensorsFile* shard = holder(stored_name)) return *shard;
  const auto placed = m_shard_of_name.find(stored_name);
  if (placed != m_shard_of_name.end())
    fail("{}: no tensor '{}', which {} places there", (m_folder / placed->second).string(), stored_name, kIndex);
  fail("{}: no tensor '{}'", (m_folder / (m_shard_of_name.empty() ? kSingle : kIndex)).string(), stored_name);
}

at::Tensor Checkpoint::load(const std::string& name, std::span<const std::int64_t> shape, at::ScalarType dtype,
                            at::Device device) const {
  const std::string stored_name = storedName(name);
  const SafetensorsFile& shard = shardOf(stored_name);
  const StoredTensor& stored = *shard.find(stored_name);
  const std::string path = shard.file()->path().string();
  const auto type = scalarType(stored.dtype);
  if (!type) fail("{}: tensor '{}': expected dtype F32, F16 or BF16, found {}", path, stored_name, stored.dtype);
  if (!std::equal(shape.begin(), shape.end(), stored.shape.begin(), stored.shape.end()))
    fail("{}: tensor '{}': expected shape [{}] from config.json, found [{}]", path, stored_name, fmt::join(shape, ", "),
         fmt::join(stored.shape, ", "));
  const at::Tensor view = viewOf(stored, *type, shard.file());
  if (*type == dtype && device.is_cpu()) return view;
  at::Tensor copy = view.to(device).to(dtype);
  shard.file()->release(stored.bytes);
  return copy;
}

void Checkpoint::release(const std::string& name) const {
  const std::string stored_name = storedName(name);
  if (const SafetensorsFile* shard = holder(stored_name)) shard->file()->release(shard->find(stored_name)->bytes);
}

std::string Checkpoint::fingerprint() const {
  Sha256 sha;
  for (const auto& [name, shard] : m_shards) {
    sha.add(name.c_str(), name.size() + 1);
    std::array<unsigned char, 8> size{};
    for (std::size_t i = 0; i < size.size(); ++i)
      size[i] = static_cast<unsigned char>(shard.file()->bytes().size() >> (8 * i));
    sha.add(size.data(), size.size());
    sha.add(shard.header().data(), shard.header().size());
  }
  return sha.hex();
}

}  // namespace kvatlas::capture
