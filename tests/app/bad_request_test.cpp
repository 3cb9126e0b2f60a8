// Invalid command lines and prompts: wrong options, values and files. Each gives one error line that names it.
#include "tests/app/programme.h"

namespace kvatlas::app_test {
namespace {

class BadRequest : public ProgrammeTest {
 protected:
  // A valid request plus extra arguments.
  Words request(const Words& more) const {
    Words words = capture({"--model", bundledModel().string(), "--max-new-tokens", "2"});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Words textRequest(const Words& more) const {
    Words words = request(
        {"--text", "It is a truth universally acknowledged, that a single man in possession of a good fortune."});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  // Ends with this error and does not change the folder.
  void refuses(const Words& words, int exit_code, const Words& culprits, const RunEnvironment& environment = {}) const {
    const Words before = names();
    expectRefused(run(words, environment), exit_code, culprits);
    EXPECT_EQ(names(), before) << "a file was left behind";
  }
};

TEST_F(BadRequest, TheRequestItselfIsGood) {
  expectDone(run(textRequest({"--method", "snapkv", "--budget", "12"})));
  EXPECT_EQ(names(), Words{"out.kva.h5"});
}

// Prompts.
TEST_F(BadRequest, MissingPromptFile) {
  refuses(request({"--prompt", path("no.txt")}), 1, {path("no.txt"), "No such file"});
}
TEST_F(BadRequest, PromptIsAFolder) {
  refuses(request({"--prompt", folder().string()}), 1, {folder().string(), "folder"});
}
TEST_F(BadRequest, EmptyPromptFile) {
  refuses(request({"--prompt", write("empty.txt", "")}), 1, {"empty.txt", "empty"});
}
TEST_F(BadRequest, EmptyText) {
  refuses(request({"--text", ""}), 1, {"--text", "empty"});
}
TEST_F(BadRequest, NoPrompt) {
  refuses(request({}), 2, {"--prompt", "--text", "--ids"});
}
TEST_F(BadRequest, TwoPrompts) {
  refuses(request({"--text", "a", "--prompt", write("prompt.txt", "b")}), 2, {"exactly one", "--prompt", "--text"});
}
TEST_F(BadRequest, EmptyIds) {
  refuses(request({"--ids", write("empty.ids", " \n")}), 1, {"empty.ids", "empty"});
}
TEST_F(BadRequest, MissingIdsFile) {
  refuses(request({"--ids", path("no.ids")}), 1, {path("no.ids"), "No such file"});
}
TEST_F(BadRequest, IdsOutsideTheVocabulary) {
  refuses(request({"--ids", write("prompt.ids", "5 6 1024 7")}), 1, {"prompt.ids", "1024", "position 2", "vocabulary"});
}
TEST_F(BadRequest, IdsBeyondAnyInteger) {
  refuses(request({"--ids", write("prompt.ids", "5 99999999999999999999")}), 1, {"prompt.ids", "byte 2"});
}
TEST_F(BadRequest, NegativeIds) {
  refuses(request({"--ids", write("prompt.ids", "5 -6")}), 1, {"prompt.ids", "byte 2"});
}
TEST_F(BadRequest, FractionalIds) {
  refuses(request({"--ids", write("prompt.ids", "5 6.5")}), 1, {"prompt.ids", "byte 3"});
}
TEST_F(BadRequest, IdsWithWords) {
  refuses(request({"--ids", write("prompt.ids", "5 6 seven")}), 1, {"prompt.ids", "byte 4", "token id"});
}
TEST_F(BadRequest, TextWithoutATokenizer) {
  refuses(capture({"--model", smallModel().string(), "--text", "a"}), 1,
          {smallModel().string(), "has no tokenizer", "--ids"});
}
TEST_F(BadRequest, SpanThatDoesNotOccur) {
  refuses(textRequest({"--span", "needle=nothing of the kind"}), 2, {"--span", "needle"});
}
TEST_F(BadRequest, SpanWithoutAName) {
  refuses(textRequest({"--span", "universally"}), 2, {"--span", "NAME=TEXT"});
}
TEST_F(BadRequest, UnknownChatFamily) {
  refuses(textRequest({"--chat", "llama9"}), 2, {"'llama9'", "'llama3'"});
}

// Budgets and windows. The text has more than 12 and fewer than 100 tokens.
TEST_F(BadRequest, Budgets) {
  const std::vector<std::pair<std::string, Words>> cases{{"0", {"'0'", "above 0"}},
                                                         {"-5", {"-5"}},
                                                         {"abc", {"'abc'", "percentage"}},
                                                         {"150%", {"'150%'", "100 %"}},
                                                         {"-3%", {"-3%"}},
                                                         {"0%", {"'0%'"}},
                                                         {"", {"budget"}},
                                                         {"12x", {"'12x'"}},
                                                         {"99999999999999999999999", {"99999999999999999999999"}},
                                                         {"nan%", {"nan%"}},
                                                         {"1e3", {"1e3"}},
                                                         {"8", {"'8'", "window of 8"}},
                                                         {"3", {"'3'", "window of 8"}},
                                                         {"1%", {"'1%'", "window of 8"}}};
  for (const auto& [budget, culprits] : cases) {
    SCOPED_TRACE(budget);
    refuses(textRequest({"--method", "snapkv", "--budget=" + budget}), 2, culprits);
  }
}
TEST_F(BadRequest, Windows) {
  for (const char* window : {"0", "-1", "x", "1000000"})
    refuses(textRequest({"--window", window}), 2, {"--window", window});
}

// Unknown words: the error suggests the nearest ones.
TEST_F(BadRequest, UnknownMethod) {
  refuses(textRequest({"--method", "snapkw"}), 2, {"snapkw", "did you mean", "'snapkv'"});
}
TEST_F(BadRequest, UnknownMethodOfNoLikeness) {
  refuses(textRequest({"--method", "qqqqqqqq"}), 2, {"qqqqqqqq", "snapkv", "h2o"});
}
TEST_F(BadRequest, UnknownParameter) {
  refuses(textRequest({"--method", "snapkv:kernal=5"}), 2, {"snapkv", "kernal", "'kernel'"});
}
TEST_F(BadRequest, ParameterOutOfRange) {
  refuses(textRequest({"--method", "snapkv:kernel=4"}), 2, {"snapkv", "kernel", "4"});
}
TEST_F(BadRequest, ParameterWithoutValue) {
  refuses(textRequest({"--method", "snapkv:kernel"}), 2, {"kernel", "key=value"});
}
TEST_F(BadRequest, UnknownOption) {
  refuses(textRequest({"--bugdet", "12"}), 2, {"--bugdet", "unknown option", "--budget"});
}
TEST_F(BadRequest, UnknownOptionBesidesMissingOnes) {
  refuses({"capture", "--modle", "x"}, 2, {"--modle", "unknown option", "--model"});
}
TEST_F(BadRequest, UnknownOptionWithValue) {
  refuses(textRequest({"--bugdet=12"}), 2, {"--bugdet", "unknown option", "--budget"});
}
TEST_F(BadRequest, UnknownCommand) {
  refuses({"captur"}, 2, {"captur", "unknown command", "'capture'"});
}
TEST_F(BadRequest, UnknownOptionOfNoCommand) {
  refuses({"--verson"}, 2, {"--verson", "--version"});
}
TEST_F(BadRequest, NoCommand) {
  refuses({}, 2, {"command"});
}
TEST_F(BadRequest, StrayWord) {
  refuses(textRequest({"stray"}), 2, {"stray"});
}
TEST_F(BadRequest, MissingRequiredOption) {
  refuses({"capture", "--text", "a", "-o", trace()}, 2, {"--model"});
}
TEST_F(BadRequest, OptionWithoutValue) {
  refuses(textRequest({"--budget"}), 2, {"--budget"});
}
TEST_F(BadRequest, UnknownWords) {
  refuses(textRequest({"--dtype", "f23"}), 2, {"--dtype", "f23", "f32"});
  refuses(textRequest({"--device", "cdua"}), 2, {"--device", "cdua", "cuda"});
  refuses(textRequest({"--device", "cuda:x"}), 2, {"--device", "cuda:x"});
  refuses(textRequest({"--device", "cudas"}), 2, {"--device", "cudas"});
  refuses(textRequest({"--granularity", "kvhead"}), 2, {"--granularity", "kvhead", "'kv-head'"});
  refuses(textRequest({"--follow", "fulll"}), 2, {"--follow", "fulll", "'full'"});
  refuses(textRequest({"--preset", "papier"}), 2, {"--preset", "papier", "'paper'"});
}
TEST_F(BadRequest, LayersOutOfRange) {
  refuses(textRequest({"--layers", "0,6"}), 2, {"--layers", "6"});
  refuses(textRequest({"--layers", "-1"}), 2, {"--layers"});
  refuses(textRequest({"--layers", "0,one"}), 2, {"--layers", "one"});
}
TEST_F(BadRequest, NumbersOutOfRange) {
  refuses(textRequest({"--max-new-tokens", "-1"}), 2, {"--max-new-tokens"});
  refuses(textRequest({"--map-size", "-1"}), 2, {"--map-size"});
  refuses(textRequest({"--threads", "many"}), 2, {"--threads", "many"});
  refuses(textRequest({"--seed", "-1"}), 2, {"--seed"});
}

// Hides the devices from the driver, also on a machine that has one.
TEST_F(BadRequest, CudaWithoutADevice) {
  refuses(textRequest({"--device", "cuda"}), 1, {"--device cuda", "CUDA", "--device cpu"},
          {.environment = {"CUDA_VISIBLE_DEVICES=-1"}});
  refuses(textRequest({"--device", "cuda:1"}), 1, {"--device cuda:1", "CUDA"},
          {.environment = {"CUDA_VISIBLE_DEVICES=-1"}});
}

// --help and --version win over everything else, before anything is computed or written.
TEST_F(BadRequest, HelpAndVersion) {
  for (const Words& words : std::vector<Words>{
           {"--help"}, {"capture", "--help"}, {"generate", "--help"}, {"info", "--help"}, {"--version"}}) {
    const Ended ended = run(words);
    expectDone(ended);
    EXPECT_NE(ended.out.find("kvatlas"), std::string::npos) << words.front();
    EXPECT_EQ(ended.err, "");
  }
  const std::string help = run({"capture", "--help"}).out;
  for (const char* option :
       {"--model", "--prompt", "--text", "--ids", "--method", "--budget", "--window", "--granularity", "--preset",
        "--layers", "--map-size", "--keep-qk", "--max-new-tokens", "--follow", "--device", "--dtype", "--seed"})
    EXPECT_NE(help.find(option), std::string::npos) << option;
}

// The model has 4,096 positions: warns, then continues.
TEST_F(BadRequest, PromptBeyondTheModelsPositionsIsAWarning) {
  const std::string ids = write("long.ids", idsText(4150, 1024));
  const Ended ended =
      run(capture({"--model", bundledModel().string(), "--ids", ids, "--max-new-tokens", "1", "--map-size", "64"}));
  expectDone(ended);
  EXPECT_NE(ended.err.find("kvatlas: warning:"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("4096"), std::string::npos) << ended.err;
  EXPECT_TRUE(std::filesystem::exists(trace()));
}

}  // namespace
}  // namespace kvatlas::app_test
