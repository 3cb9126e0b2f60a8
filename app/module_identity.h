// How a module tells which build it comes from, before anything else of it is called; knows no module.
#pragma once

namespace kvatlas::app {

// Exported by every module: the hash of the headers that its border consists of (resources/cmake/BorderIdentity.cmake).
inline constexpr const char* kIdentitySymbol = "kvatlasIdentity";
using IdentityEntry = const char* (*)();

}  // namespace kvatlas::app
