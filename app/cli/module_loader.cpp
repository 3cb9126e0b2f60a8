#include "app/cli/module_loader.h"

#include <dlfcn.h>

#include <filesystem>

#include "core/base/error.h"

namespace kvatlas::app {
namespace {

// A module stays open for the life of the programme: libtorch and Qt do not like to be unloaded.
void* openModule(const std::string& library) {
  const std::string file = "lib" + library + ".so";
  std::error_code code;
  const auto programme = std::filesystem::read_symlink("/proc/self/exe", code);
  for (const char* folder : {"../lib", "../lib/kvatlas", "."}) {
    const auto path = programme.parent_path() / folder / file;
    if (!std::filesystem::exists(path, code)) continue;
    if (void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
    fail("{}: cannot be opened: {}", path.string(), ::dlerror());
  }
  fail("this command needs {}, which this build of KVAtlas does not have (configured without {})", file,
       library == "kvatlas_figures" ? "Qt" : "libtorch");
}

}  // namespace

void* moduleSymbol(const std::string& library, const std::string& symbol) {
  void* handle = openModule(library);
  void* address = ::dlsym(handle, symbol.c_str());
  if (address == nullptr)
    fail("lib{}.so: has no function {}: it belongs to another version of KVAtlas", library, symbol);
  return address;
}

}  // namespace kvatlas::app
