// Joins the shards of one run into the folder an unsharded run would have written. Knows folders of results
// only.
#pragma once

#include <filesystem>
#include <span>

#include "core/results/settings.h"

namespace kvatlas::results {

// Reads every shard case by case and writes the cases in the order of the plan, then settings.json of the whole run.
// Error, and nothing under the final names: shards of different settings (naming both and the difference), a shard
// twice, missing or unfinished, a folder that holds something already.
Settings mergeResults(std::span<const std::filesystem::path> shards, const std::filesystem::path& output);

}  // namespace kvatlas::results
