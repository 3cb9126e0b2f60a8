#include "core/evaluation/origin.h"

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::evaluation {

using nlohmann::json;

namespace {

// A path that other working directories understand; as given where this one was deleted.
std::string placeOf(const std::filesystem::path& path) {
  std::error_code code;
  const std::filesystem::path whole = std::filesystem::absolute(path, code);
  return (code ? path : whole).string();
}

}  // namespace

void writeOrigin(const std::filesystem::path& results, const Origin& origin) {
  json file = {{"model", placeOf(origin.model)}};
  for (const auto& [name, paths] : origin.sources) {
    json list = json::array();
    for (const auto& path : paths) list.push_back(placeOf(path));
    file[name] = std::move(list);
  }
  writeFileAtomically(results / kOriginFile, file.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

Origin readOrigin(const std::filesystem::path& results, const std::vector<std::string>& names) {
  const std::filesystem::path path = results / kOriginFile;
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return {};
  const json file = readJsonFile(path);
  try {
    Origin origin{.model = file.at("model").get<std::string>()};
    for (const std::string& name : names)
      for (const json& source : file.at(name)) origin.sources[name].emplace_back(source.get<std::string>());
    return origin;
  } catch (const json::exception&) {
    fail("{}: expected the fields 'model' and '{}'", path.string(), fmt::join(names, "', '"));
  }
}

}  // namespace kvatlas::evaluation
