// `kvatlas export FILE tile` from a captured trace: exact cells, and invalid requests.
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/app/programme.h"

namespace kvatlas::app_test {
namespace {

using Cells = std::map<std::pair<int, int>, double>;

class Tile : public ProgrammeTest {
 protected:
  void captured(const Words& more = {"--keep-qk"}) const {
    Words words{"--model", smallModel().string(), "--ids", write("prompt.ids", idsText(60, 64)), "--max-new-tokens",
                "1"};
    words.insert(words.end(), more.begin(), more.end());
    expectDone(run(capture(words)));
  }

  [[nodiscard]] Words request(const Words& more, const std::string& name = "tile.csv") const {
    Words words{"export", trace(), "tile", "-o", path(name)};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  [[nodiscard]] Cells csvCells(const Words& more) const {
    expectDone(run(request(more)));
    std::ifstream in(path("tile.csv"));
    std::string line;
    std::getline(in, line);
    EXPECT_EQ(line, "query,key,value");
    Cells cells;
    char comma = 0;
    while (std::getline(in, line)) {
      std::istringstream fields(line);
      int query = 0, key = 0;
      double value = 0;
      fields >> query >> comma >> key >> comma >> value;
      cells[{query, key}] = value;
    }
    return cells;
  }
};

TEST_F(Tile, HoldsThePairsOfItsRangesThatAreVisible) {
  captured();
  const Cells cells = csvCells({"--layer", "1", "--head", "2", "--queries", "10:14", "--keys", "11:20"});
  std::vector<std::pair<int, int>> pairs;
  for (const auto& [pair, value] : cells) pairs.push_back(pair);
  EXPECT_EQ(pairs, (std::vector<std::pair<int, int>>{{11, 11}, {12, 11}, {12, 12}, {13, 11}, {13, 12}, {13, 13}}));
}

TEST_F(Tile, LogitsAndLogarithmsBelongToTheProbabilities) {
  captured();
  const Words where{"--layer", "2", "--head", "0"};
  const auto as = [&](const char* what) {
    Words words = where;
    words.insert(words.end(), {"--as", what});
    return csvCells(words);
  };
  const Cells p = csvCells(where), logarithm = as("log"), logit = as("logit");
  ASSERT_EQ(p.size(), 60U * 61 / 2);
  ASSERT_EQ(logarithm.size(), p.size());
  ASSERT_EQ(logit.size(), p.size());
  for (const auto& [pair, value] : p) {
    EXPECT_NEAR(std::log(value), logarithm.at(pair), 1e-5) << pair.first << ' ' << pair.second;
    const std::pair<int, int> first{pair.first, 0};  // the row's log-sum-exp cancels
    EXPECT_NEAR(logit.at(pair) - logit.at(first), logarithm.at(pair) - logarithm.at(first), 1e-5);
  }
}

TEST_F(Tile, JsonHoldsWhatCsvHolds) {
  captured();
  const Words where{"--layer", "0", "--head", "3", "--queries", ":5"};
  const Cells cells = csvCells(where);
  expectDone(run(request(where, "tile.json")));
  std::ifstream in(path("tile.json"));
  const nlohmann::json list = nlohmann::json::parse(in);
  ASSERT_EQ(list.size(), cells.size());
  for (const auto& one : list)
    EXPECT_EQ(one["value"].get<double>(), cells.at({one["query"].get<int>(), one["key"].get<int>()}));
}

TEST_F(Tile, RefusesRangesThatAreNone) {
  captured();
  const Words where{"--layer", "1", "--head", "0"};
  const auto refused = [&](const Words& more, const Words& culprits) {
    Words words = where;
    words.insert(words.end(), more.begin(), more.end());
    expectRefused(run(request(words)), 2, culprits);
  };
  refused({"--queries", "5"}, {"--queries 5", "first:end"});
  refused({"--queries", "a:b"}, {"--queries a:b"});
  refused({"--keys", "-3:5"}, {"--keys -3:5"});
  refused({"--keys", "9:9"}, {"keys 9:9", "60 tokens"});
  refused({"--keys", "0:61"}, {"keys 0:61", "60 tokens"});
  refused({"--queries", "0:99999999999999999999"}, {"--queries"});
  refused({"--as", "colour"}, {"--as colour", "probability"});
  expectRefused(run(request({"--layer", "1"})), 2, {"--head"});
  expectRefused(run(request({"--layer", "1", "--head", "4"})), 2, {"--head 4"});
  expectRefused(run(request({"--layer", "7", "--head", "0"})), 1, {"layer 7", trace()});
  EXPECT_EQ(names(), (Words{"out.kva.h5", "prompt.ids"}));
}

TEST_F(Tile, SaysHowToKeepQueriesAndKeys) {
  captured({});
  expectRefused(run(request({"--layer", "1", "--head", "0"})), 1, {trace(), "layer 1", "--keep-qk"});
}

}  // namespace
}  // namespace kvatlas::app_test
