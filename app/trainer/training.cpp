#include "app/trainer/training.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>

#include "app/trainer/bpe_trainer.h"
#include "app/trainer/checkpoint.h"
#include "app/trainer/lesson.h"
#include "app/trainer/measure.h"
#include "app/trainer/optimiser.h"
#include "app/trainer/training_log.h"
#include "capture/session/device/device.h"
#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::trainer {
namespace {

constexpr std::array<std::size_t, 6> kQuizLengths{256, 512, 1024, 2048, 4096, 8192};
constexpr std::size_t kQuizTrials = 12, kTextWindows = 12, kTextWindow = 1024;
constexpr std::uint64_t kReportEvery = 10;

struct Texts {
  std::vector<TextFile> training, held_out;
};

Texts splitTexts(const Recipe& recipe, const std::filesystem::path& folder) {
  Texts texts;
  for (TextFile& file : readTexts(folder)) {
    const bool held = std::ranges::find(recipe.held_out, file.name) != recipe.held_out.end();
    (held ? texts.held_out : texts.training).push_back(std::move(file));
  }
  if (texts.training.empty() || texts.held_out.empty())
    fail("{}: needs texts to train on and at least one of those held out", folder.string());
  return texts;
}

text::Tokenizer prepareTokenizer(const Recipe& recipe, const Texts& texts, const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / "tokenizer.json")) {
    std::vector<std::string> training;
    for (const TextFile& file : texts.training) training.push_back(file.text);
    writeTokenizer(learnBytePairs(training, recipe.model.vocabulary), recipe.model.positions, folder);
  }
  text::Tokenizer tokenizer = text::Tokenizer::load(folder);
  if (tokenizer.vocabularySize() > recipe.model.vocabulary || !tokenizer.bos())
    fail("{}: its tokenizer has {} pieces, the recipe {}", folder.string(), tokenizer.vocabularySize(),
         recipe.model.vocabulary);
  return tokenizer;
}

at::ScalarType computeType(const std::string& word, at::Device device) {
  if (word == "f32") return at::kFloat;
  if (word == "bf16") return at::kBFloat16;
  if (word != "auto") failUsage("--compute {}: expected auto, f32 or bf16", word);
  return device.is_cuda() || __builtin_cpu_supports("avx512bf16") ? at::kBFloat16 : at::kFloat;
}

std::vector<std::string> measuredColumns(std::uint32_t positions) {
  std::vector<std::string> columns{"heldout_bits_per_byte"};
  for (const std::size_t length : kQuizLengths)
    if (length <= positions) columns.push_back(fmt::format("accuracy_{}", length));
  for (const char* name : {"question_accuracy", "two_facts_accuracy", "four_of_forty_accuracy"})
    columns.emplace_back(name);
  return columns;
}

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Sums of losses and token counts by role since the last report, in the checkpoint's order.
struct LossSums {
  std::vector<double> values = std::vector<double>(2 * kRoles);
  void add(Role role, double sum, double count) {
    values[static_cast<std::size_t>(role)] += sum;
    values[kRoles + static_cast<std::size_t>(role)] += count;
  }
  [[nodiscard]] double mean(Role role) const {
    const double count = values[kRoles + static_cast<std::size_t>(role)];
    return count == 0 ? std::numeric_limits<double>::quiet_NaN() : values[static_cast<std::size_t>(role)] / count;
  }
};

class Run {
 public:
  Run(const TrainingOptions& options, const WorkContext& work)
      : m_options(options),
        m_work(work),
        m_recipe(loadRecipe(options.recipe)),
        m_device(capture::chooseDevice(options.device, "f32", m_dtype_name).device),
        m_compute(computeType(options.compute, m_device)),
        m_texts(splitTexts(m_recipe, options.texts)),
        m_tokenizer(prepareTokenizer(m_recipe, m_texts, options.output)),
        m_passages(encodeTexts(m_texts.training, m_tokenizer)),
        m_held_out(encodeTexts(m_texts.held_out, m_tokenizer)),
        m_tasks(m_passages, m_tokenizer, m_recipe.seed),
        m_parameters(initialParameters(m_recipe.model, m_recipe.seed, m_device)),
        m_network(m_recipe.model, m_parameters, m_compute),
        m_optimiser(m_recipe.optimiser, m_parameters, m_compute) {
    if (!options.from.empty()) readModel(options.from, m_recipe.model, m_parameters);
    m_fingerprint = fingerprint();
    if (const auto resumed =
            loadCheckpoint(options.output, m_parameters, m_optimiser, m_fingerprint, options.change_recipe)) {
      m_at = *resumed;
      if (m_at.running.size() == m_sums.values.size()) m_sums.values = m_at.running;
    }
  }

