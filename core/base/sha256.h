// Incremental SHA-256.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace kvatlas {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(const void* data, std::size_t size);
  // Lower-case hex; call once, after the last add().
  [[nodiscard]] std::string hex();

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

[[nodiscard]] std::string sha256Hex(std::string_view bytes);

}  // namespace kvatlas
