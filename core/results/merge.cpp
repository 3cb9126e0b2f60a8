#include "core/results/merge.h"

#include <fmt/ranges.h>

#include <map>
#include <set>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/output_file.h"
#include "core/results/batches.h"
#include "core/results/reader.h"
#include "core/results/writer.h"

namespace kvatlas::results {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kAnySize = UINT64_MAX;
const std::string kOrigin = "origin.json";  // of core/evaluation; its writer puts it there after the merge

struct Source {
  fs::path folder;
  Settings settings;
};

// Sources by shard index: each once, all of one run.
std::map<std::uint32_t, Source> openShards(std::span<const fs::path> folders) {
  if (folders.empty()) failUsage("merge: no folder of results given");
  std::map<std::uint32_t, Source> sources;
  const Settings first = readSettings(folders.front());
  for (const fs::path& folder : folders) {
    Settings settings = readSettings(folder);
    if (const std::string difference = differenceOf(first, settings); !difference.empty())
      fail("{} and {} come from different settings: {}", folders.front().string(), folder.string(), difference);
    const Shard shard = settings.shard();
    if (shard.count != first.shard().count)
      fail("{} is one of {} shards, {} one of {}: they do not belong together", folders.front().string(),
           first.shard().count, folder.string(), shard.count);
    const auto [other, added] = sources.try_emplace(shard.index, Source{folder, std::move(settings)});
    if (!added)
      fail("{} and {} are both shard {} of {}", other->second.folder.string(), folder.string(), shard.index,
           shard.count);
  }
  std::vector<std::uint32_t> missing;
  for (std::uint32_t i = 1; i <= first.shard().count && missing.size() < 16; ++i)
    if (!sources.contains(i)) missing.push_back(i);
  if (!missing.empty())
    fail("shard {} of {} {} missing", fmt::join(missing, ", "), first.shard().count,
         missing.size() == 1 ? "is" : "are");
  return sources;
}

void requireFolder(const fs::path& output) {
  std::error_code code;
  if (fs::exists(output, code) && !fs::is_directory(output, code))
    fail("{}: is a file; results go into a folder", output.string());
  fs::create_directories(output, code);
  if (code) throw Error(systemMessage(output.string(), code.value()));
}

// What a merge of the same shards that was killed may have left. Its settings.json comes last, so that a folder
// without one holds nothing finished; with one, the same results.
void requireLeftovers(const fs::path& output, const Settings& whole) {
  std::set<std::string> known{kLockFile};
  for (const std::string& name : {std::string(kResultsFile), std::string(kSettingsFile)}) known.insert(name + ".part");
  // Only a merge or a run makes the lock; a folder without it holds somebody else's files.
  if (std::error_code code; fs::exists(output / kLockFile, code)) known.insert(kResultsFile);
  if (std::error_code code; fs::exists(output / kSettingsFile, code)) {
    const Settings settings = readSettings(output);
    if (differenceOf(settings, whole).empty() && settings.shard() == whole.shard())
      known.insert({kSettingsFile, kOrigin, kOrigin + ".part"});
  }
  for (const auto& entry : fs::directory_iterator(output)) {
    const std::string name = entry.path().filename().string();
    if (!known.contains(name)) fail("{}: is not empty ({}); choose another folder", output.string(), name);
  }
}

// Finished results are never replaced by others.
void keepOrComplete(OutputFile& file, const fs::path& output) {
  std::error_code code;
  const fs::path results = output / kResultsFile;
  file.sync();
  if (fs::exists(output / kSettingsFile, code) && fs::exists(results, code) &&
      readFile(results, kAnySize) != readFile(results.string() + ".part", kAnySize))
    fail("{}: holds other results of the same settings; choose another folder", output.string());
  file.complete();
}

}  // namespace

Settings mergeResults(std::span<const fs::path> shards, const fs::path& output) {
  const std::map<std::uint32_t, Source> sources = openShards(shards);
  std::vector<CaseStream> streams;
  for (const auto& [index, source] : sources) streams.emplace_back(source.folder, source.settings);
  const Settings whole(sources.begin()->second.settings.values());
  requireFolder(output);
  requireLeftovers(output, whole);
  const FolderLock lock(output);
  OutputFile file(output / kResultsFile);
  const std::uint64_t batch = batchSizeOf(whole.values());
  for (const Case& one : whole.allCases()) {
    const std::size_t shard = shardOf(batch, one, streams.size());
    CaseStream& stream = streams[shard];
    const std::vector<Record> records = stream.next();
    if (records.empty()) {
      const Source& source = sources.at(static_cast<std::uint32_t>(shard + 1));
      fail("{}: shard {} of {} is unfinished: {} of {} cases", source.folder.string(), source.settings.shard().index,
           streams.size(), stream.casesRead(), source.settings.cases().size());
    }
    for (const Record& record : records) file.write(printRecord(record) + '\n');
  }
  for (CaseStream& stream : streams) (void)stream.next();  // an extra line is an error
  keepOrComplete(file, output);
  writeFileAtomically(output / kSettingsFile, whole.print());
  return whole;
}

}  // namespace kvatlas::results
