#include "app/trainer/safetensors_writer.h"

#include <ATen/Functions.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::trainer {

void writeSafetensors(const std::filesystem::path& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = {{"__metadata__", metadata}};
  std::string body;
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor host = tensor.detach().to(at::kCPU).contiguous();
    if (host.scalar_type() != at::kFloat && host.scalar_type() != at::kBFloat16)
      fail("{}: {} is neither f32 nor bf16", path.string(), name);
    const std::size_t begin = body.size();
    body.append(static_cast<const char*>(host.const_data_ptr()), host.nbytes());
    header[name] = {{"dtype", host.scalar_type() == at::kFloat ? "F32" : "BF16"},
                    {"shape", host.sizes().vec()},
                    {"data_offsets", {begin, body.size()}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + 8 + 63) / 64 * 64 - 8, ' ');
  const std::uint64_t length = text.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);  // little-endian machines only, as libtorch
  bytes += text;
  bytes += body;
  writeFileAtomically(path, bytes);
}

}  // namespace kvatlas::trainer
