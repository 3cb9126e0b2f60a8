// Every named method at one budget in one capture: the time and the cache of each.
#include <fmt/format.h>

#include "app/cli/bench/bench_capture.h"
#include "app/cli/bench/child_run.h"
#include "core/base/files.h"
#include "core/policy/parameters.h"
#include "core/trace/reader.h"

namespace kvatlas::app {
namespace {

namespace fs = std::filesystem;

// As a user would name it: with an expression, and with a table where one is needed.
std::string requestFor(const policy::Method& method, const fs::path& heads) {
  std::string name(method.name);
  if (method.parts.score == "expression") return name + ":window_sum * value_norm";
  if (policy::findParameter(method, "heads") != nullptr) return name + ":heads=" + heads.string();
  return name;
}

// Some heads score high, most low.
fs::path writeHeads(const Scratch& scratch, const ModelSizes& sizes) {
  std::string text;
  for (std::uint64_t layer = 0; layer < sizes.layers; ++layer)
    for (std::uint64_t head = 0; head < sizes.query_heads; ++head)
      text += fmt::format("{}{}", (7 * layer + 3 * head) % 11 == 0 ? "0.9" : "0.1",
                          head + 1 == sizes.query_heads ? "\n" : " ");
  writeFileAtomically(scratch.folder / "heads.tsv", text);
  return scratch.folder / "heads.tsv";
}

}  // namespace

void benchMethods(const BenchArguments& arguments) {
  const Scratch scratch;
  const fs::path model = modelFolder(arguments.model), ids = writeIds(scratch, model, arguments.tokens),
                 trace = scratch.folder / "trace.kva.h5", heads = writeHeads(scratch, modelSizes(model));
  std::vector<std::string> words{"capture",
                                 "--quiet",
                                 "--force",
                                 "--model",
                                 model.string(),
                                 "--ids",
                                 ids.string(),
                                 "--max-new-tokens",
                                 std::to_string(arguments.new_tokens),
                                 "--budget",
                                 "10%",
                                 "-o",
                                 trace.string()};
  std::vector<std::string> all = words;
  for (const policy::Method& method : policy::methods())
    if (method.name != "full") all.insert(all.end(), {"--method", requestFor(method, heads)});
  std::vector<double> alone, together, ratios, processor_ratios;
  for (std::uint32_t i = 0; i < arguments.repeat; ++i) {
    const ChildRun full = runKvatlas(words), both = runKvatlas(all);
    alone.push_back(full.wall_seconds);
    together.push_back(both.wall_seconds);
    ratios.push_back(both.wall_seconds / full.wall_seconds);
    processor_ratios.push_back(both.processor_seconds / full.processor_seconds);
  }
  printMachine(fmt::format("{}; {} tokens, {} new, budget 10 %, {} runs (medians)", model.filename().string(),
                           arguments.tokens, arguments.new_tokens, arguments.repeat));
  const trace::Reader reader(trace);
  fmt::print("| method | seconds of its own | cache, MB | of full |\n|---|---|---|---|\n");
  const auto shared = reader.run(0, trace::RunParts::WithoutPositions);
  for (std::size_t run = 0; run < reader.header().runs.size(); ++run) {
    const auto record = reader.run(run, trace::RunParts::WithoutPositions);
    fmt::print("| {} | {:.3f} | {:.2f} | {:.3f} |\n", reader.header().runs[run].method,
               std::max(0.0, record->seconds - shared->seconds), static_cast<double>(record->cache_bytes) / 1e6,
               static_cast<double>(record->cache_bytes) / static_cast<double>(shared->cache_bytes));
  }
  fmt::print("\nfull alone {:.2f} s; full and {} methods {:.2f} s: {:.2f} × full alone, {:.2f} × in processor time\n",
             median(alone), reader.header().runs.size() - 1, median(together), median(ratios),
             median(processor_ratios));
  printLoad();
}

}  // namespace kvatlas::app
