// The version of this KVAtlas; knows nothing else.
#pragma once

namespace kvatlas {
inline constexpr const char* kVersion = KVATLAS_VERSION;
}  // namespace kvatlas
