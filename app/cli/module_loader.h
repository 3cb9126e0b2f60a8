// Opens the parts of KVAtlas that are heavy to link (capture with libtorch, figures with Qt) when a command needs them;
// knows neither.
#pragma once

#include <string>

namespace kvatlas::app {

// The address of an exported function of lib<library>.so, which lies beside the programme (../lib) or where the loader
// looks. Error when this build has no such part, it cannot be opened, with the loader's reason, or it comes from
// another build, with both files.
[[nodiscard]] void* moduleSymbol(const std::string& library, const std::string& symbol);

}  // namespace kvatlas::app
