// What the stored data of a dataset must amount to, and whether a run's positions are all of them; the notes.
#pragma once

#include <cstdint>
#include <vector>

#include "core/trace/h5_read.h"
#include "core/trace/schema.h"

namespace kvatlas::trace {

// Bytes that must be stored of a dataset with the dimensions `dims`: the cells on and below its diagonal, of the heads
// that are recorded.
[[nodiscard]] std::uint64_t neededBytes(const schema::DatasetSpec& spec, const std::vector<std::uint64_t>& dims);

// Whether all lists are 0, 1, … tokens − 1; reads a few lists at a time to bound memory. offsets: [lists + 1].
[[nodiscard]] bool keepsEverything(const h5::SourceDataset& positions, const std::vector<std::uint64_t>& offsets,
                                   std::uint64_t tokens);

// The notes, of the type and at most the size that the format allows; an error names them otherwise.
[[nodiscard]] h5::SourceDataset notesOf(const h5::SourceGroup& root);

}  // namespace kvatlas::trace
