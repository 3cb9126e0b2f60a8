#include "app/cli/commands/tokenize_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/json_depth.h"
#include "core/base/json_field.h"
#include "core/text/tokenizer.h"

namespace kvatlas::app {
namespace {

using text::Tokenizer;

constexpr std::size_t kMostText = std::size_t{1} << 28;  // of a text; lines come one by one

struct TokenizeOptions {
  std::string folder;
  bool jsonl = false;
  bool no_special = false;
};

// Calls take(bytes) for all of standard input, piece by piece.
template <class Take>
void readStandardInput(const Take& take) {
  std::vector<char> buffer(std::size_t{1} << 16);
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), stdin))
    take(std::string_view(buffer.data(), count));
  if (std::ferror(stdin)) fail("standard input: cannot be read to the end");
}

void append(std::string& bytes, std::string_view more, std::string_view what) {
  if (bytes.size() + more.size() > kMostText) fail("{}: more than {} MB", what, kMostText >> 20U);
  bytes += more;
}

std::string readStandardInput() {
  std::string bytes;
  readStandardInput([&](std::string_view more) { append(bytes, more, "standard input"); });
  return bytes;
}

void print(std::string_view bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), stdout);
}

// Calls convert(line, where) for each line of standard input and prints what it returns, one line each.
template <class Convert>
void convertLines(const Convert& convert) {
  std::size_t number = 0;
  std::string line;
  const auto where = [&] { return fmt::format("standard input, line {}", number + 1); };
  const auto finish = [&] {
    print(convert(parseJson(line, where(), kMostJsonLevels), where()).dump() + "\n");
    line.clear();
    ++number;
  };
  readStandardInput([&](std::string_view more) {
    for (std::size_t end = 0; (end = more.find('\n')) != std::string_view::npos; more.remove_prefix(end + 1)) {
      append(line, more.substr(0, end), where());
      finish();
    }
    append(line, more, where());
  });
  if (!line.empty()) finish();
}

TokenId readId(std::string_view word, std::string_view where) {
  TokenId id = 0;
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), id);
  if (code != std::errc{} || end != word.data() + word.size()) fail("{}: '{}' is not a token id", where, word);
  return id;
}

std::vector<TokenId> readIds(std::string_view input) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  std::vector<TokenId> ids;
  for (std::size_t begin = input.find_first_not_of(kBlanks); begin != input.npos;) {
    const std::size_t end = std::min(input.find_first_of(kBlanks, begin), input.size());
    ids.push_back(readId(input.substr(begin, end - begin), "standard input"));
    begin = input.find_first_not_of(kBlanks, end);
  }
  return ids;
}

std::vector<TokenId> readIds(const nlohmann::json& line, const std::string& where) {
  if (!line.is_array()) fail("{}: expected a list of token ids", where);
  std::vector<TokenId> ids;
  for (const nlohmann::json& id : line) ids.push_back(readId(id.dump(), where));
  return ids;
}

void tokenize(const TokenizeOptions& options) {
  const Tokenizer tokenizer = Tokenizer::load(options.folder);
  if (!options.jsonl) {
    const std::vector<TokenId> ids = tokenizer.encode(readStandardInput(), !options.no_special).ids;
    print(fmt::format("{}\n", fmt::join(ids, " ")));
    return;
  }
  convertLines([&](const nlohmann::json& line, const std::string& where) {
    if (!line.is_string()) fail("{}: expected a JSON string", where);
    return nlohmann::json(tokenizer.encode(line.get_ref<const std::string&>(), !options.no_special).ids);
  });
}

// Typed ids are checked; only a model's own may lie beyond its tokenizer.
std::vector<TokenId> known(const Tokenizer& tokenizer, std::vector<TokenId> ids, const std::string& where) {
  for (const TokenId id : ids)
    if (!tokenizer.has(id))
      fail("{}: the id {} is not in the vocabulary of {} pieces", where, id, tokenizer.vocabularySize());
  return ids;
}

void detokenize(const TokenizeOptions& options) {
  const Tokenizer tokenizer = Tokenizer::load(options.folder);
  if (!options.jsonl) {
    print(tokenizer.decode(known(tokenizer, readIds(readStandardInput()), "standard input"), options.no_special));
    return;
  }
  convertLines([&](const nlohmann::json& line, const std::string& where) {
    return nlohmann::json(tokenizer.decode(known(tokenizer, readIds(line, where), where), options.no_special));
  });
}

void addCommand(CLI::App& root, const std::string& name, const std::string& description, const std::string& jsonl,
                const std::string& no_special, void (*command)(const TokenizeOptions&)) {
  CLI::App& app = *root.add_subcommand(name, description);
  const auto options = std::make_shared<TokenizeOptions>();
  app.add_option("--tokenizer", options->folder, "folder with tokenizer.json, the file itself, or a GGUF file")
      ->required()
      ->type_name("PATH");
  app.add_flag("--jsonl", options->jsonl, jsonl);
  app.add_flag("--no-special", options->no_special, no_special);
  app.callback([options, command] { command(*options); });
}

}  // namespace

void addTokenizeCommands(CLI::App& root) {
  addCommand(root, "tokenize", "convert text on standard input to token ids",
             "read one JSON string per line, print one list of ids per line", "add no special tokens (BOS, EOS)",
             tokenize);
  addCommand(root, "detokenize", "convert token ids on standard input to text",
             "read one list of ids per line, print one JSON string per line", "skip special tokens", detokenize);
}

}  // namespace kvatlas::app
