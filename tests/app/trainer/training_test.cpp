#include "app/trainer/training.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "app/trainer/checkpoint.h"
#include "app/trainer/measure.h"
#include "capture/model/decoder.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::trainer {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr const char* kRecipe = R"({
  "model": {"layers": 3, "hidden": 32, "intermediate": 48, "query_heads": 4, "kv_heads": 2, "head_dim": 8, "vocabulary": 400, "positions": 256},
  "held_out": ["kellynch"], "seed": 5, "evaluate_every": 4, "checkpoint_every": 3,
  "lesson": {"previous_layers": [0], "induction_layers": [1]},
  "optimiser": {"warm_up_steps": 2},
  "stages": [{"name": "one", "sequence": 96, "batch": 2, "steps": 5, "repeats": 0.4, "text": 0.3, "lesson_first": 0.3, "most_facts": 2},
             {"name": "two", "sequence": 128, "batch": 2, "steps": 4, "rate_first": 0.5, "rate_last": 0.1, "most_facts": 2}]})";

// The folder's texts: the first part of a novel to train on, another text held out.
class Training : public testing::Test {
 protected:
  Training() {
    std::filesystem::create_directories(folder / "texts");
    const std::string novel = readFile(KVATLAS_SOURCE_DIR "/resources/samples/persuasion.txt").substr(0, 60000);
    folder.write("texts/novel.txt", novel);
    std::filesystem::copy_file(KVATLAS_SOURCE_DIR "/resources/samples/kellynch.txt", folder / "texts/kellynch.txt");
    folder.write("recipe.json", kRecipe);
  }
  [[nodiscard]] TrainingOptions options(const std::string& output) const {
    TrainingOptions options;
    options.texts = folder / "texts";
    options.recipe = folder / "recipe.json";
    options.output = folder / output;
    options.device = "cpu";
    options.compute = "f32";
    options.threads = 1;
    return options;
  }
  // log.csv without the last column, the seconds.
  [[nodiscard]] std::string logOf(const std::string& output) const {
    std::istringstream lines(readFile(folder / output / "log.csv"));
    std::string all, line;
    while (std::getline(lines, line)) all += line.substr(0, line.rfind(',')) + "\n";
    return all;
  }

  test::ScratchFolder folder;
};

TEST_F(Training, StoppedAndStartedAgainEndsWithTheSameBytes) {
  train(options("whole"), {});
  for (const std::uint64_t steps : {4, 2, 3}) {
    TrainingOptions part = options("parts");
    part.stop_after = steps;
    train(part, {});
  }
  for (const char* file : {"model.safetensors", "tokenizer.json", "config.json", "tokenizer_config.json"})
    EXPECT_EQ(readFile(folder / "whole" / file), readFile(folder / "parts" / file)) << file;
  std::stop_source stop;
  stop.request_stop();
  train(options("parts"), {.stop = stop.get_token()});  // already finished
}

TEST_F(Training, AStopSavesWhatWasDone) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(train(options("out"), {.stop = stop.get_token()}), Cancelled);
  train(options("out"), {});
  train(options("whole"), {});
  EXPECT_EQ(readFile(folder / "whole/model.safetensors"), readFile(folder / "out/model.safetensors"));
  EXPECT_EQ(logOf("whole"), logOf("out"));
}

TEST_F(Training, AnotherRecipeIsRefusedUntilAllowed) {
  TrainingOptions first = options("out");
  first.stop_after = 3;
  train(first, {});
  std::string other = kRecipe;
  other.replace(other.find("\"steps\": 4"), 10, "\"steps\": 2");
  folder.write("recipe.json", other);
  EXPECT_THAT([&] { train(options("out"), {}); }, ThrowsMessage<Error>(HasSubstr("--change-recipe")));
  TrainingOptions changed = options("out");
  changed.change_recipe = true;
  EXPECT_NO_THROW(train(changed, {}));
  EXPECT_THAT(readFile(folder / "out/log.csv"), HasSubstr("\n7,"));
}