  void train() {
    TrainingLog log(m_options.output / "log.csv", measuredColumns(m_recipe.model.positions), m_at.step);
    const std::uint64_t total = m_recipe.totalSteps();
    const std::uint64_t until = m_options.stop_after == 0 ? total : std::min(total, m_at.step + m_options.stop_after);
    std::fprintf(stderr, "%s", describe().c_str());
    double started = seconds();
    for (; m_at.step < until;) {
      const StagePosition position = positionOf(m_recipe, m_at.step);
      const Stage& stage = m_recipe.stages[position.stage];
      trainStep(stage, position);
      ++m_at.step;
      m_at.tokens += std::uint64_t{stage.batch} * stage.sequence;
      const double now = seconds();
      m_at.seconds += now - started;
      started = now;
      const bool last = m_at.step == total, stop = m_work.stop.stop_requested();
      if (m_at.step % kReportEvery == 0 || last)
        report(log, stage, position, m_at.step % m_recipe.evaluate_every == 0 || last);
      if (m_at.step % m_recipe.checkpoint_every == 0 || last || stop || m_at.step == until) save();
      if (stop) throw Cancelled(fmt::format("stopped after step {}; the same command resumes there", m_at.step));
    }
  }

 private:
  [[nodiscard]] std::string fingerprint() const {
    std::uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a
    const auto add = [&](std::string_view bytes) {
      for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    };
    add(m_recipe.source);
    for (const auto* files : {&m_texts.training, &m_texts.held_out})
      for (const TextFile& file : *files) add(file.name), add(file.text);
    return fmt::format("{:016x}", hash);
  }

  [[nodiscard]] std::string describe() {
    std::int64_t count = 0;
    for (const auto& [name, tensor] : m_parameters.all()) count += tensor->numel();
    return fmt::format("{:.2f} M parameters, {} training tokens, {} held out, {} steps, matrix products in {}\n",
                       static_cast<double>(count) / 1e6, m_passages.ids.size(), m_held_out.ids.size(),
                       m_recipe.totalSteps(), m_compute == at::kFloat ? "f32" : "bf16");
  }

