// What is left of memory, as the files of Linux tell it: free, limited by control groups of either version, or untold.
#include "core/base/host_memory.h"

#include <gtest/gtest.h>

#include "tests/support/scratch_folder.h"

namespace kvatlas {
namespace {

class HostMemory : public testing::Test {
 protected:
  void SetUp() override {
    write("proc/meminfo", "MemTotal:       24683652 kB\nMemAvailable:    1000 kB\nSwapFree:  24 kB\n");
  }
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((m_root.path() / name).parent_path());
    m_root.write(name, text);
  }
  std::optional<std::uint64_t> available() const { return availableMemory(m_root.path()); }

  test::ScratchFolder m_root;
};

TEST_F(HostMemory, IsWhatIsAvailableAndFreeSwap) {
  EXPECT_EQ(available(), 1024U * 1024);
}

TEST_F(HostMemory, IsUnknownWhereNothingTells) {
  std::filesystem::remove(m_root.path() / "proc/meminfo");
  EXPECT_EQ(available(), std::nullopt);
}

TEST_F(HostMemory, OfAGroupCountsWhatItCanDrop) {
  write("proc/self/cgroup", "0::/job/step\n");
  write("sys/fs/cgroup/job/step/memory.max", "max\n");
  write("sys/fs/cgroup/job/step/memory.current", "5\n");
  EXPECT_EQ(available(), 1024U * 1024);               // no limit
  write("sys/fs/cgroup/job/memory.max", "500000\n");  // of a group above
  write("sys/fs/cgroup/job/memory.current", "300000\n");
  write("sys/fs/cgroup/job/memory.stat", "file 200000\ninactive_file 100000\nactive_file 100000\n");
  EXPECT_EQ(available(), 300'000U);
  write("sys/fs/cgroup/job/memory.current", "700000\n");
  EXPECT_EQ(available(), 0U);
}

// In a container the path is the host's; its own limit lies where its groups begin.
TEST_F(HostMemory, OfAContainerOfVersion1IsItsOwn) {
  write("proc/self/cgroup", "9:name=systemd:/x\n4:cpu,memory:/docker/1\n0::/\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9000\n");
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", "4000\n");
  write("sys/fs/cgroup/memory/memory.stat", "total_inactive_file 10\n");
  EXPECT_EQ(available(), 5010U);
}

TEST(HostMemoryHere, IsMoreThanThisTestTakes) {
  const auto available = availableMemory();
  ASSERT_TRUE(available);
  EXPECT_GT(*available, 10'000'000U);
}

}  // namespace
}  // namespace kvatlas
