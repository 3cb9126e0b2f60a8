#include "capture/model/shard_index.h"

#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::capture {
namespace {

bool isPlainFileName(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
}

}  // namespace

std::map<std::string, std::string> readShardIndex(const std::filesystem::path& index) {
  const nlohmann::json json = readJsonFile(index);
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (map == json.end() || !map->is_object() || map->empty())
    fail("{}: field 'weight_map': expected an object that gives each tensor's file", index.string());
  std::map<std::string, std::string> shards;
  for (const auto& [name, value] : map->items()) {
    if (!value.is_string()) fail("{}: weight_map '{}': expected a file name", index.string(), name);
    auto shard = value.get<std::string>();
    if (!isPlainFileName(shard))
      fail("{}: weight_map '{}': expected a file name inside the folder, found '{}'", index.string(), name, shard);
    shards.emplace(name, std::move(shard));
  }
  return shards;
}

}  // namespace kvatlas::capture
