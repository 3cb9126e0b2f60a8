// The tensors of a GGUF model by their Hugging Face names, dequantised into the compute type as they are asked for.
#pragma once

#include <optional>

#include "capture/model/weight_source.h"
#include "core/gguf/model_file.h"

namespace kvatlas::capture {

class GgufWeights : public WeightSource {
 public:
  // Error as gguf::ModelFile. The configuration says how the rows of q and k lie.
  GgufWeights(const std::filesystem::path& path, const ModelConfig& config);

  [[nodiscard]] bool has(const std::string& name) const override;
  // Rows of q and k come back in the "rotate half" order, whatever order the file has them in.
  [[nodiscard]] at::Tensor load(const std::string& name, std::span<const std::int64_t> shape, at::ScalarType dtype,
                                at::Device device) const override;
  void release(const std::string& name) const override;
  [[nodiscard]] std::string fingerprint() const override { return m_file.fingerprint(); }

 private:
  struct Found {
    std::optional<gguf::StoredTensor> tensor;
    const gguf::Container* part = nullptr;
  };
  [[nodiscard]] Found find(const std::string& stored_name) const;

  gguf::ModelFile m_file;
  bool m_interleaved_rope = false;  // q and k rows of a head lie as pairs (i, i + d/2)
  std::int64_t m_head_dim = 0;
};

// "model.layers.3.self_attn.q_proj.weight" → "blk.3.attn_q.weight"; empty for a name GGUF has no counterpart of. The
// matrix of one expert is called "blk.3.ffn_gate.5.weight", whether it is stored alone or with the others of its layer.
[[nodiscard]] std::string ggufTensorName(std::string_view name);

}  // namespace kvatlas::capture
