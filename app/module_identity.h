// What every module exports besides its own functions: the identity of its build, asked for before anything else, and
// the end of its outputs.
#pragma once

namespace kvatlas::app {

// Exported by every module: the hash of its interface headers (resources/cmake/BorderIdentity.cmake).
inline constexpr const char* kIdentitySymbol = "kvatlasIdentity";
using IdentityEntry = const char* (*)();

// abandonOutputs() of core/base/output_file.h, of the module's own copy.
inline constexpr const char* kAbandonSymbol = "kvatlasAbandonOutputs";

}  // namespace kvatlas::app
