// Figures of the programme where something is missing: fonts, or the data of a damaged trace.
#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>

#include "core/base/error.h"
#include "core/trace/reader.h"
#include "tests/app/programme.h"
#include "tests/support/sample_trace.h"

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;

class FigureCommand : public ProgrammeTest {
 protected:
  [[nodiscard]] std::string sample() const {
    test::writeSampleTrace(path("a.kva.h5"));
    return path("a.kva.h5");
  }
};

TEST_F(FigureCommand, WithoutAFontSaysSo) {
  const std::string config =
      write("fonts.conf", R"(<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>)"
                          "<dir>/nonexistent</dir><cachedir>" +
                              path("cache") + "</cachedir></fontconfig>");
  const Words words{"figure", "heatmap", sample(), "-o", path("a.png")};
  const Ended ended = run(words, {.environment = {"FONTCONFIG_FILE=" + config}});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_NE(ended.err.find("warning: no font is installed"), std::string::npos) << ended.err;
  EXPECT_EQ(run(words).err, "") << "with fonts";
}

// The index of a dataset's chunks, in which one bit is wrong: `validate`, `info` and a figure that needs the data tell,
// and none takes the data for not captured.
class DamagedIndex : public FigureCommand, public testing::WithParamInterface<std::pair<const char*, const char*>> {
 protected:
  // A copy of the sample with one flipped bit in the index of `member`.
  [[nodiscard]] std::string damaged(const std::string& member) const {
    std::ifstream in(sample(), std::ios::binary);
    const std::string good{std::istreambuf_iterator<char>(in), {}};
    for (std::size_t at = 0; at + 20 < good.size(); ++at) {
      const std::string_view sign = std::string_view(good).substr(at, 4);
      if (sign != "FAHD" && sign != "EAHD") continue;
      std::string bad = good;
      bad[at + 9] ^= 4;
      const std::string file = write("bad.kva.h5", bad);
      for (const trace::Finding& finding : trace::validate(file))
        if (finding.problem.find(member + ": ") != std::string::npos) return file;
    }
    ADD_FAILURE() << "nothing damages " << member;
    return sample();
  }
};

TEST_P(DamagedIndex, IsToldByEveryCommand) {
  const auto& [member, figure] = GetParam();
  const std::string file = damaged(member);
  const Ended validated = run({"validate", file});
  EXPECT_EQ(validated.exit_code, 1);
  EXPECT_NE(validated.out.find(std::string(member) + ": cannot"), std::string::npos) << validated.out;
  const Ended info = run({"info", file});
  EXPECT_EQ(info.exit_code, 1);
  EXPECT_NE(info.out.find("unreadable"), std::string::npos) << info.out;
  EXPECT_NE(info.err.find(member), std::string::npos) << info.err;
  Words words{"figure", figure, file, "-o", path("f.svg")};
  if (figure == std::string("heatmap")) words.insert(words.end(), {"--layer", "0"});
  expectRefused(run(words), 1, {"bad.kva.h5", member});
  EXPECT_FALSE(fs::exists(path("f.svg")));
}

INSTANTIATE_TEST_SUITE_P(Members, DamagedIndex,
                         testing::Values(std::pair("/attention/000/map/mean/0", "pattern"),
                                         std::pair("/attention/000/received", "heatmap"),
                                         std::pair("/runs/001/kept/positions", "eviction"),
                                         std::pair("/runs/001/retained", "retained")),
                         [](const auto& test) {
                           std::string name = test.param.first;
                           std::ranges::replace_if(
                               name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
                           return name;
                         });

}  // namespace
}  // namespace kvatlas::app_test
