// Looks into an untrusted trace in a short-lived process of its own, so that a file whose structure crashes the HDF5
// library or keeps it busy without end costs an error and not the program.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "core/trace/records.h"

namespace kvatlas::trace {

// Call at the beginning of main(). In the process that vets a file: does so and ends. Else: from now on every Reader of
// this process has its file vetted first, once per file, by `programme`, whose main() must call this, too.
void offerVetting(int argc, char** argv, const std::filesystem::path& programme = "/proc/self/exe");

void vetWith(const std::filesystem::path& programme);

// In a library with its own copy of this code: vets by the program that loaded it, if that has called offerVetting().
void vetAsTheHost();

// Whether one of the functions above was called.
[[nodiscard]] bool vetsFiles();

// Error naming the file: it cannot be read, it crashes its reader, or takes it more than some seconds or gigabytes.
// Does nothing without vetsFiles(), or for a file that has passed before. Cancelled, at once, after a stop request.
void requireVetted(const std::filesystem::path& path, const std::stop_token& stop = {});

// What the short-lived process does: opens everything that has a structure and reads a value at both ends of it.
void walkStructure(const std::filesystem::path& path);
// The arrays whose chunks it looks up: all that a reader does not read whole when it opens the file.
[[nodiscard]] std::vector<std::string> walkedArrays(const TraceHeader& header);

}  // namespace kvatlas::trace
