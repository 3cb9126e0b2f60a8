#include "core/base/sha256.h"

#include <fmt/ranges.h>
#include <openssl/evp.h>

#include <array>

#include "core/base/error.h"

namespace kvatlas {

struct Sha256::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~Impl() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : m_impl(std::make_unique<Impl>()) {
  if (m_impl->context == nullptr || EVP_DigestInit_ex(m_impl->context, EVP_sha256(), nullptr) != 1)
    fail("OpenSSL has no SHA-256");
}
Sha256::~Sha256() = default;

void Sha256::add(const void* data, std::size_t size) {
  if (EVP_DigestUpdate(m_impl->context, data, size) != 1) fail("OpenSSL: SHA-256 failed");
}

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(m_impl->context, digest.data(), &size) != 1) fail("OpenSSL: SHA-256 failed");
  return fmt::format("{:02x}", fmt::join(digest.begin(), digest.begin() + size, ""));
}

std::string sha256Hex(std::string_view bytes) {
  Sha256 sha;
  sha.add(bytes.data(), bytes.size());
  return sha.hex();
}

}  // namespace kvatlas
