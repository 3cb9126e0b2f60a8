// The version of this KVAtlas.
#pragma once

namespace kvatlas {
inline constexpr const char* kVersion = KVATLAS_VERSION;
}  // namespace kvatlas
