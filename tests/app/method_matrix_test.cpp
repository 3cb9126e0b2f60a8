// Every row of the method table, end to end: captured on a small checkpoint, decided again by what-if from that trace,
// in a synthetic trace, in a figure's legend and in the help.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/policy/parameters.h"
#include "core/trace/reader.h"
#include "tests/app/programme.h"
#include "tests/views/opened_document.h"
#include "views/models/document/what_if.h"

namespace kvatlas::app_test {
namespace {

using ::testing::HasSubstr;
using views::RunId;
using views::RunPointer;

struct Matrix {
  const char *preset, *granularity;
};

void PrintTo(const Matrix& matrix, std::ostream* out) {
  *out << matrix.preset << ", " << matrix.granularity;
}

// Every method except `full`, which always runs.
std::vector<std::string> methodNames() {
  std::vector<std::string> names;
  for (const policy::Method& method : policy::methods())
    if (!method.keeps_everything) names.emplace_back(method.name);
  return names;
}

// Whether nothing is evicted, so that there is nothing to decide.
bool readsPages(std::string_view name) {
  return policy::findMethod(name).reads_pages;
}

// A table of heads for the methods that need one, a line a layer.
std::string headsText(int layers, int heads) {
  std::string text;
  for (int layer = 0; layer < layers; ++layer)
    for (int head = 0; head < heads; ++head)
      text += fmt::format("0.{}{}", 1 + (3 * layer + 5 * head) % 9, head + 1 == heads ? "\n" : "\t");
  return text;
}

bool needsTable(const std::string& name) {
  return policy::findParameter(policy::findMethod(name), "heads") != nullptr;
}

Words withMethods(Words words, const std::string& heads) {
  for (const std::string& name : methodNames())
    words.insert(words.end(), {"--method", needsTable(name) ? name + ":heads=" + heads : name});
  return words;
}

// Every method that decides again while decoding.
std::vector<std::string> namesWhileDecoding(const std::string& granularity) {
  std::vector<std::string> names;
  for (const std::string& name : methodNames()) {
    const policy::Method& method = policy::findMethod(name);
    const bool per_kv_head = !policy::commonOf(method.needs, policy::kSignalsOfEntries).empty();
    if (policy::everyObstacle(method).empty() && (granularity == "kv-head" || !per_kv_head)) names.push_back(name);
  }
  return names;
}

class MethodMatrix : public test::OpenedDocumentTest, public testing::WithParamInterface<Matrix> {
 protected:
  MethodMatrix() {
    QObject::connect(&m_what_if, &views::WhatIf::decided, [this] { ++m_decided; });
    QObject::connect(&m_what_if, &views::WhatIf::failed,
                     [this](const QString& text) { m_message = text.toStdString(); });
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (m_folder / name).string(); }

  // A capture of every method.
  std::filesystem::path captured() {
    const std::string ids = m_folder.write("prompt.ids", idsText(90, 64)).string();
    const Words words =
        withMethods({"capture", "--model", smallModel().string(), "--ids", ids, "--budget", "20", "--budget", "50%",
                     "--preset", GetParam().preset, "--granularity", GetParam().granularity, "--max-new-tokens", "2",
                     "--method", "quest:evict=on", "-o", path("captured.kva.h5")},
                    m_folder.write("heads.tsv", headsText(3, 4)).string());
    expectDone(run(words));
    return m_folder / "captured.kva.h5";
  }

  // The words of a capture that follows the full cache for 20 tokens; methods are to be added.
  Words capturing(const std::string& file, std::initializer_list<std::string> budgets) {
    const std::string ids = m_folder.write("prompt.ids", idsText(90, 64)).string();
    Words words{"capture",
                "--model",
                smallModel().string(),
                "--ids",
                ids,
                "--preset",
                GetParam().preset,
                "--granularity",
                GetParam().granularity,
                "--follow",
                "full",
                "--max-new-tokens",
                "20",
                "-o",
                file};
    for (const std::string& budget : budgets) words.insert(words.end(), {"--budget", budget});
    return words;
  }

