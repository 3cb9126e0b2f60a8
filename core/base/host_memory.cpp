#include "core/base/host_memory.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace kvatlas {
namespace {

namespace fs = std::filesystem;
using Bytes = std::optional<std::uint64_t>;

// "name value" or "name: value kB" per line; empty without such a line.
Bytes valueOf(const fs::path& file, std::string_view name) {
  std::ifstream in(file);
  for (std::string key, rest; in >> key && std::getline(in, rest);) {
    if (key.ends_with(':')) key.pop_back();
    if (key != name) continue;
    const std::uint64_t unit = rest.ends_with("kB") ? 1024 : 1;
    return std::strtoull(rest.c_str(), nullptr, 10) * unit;
  }
  return std::nullopt;
}

// The number that a file consists of; empty for "max" and without the file.
Bytes numberIn(const fs::path& file) {
  std::ifstream in(file);
  std::uint64_t number = 0;
  return in >> number ? Bytes(number) : std::nullopt;
}

// What the files of a control group are called.
struct GroupFiles {
  const char *limit, *used, *dropped_at_once;  // the last: a name in memory.stat
};
constexpr GroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
constexpr GroupFiles kVersion2{"memory.max", "memory.current", "inactive_file"};

Bytes leftIn(const fs::path& group, const GroupFiles& files) {
  const Bytes limit = numberIn(group / files.limit), used = numberIn(group / files.used);
  if (!limit || !used) return std::nullopt;
  const std::uint64_t dropped = valueOf(group / "memory.stat", files.dropped_at_once).value_or(0);
  const std::uint64_t held = *used > dropped ? *used - dropped : 0;
  return *limit > held ? *limit - held : 0;
}

Bytes least(Bytes a, Bytes b) {
  return a && b ? std::min(*a, *b) : a ? a : b;
}

// The group and all above it: each has a limit of its own. Inside a container, groups of the host are not seen.
Bytes leftUpFrom(const fs::path& mount, fs::path group, const GroupFiles& files) {
  Bytes left = leftIn(mount, files);
  for (group = group.relative_path(); !group.empty(); group = group.parent_path())
    left = least(left, leftIn(mount / group, files));
  return left;
}

// Whether ":cpu,memory:" names a controller.
bool lists(std::string_view controllers, std::string_view name) {
  const std::size_t at = controllers.find(name);
  if (at == controllers.npos) return false;
  const auto ends = [](char c) { return c == ':' || c == ','; };
  return ends(controllers[at - 1]) && ends(controllers[at + name.size()]);
}

// Lines "0::/path" (version 2) and "4:memory:/path" (version 1).
Bytes leftInGroups(const fs::path& root) {
  Bytes left;
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string_view controllers(line.data() + first, second + 1 - first);  // with the colons
    const fs::path group = line.substr(second + 1);
    if (controllers == "::") left = least(left, leftUpFrom(root / "sys/fs/cgroup", group, kVersion2));
    if (lists(controllers, "memory")) left = least(left, leftUpFrom(root / "sys/fs/cgroup/memory", group, kVersion1));
  }
  return left;
}

}  // namespace

std::optional<std::uint64_t> availableMemory(const fs::path& root) {
  const fs::path file = root / "proc/meminfo";
  const Bytes available = valueOf(file, "MemAvailable");
  if (!available) return std::nullopt;
  return least(*available + valueOf(file, "SwapFree").value_or(0), leftInGroups(root));
}

}  // namespace kvatlas
