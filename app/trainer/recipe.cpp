#include "app/trainer/recipe.h"

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::trainer {
namespace {

using nlohmann::json;

// Reads the fields of one JSON object; a field left over is a spelling mistake.
class Fields {
 public:
  Fields(json object, std::string where) : m_object(std::move(object)), m_where(std::move(where)) {
    if (!m_object.is_object()) fail("{}: expected an object", m_where);
  }

  template <class T>
  void take(const char* name, T& value) {
    const auto found = m_object.find(name);
    if (found == m_object.end()) return;
    try {
      value = found->get<T>();
    } catch (const json::exception&) {
      fail("{}.{}: a value of the wrong type, {}", m_where, name, found->dump());
    }
    if constexpr (std::is_unsigned_v<T>) {
      if (!found->is_number_unsigned() || found->get<std::uint64_t>() != value)
        fail("{}.{}: expected a whole number, not {}", m_where, name, found->dump());
    }
    m_object.erase(found);
  }

  [[nodiscard]] json takeAny(const char* name, json otherwise) {
    json value = m_object.value(name, std::move(otherwise));
    m_object.erase(name);
    return value;
  }

  void finish() const {
    if (!m_object.empty()) fail("{}: unknown field \"{}\"", m_where, m_object.begin().key());
  }

 private:
  json m_object;
  std::string m_where;
};

ModelShape parseModel(const json& object, const std::string& where) {
  ModelShape shape;
  Fields fields(object, where);
  fields.take("layers", shape.layers);
  fields.take("hidden", shape.hidden);
  fields.take("intermediate", shape.intermediate);
  fields.take("query_heads", shape.query_heads);
  fields.take("kv_heads", shape.kv_heads);
  fields.take("head_dim", shape.head_dim);
  fields.take("vocabulary", shape.vocabulary);
  fields.take("positions", shape.positions);
  fields.take("rope_theta", shape.rope_theta);
  fields.take("norm_eps", shape.norm_eps);
  fields.finish();
  for (const std::uint32_t size :
       {shape.layers, shape.hidden, shape.intermediate, shape.kv_heads, shape.head_dim, shape.positions})
    if (size == 0 || size > 1U << 20) fail("{}: every size must be between 1 and 1,048,576", where);
  if (shape.query_heads == 0 || shape.query_heads % shape.kv_heads != 0)
    fail("{}: kv_heads must divide query_heads", where);
  if (shape.head_dim % 2 != 0) fail("{}.head_dim: must be even, not {}", where, shape.head_dim);
  if (shape.vocabulary < 300 || shape.vocabulary > 65536)
    fail("{}.vocabulary: must be 300 to 65,536, not {}", where, shape.vocabulary);
  return shape;
}

OptimiserPlan parseOptimiser(const json& object, const std::string& where) {
  OptimiserPlan plan;
  Fields fields(object, where);
  fields.take("matrix_rate", plan.matrix_rate);
  fields.take("vector_rate", plan.vector_rate);
  fields.take("momentum", plan.momentum);
  fields.take("beta1", plan.beta1);
  fields.take("beta2", plan.beta2);
  fields.take("decay", plan.decay);
  fields.take("clip", plan.clip);
  fields.take("warm_up_steps", plan.warm_up_steps);
  fields.finish();
  return plan;
}

Stage parseStage(const json& object, const std::string& where, const ModelShape& model) {
  Stage stage;
  Fields fields(object, where);
  fields.take("name", stage.name);
  fields.take("sequence", stage.sequence);
  fields.take("batch", stage.batch);
  fields.take("steps", stage.steps);
  fields.take("repeats", stage.repeats);
  fields.take("text", stage.text);
  fields.take("rate_first", stage.rate_first);
  fields.take("rate_last", stage.rate_last);
  fields.take("lesson_first", stage.lesson_first);
  fields.take("lesson_last", stage.lesson_last);
  fields.take("most_facts", stage.most_facts);
  fields.finish();
  if (stage.sequence < 96 || stage.sequence > model.positions)
    fail("{}.sequence: must be 96 to model.positions ({}), not {}", where, model.positions, stage.sequence);
  if (stage.batch == 0 || stage.steps == 0 || stage.most_facts == 0)
    fail("{}: batch, steps and most_facts must be above 0", where);
  if (stage.repeats < 0 || stage.text < 0 || stage.repeats + stage.text > 1)
    fail("{}: repeats and text are shares of 1", where);
  return stage;
}

}  // namespace

std::uint64_t Recipe::totalSteps() const {
  std::uint64_t steps = 0;
  for (const Stage& stage : stages) steps += stage.steps;
  return steps;
}

StagePosition positionOf(const Recipe& recipe, std::uint64_t step) {
  StagePosition position;
  for (const Stage& stage : recipe.stages) {
    if (step < stage.steps) {
      position.step = static_cast<std::uint32_t>(step);
      position.part = static_cast<double>(step) / stage.steps;
      return position;
    }
    step -= stage.steps;
    ++position.stage;
  }
  return position;
}

Recipe parseRecipe(const std::string& json_text, const std::string& name) {
  const json parsed = json::parse(json_text, nullptr, false);
  if (parsed.is_discarded()) fail("{}: not JSON", name);
  Recipe recipe;
  recipe.source = json_text;
  Fields fields(parsed, name);
  recipe.model = parseModel(fields.takeAny("model", json::object()), name + ": model");
  recipe.optimiser = parseOptimiser(fields.takeAny("optimiser", json::object()), name + ": optimiser");
  Fields lesson(fields.takeAny("lesson", json::object()), name + ": lesson");
  lesson.take("previous_layers", recipe.lesson.previous_layers);
  lesson.take("induction_layers", recipe.lesson.induction_layers);
  lesson.finish();
  for (const auto* layers : {&recipe.lesson.previous_layers, &recipe.lesson.induction_layers})
    for (const std::uint32_t layer : *layers)
      if (layer >= recipe.model.layers) fail("{}: lesson: the model has no layer {}", name, layer);
  const json stages = fields.takeAny("stages", json::array());
  for (std::size_t i = 0; i < stages.size(); ++i)
    recipe.stages.push_back(parseStage(stages[i], fmt::format("{}: stages[{}]", name, i), recipe.model));
  if (recipe.stages.empty()) fail("{}: stages: at least one is needed", name);
  fields.take("held_out", recipe.held_out);
  fields.take("seed", recipe.seed);
  fields.take("evaluate_every", recipe.evaluate_every);
  fields.take("checkpoint_every", recipe.checkpoint_every);
  fields.finish();
  if (recipe.evaluate_every == 0 || recipe.checkpoint_every == 0)
    fail("{}: evaluate_every and checkpoint_every must be above 0", name);
  return recipe;
}

Recipe loadRecipe(const std::filesystem::path& path) {
  return parseRecipe(readFile(path, 1 << 20), path.string());
}

}  // namespace kvatlas::trainer
