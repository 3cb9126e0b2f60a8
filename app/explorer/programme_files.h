// Finds the files of KVAtlas relative to this executable.
#pragma once

#include <QString>

namespace kvatlas::app {

// The `kvatlas` executable next to this one; empty: not found.
[[nodiscard]] QString kvatlasProgramme();
// "examples/marlow.kva.h5" in the installed or the source resources; empty: not found.
[[nodiscard]] QString resourceFile(const QString& name);

// A document of the manual, for example "explorer.md"; empty if it is not installed.
[[nodiscard]] QString documentFile(const QString& name);

}  // namespace kvatlas::app
