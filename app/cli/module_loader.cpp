#include "app/cli/module_loader.h"

#include <dlfcn.h>

#include <filesystem>
#include <string_view>

#include "app/module_identity.h"
#include "core/base/error.h"
#include "core/base/output_file.h"
#include "kvatlas_border_capture.h"
#include "kvatlas_border_figures.h"

namespace kvatlas::app {
namespace {

struct Module {
  void* handle = nullptr;
  std::filesystem::path file;
};

std::filesystem::path programmeFile() {
  std::error_code code;
  return std::filesystem::read_symlink("/proc/self/exe", code);
}

bool drawsFigures(const std::string& library) {
  return library == "kvatlas_figures";
}

// A module stays open until the process ends: unloading libtorch or Qt is unsafe.
Module openModule(const std::string& library) {
  const std::string name = "lib" + library + ".so";
  std::error_code code;
  for (const char* folder : {"../lib", "../lib/kvatlas", "."}) {
    const auto file = (programmeFile().parent_path() / folder / name).lexically_normal();
    if (!std::filesystem::exists(file, code)) continue;
    if (void* handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) return {handle, file};
    fail("{}: cannot be opened: {}", file.string(), ::dlerror());
  }
  fail("this command needs {}, which this build of KVAtlas does not have (configured without {})", name,
       drawsFigures(library) ? "Qt" : "libtorch");
}

// A module of another build may use other struct layouts, so refuse it.
void requireSameBuild(const std::string& library, const Module& module) {
  const auto identity = reinterpret_cast<IdentityEntry>(::dlsym(module.handle, kIdentitySymbol));
  const std::string_view expected = drawsFigures(library) ? KVATLAS_BORDER_FIGURES : KVATLAS_BORDER_CAPTURE;
  if (identity == nullptr || identity() != expected)
    fail("{} and {} come from different builds of KVAtlas: build or install both together", module.file.string(),
         programmeFile().string());
}

void* functionOf(const Module& module, const std::string& symbol) {
  void* address = ::dlsym(module.handle, symbol.c_str());
  if (address == nullptr) fail("{}: has no function {}", module.file.string(), symbol);
  return address;
}

}  // namespace

void* moduleSymbol(const std::string& library, const std::string& symbol) {
  const Module module = openModule(library);
  requireSameBuild(library, module);
  alsoAbandon(reinterpret_cast<AbandonOutputs>(functionOf(module, kAbandonSymbol)));
  return functionOf(module, symbol);
}

}  // namespace kvatlas::app
