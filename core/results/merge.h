// Joins the shards of one run into the folder that an unsharded run would
// write.
#pragma once

#include <filesystem>
#include <span>

#include "core/results/settings.h"

namespace kvatlas::results {

// Reads every shard case by case and writes the cases in the order of the plan, then settings.json of the whole run.
// On Error, writes nothing under the final names: different settings (naming both and the difference), a shard that is
// duplicate, missing or unfinished, an output folder that is not empty.
Settings mergeResults(std::span<const std::filesystem::path> shards, const std::filesystem::path& output);

}  // namespace kvatlas::results
