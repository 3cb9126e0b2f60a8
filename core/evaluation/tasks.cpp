#include <array>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/suggest.h"
#include "core/evaluation/longbench/longbench_settings.h"
#include "core/evaluation/longbench/longbench_task.h"
#include "core/evaluation/needle_task.h"
#include "core/evaluation/questions/questions_task.h"
#include "core/evaluation/ruler/ruler_settings.h"
#include "core/evaluation/ruler/ruler_task.h"
#include "core/evaluation/task.h"

namespace kvatlas::evaluation {
namespace {

struct TaskRow {
  std::string_view name;
  std::vector<std::string> sources;  // of which each run has some
  std::unique_ptr<Task> (*open)(const TaskRequest&, const TaskModel&, Progress&);
};

const std::vector<TaskRow>& tasks() {
  static const std::vector<TaskRow> rows{
      {results::kNeedleTask, {kHaystackSource}, openNeedleTask},
      {kLongBenchTask, {kDataSource}, openLongBenchTask},
      {kRulerTask, {kDataSource, kHaystackSource, kSquadSource, kHotpotSource}, openRulerTask},
      {kQuestionsTask, {kDataSource}, openQuestionsTask}};
  return rows;
}

const TaskRow& rowOf(std::string_view task) {
  std::vector<std::string> names;
  for (const TaskRow& row : tasks()) {
    if (row.name == task) return row;
    names.emplace_back(row.name);
  }
  failUsage("task '{}': unknown{}", task, suggestion(task, names));
}

}  // namespace

std::unique_ptr<Task> openTask(const TaskRequest& request, const TaskModel& model, Progress& progress) {
  return rowOf(request.name).open(request, model, progress);
}

std::vector<std::string> sourcesOf(std::string_view task, const nlohmann::json& settings) {
  std::vector<std::string> names = rowOf(task).sources;
  std::erase_if(names, [&](const std::string& name) { return !settings.contains(name); });
  return names;
}

std::string hashOfIds(std::span<const TokenId> ids) {
  Sha256 sha;
  for (const TokenId id : ids) {
    std::array<unsigned char, 4> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(id >> (8 * i));
    sha.add(bytes.data(), bytes.size());
  }
  return sha.hex();
}

}  // namespace kvatlas::evaluation