  void trainStep(const Stage& stage, const StagePosition& position) {
    const std::vector<Row> rows = m_tasks.batch(stage, m_at.step);
    std::vector<std::vector<TokenId>> ids;
    std::vector<std::int64_t> places;
    std::vector<std::uint8_t> roles;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      ids.push_back(rows[r].ids);
      for (std::size_t i = 1; i < rows[r].ids.size(); ++i) {
        if (rows[r].roles[i] == Role::None) continue;
        places.push_back(static_cast<std::int64_t>(r * stage.sequence + i - 1));
        roles.push_back(static_cast<std::uint8_t>(rows[r].roles[i]));
      }
    }
    const at::Tensor all = idTensor(ids, m_device), inputs = all.narrow(1, 0, stage.sequence);
    const double lesson = stage.lesson_first + (stage.lesson_last - stage.lesson_first) * position.part;
    std::vector<Watched> watched;
    const at::Tensor hidden =
        m_network.hidden(inputs, lesson > 0 ? lessonLayers(m_recipe.lesson) : std::vector<std::uint32_t>{}, watched);
    const at::Tensor where = at::tensor(places).to(m_device);
    const at::Tensor targets = all.narrow(1, 1, stage.sequence).reshape({-1}).index_select(0, where);
    const at::Tensor logits = m_network.logits(hidden.reshape({-1, hidden.size(-1)}).index_select(0, where));
    const at::Tensor losses = at::cross_entropy_loss(logits, targets, {}, at::Reduction::None);
    at::Tensor loss = weighted(losses, roles);
    if (lesson > 0) loss = loss + lesson * lessonLoss(m_recipe.lesson, m_recipe.model, watched, inputs);
    if (!std::isfinite(loss.item<double>()))
      fail("the loss is not finite at step {}; lower the rates of the recipe", m_at.step);
    loss.backward();
    m_optimiser.step(m_at.step, stage.rate_first + (stage.rate_last - stage.rate_first) * position.part);
  }

  // The sum of each role's mean, so that a long text does not outweigh the few tokens of its answers.
  at::Tensor weighted(const at::Tensor& losses, const std::vector<std::uint8_t>& roles) {
    const at::Tensor role =
        at::from_blob(const_cast<std::uint8_t*>(roles.data()), {static_cast<std::int64_t>(roles.size())}, at::kByte)
            .to(m_device);
    at::Tensor total = at::zeros({}, losses.options());
    for (const Role r : {Role::Text, Role::Answer, Role::Repeat}) {
      const at::Tensor mask = role.eq(static_cast<std::int64_t>(r)).to(at::kFloat), sum = (losses * mask).sum();
      const double count = mask.sum().item<double>();
      if (count == 0) continue;
      total = total + sum / count;
      m_sums.add(r, sum.item<double>(), count);
    }
    return total;
  }

  void report(TrainingLog& log, const Stage& stage, const StagePosition& position, bool measure) {
    const double rate = stage.rate_first + (stage.rate_last - stage.rate_first) * position.part;
    LogLine line{m_at.step,
                 m_at.tokens,
                 stage.name,
                 stage.sequence,
                 rate,
                 m_sums.mean(Role::Text),
                 m_sums.mean(Role::Answer),
                 m_sums.mean(Role::Repeat),
                 {},
                 m_at.seconds};
    if (measure) line.measured = measureAll(stage);
    log.append(line);
    std::string text =
        fmt::format("step {}/{} {} ({} tokens) text {:.3f} answer {:.3f} repeat {:.3f}", m_at.step,
                    m_recipe.totalSteps(), stage.name, stage.sequence, line.text, line.answer, line.repeat);
    for (const auto& [name, value] : line.measured) text += fmt::format(" {} {:.3f}", name, value);
    std::fprintf(stderr, "%s, %.0f s\n", text.c_str(), m_at.seconds);
    m_sums = {};
  }

  // Measures up to twice the length trained on so far.
  std::map<std::string, double> measureAll(const Stage& stage) {
    std::map<std::string, double> results;
    const auto quiz = [&](Quiz kind, std::size_t length) {
      return retrieval(m_network, m_held_out, m_tokenizer, kind, length, kQuizTrials, m_device);
    };
    const std::size_t window = std::min<std::size_t>(kTextWindow, std::max<std::size_t>(stage.sequence, 256));
    results["heldout_bits_per_byte"] =
        bitsPerByte(m_network, m_held_out, m_tokenizer.bos().value(), window, kTextWindows, m_device);
    for (const std::size_t length : kQuizLengths)
      if (length <= m_recipe.model.positions && length <= 2 * stage.sequence)
        results[fmt::format("accuracy_{}", length)] = quiz(Quiz::Completion, length);
    results["question_accuracy"] = quiz(Quiz::Question, 256);
    results["two_facts_accuracy"] = quiz(Quiz::TwoFacts, 256);
    if (stage.sequence >= 1024)
      results["four_of_forty_accuracy"] = quiz(Quiz::FourOfForty, std::min<std::size_t>(2048, 2 * stage.sequence));
    return results;
  }

  void save() {
    m_at.running = m_sums.values;
    saveCheckpoint(m_options.output, m_parameters, m_optimiser, m_at, m_fingerprint);
    writeModel(m_options.output, m_recipe.model, m_parameters);
  }

  const TrainingOptions& m_options;
  const WorkContext& m_work;
  Recipe m_recipe;
  std::string m_dtype_name;
  at::Device m_device;
  at::ScalarType m_compute;
  Texts m_texts;
  text::Tokenizer m_tokenizer;
  Passages m_passages, m_held_out;
  TaskMaker m_tasks;
  Parameters m_parameters;
  Network m_network;
  Optimiser m_optimiser;
  std::string m_fingerprint;
  Resumed m_at;
  LossSums m_sums;
};

}  // namespace

void train(const TrainingOptions& options, const WorkContext& work) {
  std::error_code error;
  std::filesystem::create_directories(options.output, error);
  if (error) fail("{}: {}", options.output.string(), error.message());
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  Run(options, work).train();
}

}  // namespace kvatlas::trainer
