#include "capture/model/gguf_weights.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
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
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kInLayer{
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
     {"mlp.down_proj", "ffn_down"},
     {"block_sparse_moe.gate", "ffn_gate_inp"}}};
constexpr std::string_view kExperts = "block_sparse_moe.experts.";
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kInExpert{
    {{"w1", "ffn_gate"}, {"w2", "ffn_down"}, {"w3", "ffn_up"}}};

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

// "block_sparse_moe.experts.5.w1" → "ffn_gate.5"; empty for another name.
std::string expertName(std::string_view name) {
  if (!name.starts_with(kExperts)) return {};
  name.remove_prefix(kExperts.size());
  const std::size_t dot = name.find('.');
  if (dot == name.npos) return {};
  const std::string_view matrix = counterpart(kInExpert, name.substr(dot + 1));
  return matrix.empty() ? std::string() : fmt::format("{}.{}", matrix, name.substr(0, dot));
}

// "blk.3.ffn_gate.5.weight" → "blk.3.ffn_gate_exps.weight" and 5.
std::optional<std::pair<std::string, std::uint64_t>> stackOf(std::string_view name) {
  constexpr std::string_view suffix = ".weight";
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos || name.find(".ffn_") == name.npos) return std::nullopt;
  const std::string_view digits = name.substr(dot + 1);
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (code != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return std::pair(fmt::format("{}_exps{}", name.substr(0, dot), suffix), number);
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
  const std::string_view part = rest.substr(number_end + 1);
  const std::string expert = expertName(part);
  const std::string_view inner = expert.empty() ? counterpart(kInLayer, part) : expert;
  return inner.empty() ? std::string() : fmt::format("blk.{}.{}{}", rest.substr(0, number_end), inner, suffix);
}

GgufWeights::GgufWeights(const std::filesystem::path& path, const ModelConfig& config)
    : m_file(path), m_head_dim(config.head_dim) {
  const auto architecture = m_file.metadata().text("general.architecture");
  m_interleaved_rope = architecture == "llama" || architecture == "granite";
}

// Newer files hold the matrices of all experts of a layer in one tensor [experts, rows, columns].
GgufWeights::Found GgufWeights::find(const std::string& stored_name) const {
  if (const auto whole = m_file.find(stored_name); whole.tensor != nullptr) return {*whole.tensor, whole.part};
  const auto stack = stackOf(stored_name);
  if (!stack) return {};
  const auto [tensor, part] = m_file.find(stack->first);
  if (tensor == nullptr || tensor->shape.size() != 3) return {};
  const auto count = static_cast<std::uint64_t>(tensor->shape[0]);
  if (stack->second >= count) return {};
  const std::size_t bytes = tensor->bytes.size() / count;
  return {gguf::StoredTensor{
              tensor->type, {tensor->shape[1], tensor->shape[2]}, tensor->bytes.subspan(stack->second * bytes, bytes)},
          part};
}

bool GgufWeights::has(const std::string& name) const {
  return find(ggufTensorName(name)).tensor.has_value();
}

at::Tensor GgufWeights::load(const std::string& name, std::span<const std::int64_t> shape, at::ScalarType dtype,
                             at::Device device) const {
  const std::string stored_name = ggufTensorName(name);
  const Found found = find(stored_name);
  if (!found.tensor) fail("{}: no tensor '{}'", m_file.path().string(), stored_name.empty() ? name : stored_name);
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
  const Found found = find(ggufTensorName(name));
  if (found.tensor) found.part->file()->release(found.tensor->bytes);
}

}  // namespace kvatlas::capture
