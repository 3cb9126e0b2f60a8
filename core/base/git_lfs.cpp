#include "core/base/git_lfs.h"

#include "core/base/error.h"

namespace kvatlas {

void refuseLfsPointer(const std::filesystem::path& path, std::string_view bytes) {
  if (!bytes.starts_with("version https://git-lfs.github.com/spec/")) return;
  fail("{}: is a Git LFS pointer, not the file itself; run 'git lfs pull' in its folder", path.string());
}

}  // namespace kvatlas
