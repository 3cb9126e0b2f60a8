#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/suggest.h"
#include "core/evaluation/needle_task.h"
#include "core/evaluation/task.h"

namespace kvatlas::evaluation {
namespace {

struct TaskRow {
  std::string_view name;
  std::string_view source;  // the name of what it reads
  std::unique_ptr<Task> (*open)(const TaskRequest&, const TaskModel&, Progress&);
};

constexpr std::array kTasks{TaskRow{results::kNeedleTask, kHaystackSource, openNeedleTask}};

const TaskRow& rowOf(std::string_view task) {
  const auto* const row = std::ranges::find(kTasks, task, &TaskRow::name);
  if (row != kTasks.end()) return *row;
  std::vector<std::string> names;
  for (const TaskRow& known : kTasks) names.emplace_back(known.name);
  failUsage("task '{}': unknown{}", task, suggestion(task, names));
}

}  // namespace

std::unique_ptr<Task> openTask(const TaskRequest& request, const TaskModel& model, Progress& progress) {
  return rowOf(request.name).open(request, model, progress);
}

std::vector<std::string> sourcesOf(std::string_view task) {
  return {std::string(rowOf(task).source)};
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
