// Where the files that belong to KVAtlas lie beside this programme; knows paths only.
#pragma once

#include <QString>

namespace kvatlas::app {

// The `kvatlas` beside this programme; empty: not there.
[[nodiscard]] QString kvatlasProgramme();
// "examples/marlow.kva.h5" in the installed or the source resources; empty: not there.
[[nodiscard]] QString resourceFile(const QString& name);

}  // namespace kvatlas::app
