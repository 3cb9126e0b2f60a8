// Opens the libraries with heavy dependencies (capture with libtorch, figures with Qt) when a command needs them; must
// not know either.
#pragma once

#include <string>

namespace kvatlas::app {

// The address of an exported function of lib<library>.so, found in ../lib or by the dynamic loader. Error when this
// build has no such library, when it cannot be opened (with the loader's reason), or when it comes from another build
// (with both files).
[[nodiscard]] void* moduleSymbol(const std::string& library, const std::string& symbol);

}  // namespace kvatlas::app
