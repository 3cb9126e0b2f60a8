// Identifies the build of a module before any other of its functions is called.
#pragma once

namespace kvatlas::app {

// Exported by every module: the hash of its interface headers (resources/cmake/BorderIdentity.cmake).
inline constexpr const char* kIdentitySymbol = "kvatlasIdentity";
using IdentityEntry = const char* (*)();

}  // namespace kvatlas::app