// The trained function and KVAtlas's decoder are separate implementations; they must agree on the written model.
TEST_F(Training, TheWrittenModelIsTheTrainedOne) {
  train(options("out"), {});
  const Recipe recipe = loadRecipe(folder / "recipe.json");
  Parameters parameters = initialParameters(recipe.model, 99, at::kCPU);
  readModel(folder / "out", recipe.model, parameters);
  const Network network(recipe.model, parameters, at::kFloat);
  const at::NoGradGuard no_grad;
  const std::vector<TokenId> ids{0, 301, 5, 77, 260, 5, 77, 399, 12, 13, 14, 260, 5};
  std::vector<Watched> unwatched;
  const at::Tensor mine = network.logits(network.hidden(idTensor(std::span(&ids, 1), at::kCPU), {}, unwatched)[0]);
  const capture::Decoder decoder = capture::Decoder::load(folder / "out", {}, {});
  const at::Tensor theirs = decoder.allLogits(ids);
  EXPECT_LT((mine - theirs).abs().max().item<double>(), 1e-4 * theirs.abs().max().item<double>());
}

TEST_F(Training, LearnsARowByHeart) {
  ModelShape shape{.layers = 2,
                   .hidden = 32,
                   .intermediate = 64,
                   .query_heads = 4,
                   .kv_heads = 2,
                   .head_dim = 8,
                   .vocabulary = 300,
                   .positions = 64};
  Parameters parameters = initialParameters(shape, 1, at::kCPU);
  const Network network(shape, parameters, at::kFloat);
  OptimiserPlan plan;
  plan.warm_up_steps = 5;
  Optimiser optimiser(plan, parameters, at::kFloat);
  std::vector<TokenId> row;
  for (std::uint32_t i = 0; i < 33; ++i) row.push_back((i * i * 7 + 3) % 300);
  const at::Tensor ids = idTensor(std::span(&row, 1), at::kCPU);
  double first = 0, loss_now = 0;
  for (std::uint64_t step = 0; step < 150; ++step) {
    std::vector<Watched> unwatched;
    const at::Tensor loss = at::cross_entropy_loss(
        network.logits(network.hidden(ids.narrow(1, 0, 32), {}, unwatched)[0]), ids[0].narrow(0, 1, 32));
    loss_now = loss.item<double>();
    if (step == 0) first = loss_now;
    loss.backward();
    optimiser.step(step, 1 - static_cast<double>(step) / 150);
  }
  EXPECT_NEAR(first, std::log(300), 0.3);  // untrained: every piece equally likely
  EXPECT_LT(loss_now, 0.4);
}

TEST_F(Training, BadFoldersAndFilesAreNamed) {
  TrainingOptions bad = options("out");
  bad.texts = folder / "nowhere";
  EXPECT_THAT([&] { train(bad, {}); }, ThrowsMessage<Error>(HasSubstr("nowhere")));
  std::filesystem::create_directories(folder / "empty");
  bad.texts = folder / "empty";
  EXPECT_THAT([&] { train(bad, {}); }, ThrowsMessage<Error>(HasSubstr("no .txt files")));
  TrainingOptions broken = options("broken");
  std::filesystem::create_directories(folder / "broken");
  folder.write("broken/checkpoint.safetensors", "not a checkpoint");
  EXPECT_THAT([&] { train(broken, {}); }, ThrowsMessage<Error>(HasSubstr("checkpoint.safetensors")));
  TrainingOptions from = options("from");
  from.from = KVATLAS_SOURCE_DIR "/tests/data/models/llama2-gqa";
  EXPECT_THAT([&] { train(from, {}); }, ThrowsMessage<Error>(HasSubstr("model.embed_tokens.weight")));
}

TEST_F(Training, TheProgrammeSaysHowItIsUsed) {
  const std::string programme = KVATLAS_BINARY_DIR "/bin/kvatlas-train";
  EXPECT_EQ(WEXITSTATUS(std::system((programme + " --version >/dev/null").c_str())), 0);
  EXPECT_EQ(WEXITSTATUS(std::system((programme + " >/dev/null 2>&1").c_str())), 2);
  EXPECT_EQ(WEXITSTATUS(std::system(
                (programme + " --texts /nowhere --recipe /nowhere.json -o " + (folder / "o").string() + " 2>/dev/null")
                    .c_str())),
            1);
}

}  // namespace
}  // namespace kvatlas::trainer
