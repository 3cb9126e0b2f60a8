#include "capture/model/gguf_weights.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/gguf/dequantise.h"

namespace kvatlas::capture {
namespace {

using gguf::TensorType;

constexpr std::string_view kLayers = "model.layers.";
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kOuter{
    {{"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}}};
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kInLayer{
    {{"input_layernorm", "attn_norm"},
     {"post_attention_layernorm", "ffn_norm"},
     {"self_attn.q_proj", "attn_q"},
     {"self_attn.k_proj", "attn_k"},
     {"self_attn.v_proj", "attn_v"},
     {"self_attn.o_proj", "attn_output"},
     {"self_attn.q_norm", "attn_q_norm"},
     {"self_attn.k_norm", "attn_k_norm"},
     {"mlp.gate_proj", "ffn_gate"},
     {"mlp.up_proj", "ffn_up"},
     {"mlp.down_proj", "ffn_down"}}};

template <std::size_t n>
std::string_view counterpart(const std::array<std::pair<std::string_view, std::string_view>, n>& names,
                             std::string_view name) {
  const auto found = std::ranges::find(names, name, &std::pair<std::string_view, std::string_view>::first);
  return found == names.end() ? std::string_view() : found->second;
}

std::optional<at::ScalarType> scalarType(TensorType type) {
  if (type == TensorType::F32) return at::kFloat;
  if (type == TensorType::F16) return at::kHalf;
  if (type == TensorType::BF16) return at::kBFloat16;
  return std::nullopt;
}

// As safetensors' views: the mapping lives as long as the tensor, and nobody writes to it.
at::Tensor viewOf(const gguf::StoredTensor& stored, at::ScalarType type,
                  const std::shared_ptr<const MappedFile>& file) {
  void* data = const_cast<std::byte*>(stored.bytes.data());
  const at::Tensor view = at::from_blob(
      data, stored.shape, [file](void*) {}, at::TensorOptions().dtype(type));
  const bool aligned = reinterpret_cast<std::uintptr_t>(data) % c10::elementSize(type) == 0;
  return aligned ? view : view.clone();
}

// Which row of the file is row `row` of the result. Converters write the rows of a rotated head as pairs
// (0, d/2, 1, d/2 + 1, …); the "rotate half" order has the first halves first.
std::int64_t fileRow(std::int64_t row, std::int64_t head_dim) {
  const std::int64_t inside = row % head_dim, half = head_dim / 2;
  return row - inside + 2 * (inside % half) + inside / half;
}

// In chunks of rows that are converted at once: beside the result only a few of them are held as float32.
at::Tensor dequantised(const gguf::StoredTensor& stored, at::ScalarType dtype, std::int64_t permuted_head_dim) {
  const gguf::TensorLayout& layout = gguf::layoutOf(stored.type);
  const std::int64_t rows = stored.shape.size() == 1 && permuted_head_dim == 0 ? 1 : stored.shape[0];
  const auto elements = static_cast<std::size_t>(stored.bytes.size() / layout.bytes * layout.elements);
  const std::size_t row_elements = elements / static_cast<std::size_t>(rows);
  const std::size_t row_bytes = stored.bytes.size() / static_cast<std::size_t>(rows);
  const at::Tensor result = at::empty(stored.shape, at::TensorOptions().dtype(dtype));
  const at::Tensor flat = result.view({rows, static_cast<std::int64_t>(row_elements)});
  const std::int64_t grain = std::max<std::int64_t>(1, std::int64_t{1} << 16 >> std::bit_width(row_elements - 1));
  at::parallel_for(0, rows, grain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> chunk(dtype == at::kFloat ? 0 : row_elements);
    for (std::int64_t row = begin; row < end; ++row) {
      const auto from = static_cast<std::size_t>(permuted_head_dim > 0 ? fileRow(row, permuted_head_dim) : row);
      float* values =
          dtype == at::kFloat ? flat.data_ptr<float>() + static_cast<std::size_t>(row) * row_elements : chunk.data();
      gguf::dequantise(stored.type, stored.bytes.subspan(from * row_bytes, row_bytes), {values, row_elements});
      if (dtype != at::kFloat)
        flat[row].copy_(at::from_blob(values, {static_cast<std::int64_t>(row_elements)}, at::kFloat));
    }
  });
  return result;
}

bool isRotated(std::string_view gguf_name) {
  return gguf_name.find(".attn_q.") != gguf_name.npos || gguf_name.find(".attn_k.") != gguf_name.npos;
}

}  // namespace

std::string ggufTensorName(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos) return {};
  const std::string_view suffix = name.substr(dot);  // ".weight", ".bias"
  if (const auto outer = counterpart(kOuter, name.substr(0, dot)); !outer.empty())
    return std::string(outer).append(suffix);
  if (!name.starts_with(kLayers)) return {};
  const std::string_view rest = name.substr(kLayers.size(), dot - kLayers.size());  // "3.self_attn.q_proj"
  const std::size_t number_end = rest.find('.');
  if (number_end == rest.npos) return {};
  const std::string_view inner = counterpart(kInLayer, rest.substr(number_end + 1));
  return inner.empty() ? std::string() : fmt::format("blk.{}.{}{}", rest.substr(0, number_end), inner, suffix);
}

GgufWeights::GgufWeights(const std::filesystem::path& path, const ModelConfig& config)
    : m_file(path), m_head_dim(config.head_dim) {
  m_interleaved_rope = m_file.metadata().text("general.architecture") == "llama";
}

bool GgufWeights::has(const std::string& name) const {
  return m_file.find(ggufTensorName(name)).tensor != nullptr;
}

at::Tensor GgufWeights::load(const std::string& name, std::span<const std::int64_t> shape, at::ScalarType dtype,
                             at::Device device) const {
  const std::string stored_name = ggufTensorName(name);
  const gguf::ModelFile::Found found = m_file.find(stored_name);
  if (found.tensor == nullptr)
    fail("{}: no tensor '{}'", m_file.path().string(), stored_name.empty() ? name : stored_name);
  const gguf::StoredTensor& stored = *found.tensor;
  const std::string path = found.part->metadata().path().string();
  if (!std::ranges::equal(shape, stored.shape))
    fail("{}: tensor '{}': expected shape [{}] from the metadata, found [{}]", path, stored_name,
         fmt::join(shape, ", "), fmt::join(stored.shape, ", "));
  const gguf::TensorLayout& layout = gguf::layoutOf(stored.type);
  if (!layout.readable) fail("{}: tensor '{}': weights of type {} are not read", path, stored_name, layout.name);
  const bool permuted = m_interleaved_rope && isRotated(stored_name);
  const auto plain = scalarType(stored.type);
  at::Tensor tensor;
  if (plain && !permuted) {
    tensor = viewOf(stored, *plain, found.part->file());
    if (*plain == dtype && device.is_cpu()) return tensor;
    tensor = tensor.to(device).to(dtype);
  } else {
    tensor = dequantised(stored, dtype, permuted ? m_head_dim : 0).to(device);
  }
  found.part->file()->release(stored.bytes);
  return tensor;
}

void GgufWeights::release(const std::string& name) const {
  const gguf::ModelFile::Found found = m_file.find(ggufTensorName(name));
  if (found.tensor != nullptr) found.part->file()->release(found.tensor->bytes);
}

}  // namespace kvatlas::capture
