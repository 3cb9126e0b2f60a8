// Writes a file under a temporary name and renames it to its own name
// when complete.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>

#include "core/base/claimed_file.h"

namespace kvatlas {

class OutputFile {
 public:
  // Error: the folder is missing or not writable, another process writes the file, or a folder, device, pipe or link
  // has its name or that of its temporary file "<target>.part"; none of them is ever replaced.
  explicit OutputFile(const std::filesystem::path& target);
  ~OutputFile();  // without complete(): deletes the file
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes);
  void sync();      // after the last write: all bytes are on disk, the name is still the temporary one
  void complete();  // syncs and renames

 private:
  OutputFile(const std::filesystem::path& target, const std::unique_lock<std::recursive_mutex>& registering);

  void flush();

  std::filesystem::path m_target;
  ClaimedFile m_part;
  std::string m_buffer;
  bool m_synced = false, m_complete = false;
};

// Before the process ends without running destructors: deletes its temporary files and returns the name of the file
// that it completed last, or "". From then on no other thread makes a file or gives one its final name; it waits.
const char* abandonOutputs();

// A library with its own copy of this code has outputs of its own, which abandonOutputs() abandons with ours.
using AbandonOutputs = const char* (*)();
void alsoAbandon(AbandonOutputs other);

// Error: `target` is there and is not a regular file.
void requireReplaceable(const std::filesystem::path& target);

// Makes renames in the file's folder durable, where the folder can be opened.
void syncFolderOf(const std::filesystem::path& file);

}  // namespace kvatlas