  // What-if's decision for the recorded run; null when it refuses.
  RunPointer decidedAgain(const RunPointer& recorded) {
    m_message.clear();
    const int before = m_decided;
    m_what_if.ask(views::requestOf(recorded->run.header, 8));
    waitUntil([&] { return !m_message.empty() || (m_decided > before && !m_what_if.busy()); });
    return m_message.empty() ? m_document.run(m_what_if.run()) : nullptr;
  }

  views::WhatIf m_what_if{m_document};
  int m_decided = 0;
  std::string m_message;
};

TEST_P(MethodMatrix, ACaptureIsDecidedAgainFromItsOwnTrace) {
  ASSERT_TRUE(open(captured()));
  std::map<std::string, int> runs;
  for (const RunId id : m_document.runIds()) {
    if (views::isWhatIf(id)) continue;
    const RunPointer recorded = runOf(id);
    SCOPED_TRACE(recorded->run.header.label);
    const RunPointer again = decidedAgain(recorded);
    if (readsPages(recorded->run.header.method) && recorded->run.header.label.find("evict=on") == std::string::npos) {
      EXPECT_THAT(m_message, HasSubstr("evicts nothing"));
      EXPECT_TRUE(recorded->run.record.everything);
      ++runs[recorded->run.header.method];
      continue;
    }
    ASSERT_NE(again, nullptr) << m_message;
    EXPECT_EQ(again->run.record.capacity, recorded->run.record.capacity);
    EXPECT_EQ(again->keptTokens(), recorded->keptTokens());
    if (recorded->everything()) {  // read without its lists, which hold every position
      ++runs[recorded->run.header.method];
      continue;
    }
    for (std::uint32_t layer = 0; layer < recorded->model.layers; ++layer)
      for (std::size_t head = 0; head < recorded->heads(); ++head)
        EXPECT_THAT(again->kept(LayerIndex(layer), head),
                    testing::ElementsAreArray(recorded->kept(LayerIndex(layer), head)));
    ++runs[recorded->run.header.method];
  }
  EXPECT_EQ(runs["full"], 1);
  for (const std::string& name : methodNames()) EXPECT_EQ(runs[name], readsPages(name) ? 4 : 2) << name;
}

TEST_P(MethodMatrix, EveryEightTokensNoListExceedsItsBudget) {
  const std::vector<std::string> names = namesWhileDecoding(GetParam().granularity);
  ASSERT_GE(names.size(), 12U);
  const std::string heads = m_folder.write("heads.tsv", headsText(3, 4)).string(), file = path("every.kva.h5");
  Words words = capturing(file, {"20", "50%"});
  for (const std::string& name : names)
    words.insert(words.end(), {"--method", name + ":every=8" + (needsTable(name) ? ",heads=" + heads : "")});
  expectDone(run(words));
  expectDone(run({"validate", file}));
  const trace::Reader reader{file};
  for (std::size_t index = 1; index < reader.header().runs.size(); ++index) {
    const trace::RunHeader& header = reader.header().runs[index];
    SCOPED_TRACE(header.label);
    const auto record = reader.run(index);
    ASSERT_TRUE(record);
    EXPECT_EQ(header.every, 8U);
    std::vector<std::uint32_t> held = record->capacity;
    std::size_t next = 0;
    for (std::uint32_t step = 0; step < record->decode_ids.size(); ++step) {
      for (std::size_t list = 0; list < held.size(); ++list) {
        held[list] += step > 0 ? 1 : 0;
        if (record->capacity[list] < 90) {
          EXPECT_LE(held[list], record->capacity[list] + 8);
        }
      }
      for (; next < record->evicted.size() && record->evicted[next].step == step; ++next)
        --held[record->evicted[next].layer * header.heads + record->evicted[next].head];
    }
    EXPECT_EQ(next, record->evicted.size());
    // The full cache may end before the eighth token.
    if (record->decode_ids.size() > 9) {
      EXPECT_FALSE(record->evicted.empty());
    }
  }
}

// Methods that merge or store otherwise, through the command: a valid trace, smaller caches, sources of what merged.
TEST_P(MethodMatrix, MergesAndStores) {
  const std::string file = path("stored.kva.h5");
  Words words = capturing(file, {"40"});
  const std::vector<std::string> merging{"snapkv:merge=pivot", "h2o:merge=weighted,every=8",
                                         "streamingllm:merge=average", "cam", "tova:merge=cam,every=4"};
  const std::vector<std::string> stored{"kivi:block=4,residual=4",
                                        "kvquant:block=8,residual=8,outliers=0",
                                        "gear:block=8,residual=8,outliers=0,rank=1",
                                        "minicache:from=0",
                                        "think:whole=8",
                                        "adakv:bits=4,block=8,residual=8",
                                        "keydiff:bits=8,block=8,residual=8",
                                        "h2o:bits=2,block=8,residual=8,every=8",
                                        "snapkv:merge=pivot,bits=4,block=8,residual=8"};
  for (const auto* list : {&merging, &stored})
    for (const std::string& method : *list) words.insert(words.end(), {"--method", method});
  expectDone(run(words));
  expectDone(run({"validate", file}));
  const trace::Reader reader{file};
  ASSERT_EQ(reader.header().runs.size(), 1 + merging.size() + stored.size());
  for (std::size_t index = 1; index < reader.header().runs.size(); ++index) {
    const trace::RunHeader& header = reader.header().runs[index];
    SCOPED_TRACE(header.label);
    const auto record = reader.run(index);
    ASSERT_TRUE(record);
    const std::uint64_t plain = record->keptTokens() * 2 * reader.header().model.head_dim * sizeof(float);
    if (index <= merging.size())
      EXPECT_EQ(record->cache_bytes, plain);
    else
      EXPECT_LT(record->cache_bytes, plain);
    const bool merges = header.label.find("merge=") != std::string::npos || header.method == "cam";
    EXPECT_EQ(header.merges, merges);
    const bool of_prompt = merges && header.label.find("cam") == std::string::npos;
    EXPECT_EQ(!record->merged_into.empty(), of_prompt);
    if (record->kl.size() > 1) {
      EXPECT_GT(*std::ranges::max_element(record->kl), 0) << "it makes a difference";
    }
  }
  const Ended merged = run({"export", file, "merged", "--run", "1", "-o", path("merged.csv")});
  expectDone(merged);
  std::ifstream table(path("merged.csv"));
  std::string line;
  std::getline(table, line);
  EXPECT_EQ(line, "run,step,layer,head,position,into");
  EXPECT_TRUE(std::getline(table, line));
  EXPECT_THAT(run({"info", file}).out, HasSubstr("evicted tokens merged into kept ones"));
}

INSTANTIATE_TEST_SUITE_P(Presets, MethodMatrix,
                         testing::Values(Matrix{"exact", "kv-head"}, Matrix{"exact", "query-head"},
                                         Matrix{"paper", "kv-head"}, Matrix{"paper", "query-head"}));

class MethodRows : public ProgrammeTest {};

TEST_F(MethodRows, AreInASyntheticTraceAndTheLegendOfItsFigure) {
  const std::string made = path("made.kva.h5");
  expectDone(run(withMethods({"bench", "make-trace", "--tokens", "200", "--layers", "3", "--heads", "4", "--kv-heads",
                              "2", "--map-size", "64", "--budget", "32", "-q", "-o", made},
                             write("heads.tsv", headsText(3, 4)))));
  expectDone(run({"validate", made}));
  const trace::Reader reader{made};
  std::vector<std::string> recorded;
  for (const trace::RunHeader& run : reader.header().runs) recorded.push_back(run.method);
  for (const std::string& name : methodNames()) EXPECT_THAT(recorded, testing::Contains(name));

  expectDone(run({"figure", "budget", made, "-o", path("budget.svg")}));
  std::ifstream sidecar(path("budget.svg.json"));
  const std::string text = nlohmann::json::parse(sidecar).dump();
  for (const std::string& name : methodNames()) EXPECT_THAT(text, HasSubstr("\"method\":\"" + name + "\""));
}

TEST_F(MethodRows, AreInTheHelp) {
  const Ended help = run({"capture", "--help"});
  expectDone(help);
  for (const policy::Method& method : policy::methods()) {
    EXPECT_THAT(help.out, HasSubstr("  " + std::string(method.name) + " ")) << "its name on its own line";
    for (const policy::ParameterSpec& parameter : method.parameters)
      EXPECT_THAT(help.out, HasSubstr(std::string(parameter.name) + "=" + std::string(parameter.default_value)));
  }
}

}  // namespace
}  // namespace kvatlas::app_test
