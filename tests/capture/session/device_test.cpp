#include "capture/session/device/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvatlas::capture::test {
namespace {

TEST(Device, wordsAreTakenApart) {
  EXPECT_TRUE(parseDevice("auto").automatic);
  EXPECT_TRUE(parseDevice("cpu").cpu);
  EXPECT_THAT(parseDevice("cuda").cuda, testing::ElementsAre(0));
  EXPECT_THAT(parseDevice("cuda:3").cuda, testing::ElementsAre(3));
  EXPECT_THAT(parseDevice("cuda:1,cuda:0").cuda, testing::ElementsAre(1, 0));
}

TEST(Device, otherWordsAreUsageErrors) {
  for (const char* word : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda0", "cuda:0,", "cuda:0,cpu",
                           "cuda:0,cuda:0", "cpu,cuda:0"})
    EXPECT_THROW(static_cast<void>(parseDevice(word)), UsageError) << word;
}

TEST(Device, theCpuHasNothingToPlace) {
  DeviceChoice choice = chooseDevices("cpu", "auto");
  EXPECT_EQ(choice.dtype_name, "f32");
  EXPECT_TRUE(choice.cuda.empty());
  placeOnDevices(choice, {}, {});
  EXPECT_TRUE(choice.load.layer_devices.empty());
  EXPECT_THROW(static_cast<void>(chooseDevices("cpu", "f8")), UsageError);
}

}  // namespace
}  // namespace kvatlas::capture::test
