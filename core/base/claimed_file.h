// A file under a temporary name that one process at a time may write.
#pragma once

#include <filesystem>
#include <string>

namespace kvatlas {

// The file is opened first and locked then, and counts as ours only while its name still leads to the locked file.
// Nobody unlinks or renames a file without holding its lock, so two processes never share one. A killed process loses
// its lock; the next one takes over what it left.
class ClaimedFile {
 public:
  // Opens or creates `path` and empties it. Error naming `target`, the file that it will become: another process holds
  // it, its folder is missing or not writable, or something else than a plain file is in the way, such as a link.
  ClaimedFile(std::filesystem::path path, const std::filesystem::path& target);
  ~ClaimedFile();  // closes the file and leaves it where it is
  ClaimedFile(const ClaimedFile&) = delete;
  ClaimedFile& operator=(const ClaimedFile&) = delete;

  [[nodiscard]] int descriptor() const { return m_file; }
  [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

  enum class Existing { Replace, Keep };
  // Each returns 0 or an errno value; ENOENT where the path leads to another file by now, EEXIST for Keep.
  [[nodiscard]] int renameTo(const std::filesystem::path& to, Existing existing = Existing::Replace);
  int remove() noexcept;

 private:
  bool tryOpen(const std::filesystem::path& target);
  [[nodiscard]] bool isStillThere() const noexcept;

  std::filesystem::path m_path;
  int m_file = -1;
};

// Whether another process has claimed the file of this name.
[[nodiscard]] bool isClaimed(const std::filesystem::path& path);

}  // namespace kvatlas
