#include "capture/model/model_folder.h"

#include <algorithm>
#include <vector>

#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::capture {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCachePrefix = "models--";

bool isThere(const fs::path& path) {
  std::error_code code;
  return fs::exists(path, code);
}

// Names in the folder that `wanted` takes, sorted; empty for a folder that cannot be read.
template <class Wanted>
std::vector<std::string> namesIn(const fs::path& folder, Wanted&& wanted) {
  std::error_code code;
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder, code))
    if (wanted(entry.path().filename())) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

// "models--org--name" → "org/name"; empty for another name.
std::string repositoryName(std::string_view folder) {
  if (!folder.starts_with(kCachePrefix)) return {};
  folder.remove_prefix(kCachePrefix.size());
  const auto dashes = folder.find("--");
  if (dashes == folder.npos) return std::string(folder);
  return fmt::format("{}/{}", folder.substr(0, dashes), folder.substr(dashes + 2));
}

// The snapshot that "main" names, else the first.
fs::path snapshotOf(const fs::path& repository) {
  std::error_code code;
  if (fs::is_regular_file(repository / "refs" / "main", code)) {
    std::string commit = readFile(repository / "refs" / "main", 4096);
    commit.erase(commit.find_last_not_of(" \n\r") + 1);
    if (!commit.empty() && isThere(repository / "snapshots" / commit)) return repository / "snapshots" / commit;
  }
  const auto all = namesIn(repository / "snapshots", [](const fs::path&) { return true; });
  return all.empty() ? fs::path() : repository / "snapshots" / all.front();
}

void refuseCacheFolder(const fs::path& folder) {
  if (isThere(folder / "snapshots")) {
    const fs::path snapshot = snapshotOf(folder);
    if (snapshot.empty())
      fail("{}: is a repository's folder in the Hugging Face cache without a snapshot", folder.string());
    fail("{}: is a repository's folder in the Hugging Face cache; name the checkpoint in it: {}", folder.string(),
         snapshot.string());
  }
  const auto repositories =
      namesIn(folder, [](const fs::path& name) { return name.string().starts_with(kCachePrefix); });
  if (!repositories.empty())
    fail("{}: is the Hugging Face cache itself; name one checkpoint in it, such as {}", folder.string(),
         snapshotOf(folder / repositories.front()).string());
}

void refuseAdapter(const fs::path& folder) {
  const fs::path file = folder / "adapter_config.json";
  if (!isThere(file)) return;
  const nlohmann::json json = readJsonFile(file);
  const auto base = json.is_object() ? json.find("base_model_name_or_path") : json.end();
  const std::string of =
      base != json.end() && base->is_string() ? fmt::format(" for '{}'", base->get<std::string>()) : "";
  fail("{}: is a LoRA adapter{}, not a model; merge it into its base model and save that", folder.string(), of);
}

}  // namespace

fs::path configFile(const fs::path& folder) {
  std::error_code code;
  if (!isThere(folder)) fail("{}: no such model folder", folder.string());
  if (!fs::is_directory(folder, code))
    fail("{}: not a folder; expected a checkpoint folder with config.json, or a GGUF file", folder.string());
  fs::path file = folder / "config.json";
  if (!isThere(file)) {
    refuseAdapter(folder);
    refuseCacheFolder(folder);
    const auto gguf = namesIn(folder, [](const fs::path& name) { return name.extension() == ".gguf"; });
    const std::string hint = gguf.empty() ? "" : fmt::format("; it holds '{}': name the file itself", gguf.front());
    fail("{}: no config.json in it; expected a Hugging Face checkpoint folder{}", folder.string(), hint);
  }
  if (!fs::is_regular_file(file, code)) fail("{}: not a regular file", file.string());
  return file;
}

std::string modelName(const fs::path& folder) {
  std::error_code code;
  const fs::path whole = fs::weakly_canonical(folder, code);
  fs::path path = code ? folder : whole;
  if (!path.has_filename()) path = path.parent_path();
  const fs::path snapshots = path.parent_path();
  const std::string repository =
      snapshots.filename() == "snapshots" ? repositoryName(snapshots.parent_path().filename().string()) : "";
  return repository.empty() ? path.filename().string() : repository;
}

void refuseWithoutWeights(const fs::path& folder) {
  refuseAdapter(folder);
  const auto pickled = namesIn(folder, [](const fs::path& name) {
    return name.string().starts_with("pytorch_model") && name.extension() == ".bin";
  });
  const std::string hint =
      pickled.empty() ? ""
                      : fmt::format("; '{}' is read by Transformers only: save it as safetensors", pickled.front());
  fail(
      "{}: neither model.safetensors nor model.safetensors.index.json in it; expected a checkpoint with safetensors "
      "weights{}",
      folder.string(), hint);
}

}  // namespace kvatlas::capture
