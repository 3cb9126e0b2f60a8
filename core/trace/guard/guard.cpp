#include "core/trace/guard/guard.h"

#include <dlfcn.h>
#include <unistd.h>

#include <string_view>

namespace kvatlas::trace {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPreload = "LD_PRELOAD=";

bool g_guards = false;  // set once, before there are other threads

fs::path libraryBeside(const fs::path& programme) {
  std::error_code code;
  const fs::path folder = fs::canonical(programme, code).parent_path();
  for (const char* const place : {"../lib", "../lib/kvatlas", "."}) {
    fs::path file = (folder / place / "libkvatlas_guard.so").lexically_normal();
    if (!code && fs::exists(file, code)) return file;
  }
  return {};
}

}  // namespace

std::vector<std::string> guardedEnvironment(const fs::path& programme) {
  const std::string library = libraryBeside(programme).string();
  std::string preload(kPreload);
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!library.empty() && text.starts_with(kPreload))
      preload = std::string(text) + ":";
    else
      entries.emplace_back(text);
  }
  if (!library.empty()) entries.push_back(preload + library);
  return entries;
}

void guardAllocations() {
  void* const start = ::dlsym(RTLD_DEFAULT, "kvatlasGuardAllocations");
  if (start == nullptr) return;
  reinterpret_cast<void (*)()>(start)();
  g_guards = true;
}

bool guardsAllocations() {
  return g_guards;
}

}  // namespace kvatlas::trace
