#include "core/trace/validate/validate_header.h"

#include <cmath>

#include "core/base/error.h"
#include "core/base/json_field.h"
#include "core/base/utf8.h"
#include "core/trace/schema.h"

namespace kvatlas::trace {
namespace {

class HeaderCheck {
 public:
  explicit HeaderCheck(const TraceHeader& header) : m_header(header) {}

  std::vector<Finding> run() {
    checkNames("/", {&m_header.generator, &m_header.created});
    checkModel();
    checkPrompt();
    for (std::size_t i = 0; i < m_header.runs.size(); ++i) checkRun("/runs/" + schema::numbered(i), m_header.runs[i]);
    return std::move(m_findings);
  }

 private:
  void require(bool holds, const std::string& where, std::string problem) {
    if (!holds) m_findings.push_back({where, std::move(problem)});
  }
  void checkNames(const std::string& where, std::initializer_list<const std::string*> names) {
    for (const std::string* name : names)
      if (!isValidUtf8(*name)) return require(false, where, "holds a name that is not UTF-8");
  }

  void checkModel() {
    const ModelInfo& model = m_header.model;
    checkNames("/model", {&model.name, &model.architecture, &model.compute_dtype, &model.weights_fingerprint});
    require(numberBytes(model.compute_dtype) > 0, "/model",
            fmt::format("compute_dtype is '{}', expected f32, bf16 or f16", model.compute_dtype));
    require(model.hidden_size > 0, "/model", "hidden_size is 0");
    require(std::isfinite(model.rope_theta) && model.rope_theta > 0, "/model",
            fmt::format("rope_theta is {}, expected a number above 0", model.rope_theta));
  }

  void checkPrompt() {
    const Prompt& prompt = m_header.prompt;
    require(prompt.offsets.front() == 0, "/prompt/offsets", "does not begin at 0");
    const Question& question = prompt.question;
    require(question.offsets.empty() || question.offsets.front() == 0, "/prompt/question/offsets",
            "does not begin at 0");
    for (const Span& span : prompt.spans) checkNames("/prompt/span_names", {&span.name});
    for (std::size_t k = 1; k < m_header.attention.cells.size(); ++k)
      require(m_header.attention.cells[k] > m_header.attention.cells[k - 1], "/attention",
              fmt::format("map level {} is not coarser than the one before it", k));
  }

  void checkRun(const std::string& where, const RunHeader& run) {
    checkNames(where, {&run.method, &run.label, &run.budget, &run.parameters});
    require(std::isfinite(run.budget_nominal) && run.budget_nominal > 0, where,
            fmt::format("budget_nominal is {}, expected a number above 0", run.budget_nominal));
    try {
      if (!parseJson(run.parameters, "", schema::kMaxJsonDepth).is_object()) fail("not an object");
    } catch (const Error&) {
      require(false, where, fmt::format("the parameters are not a JSON object: '{}'", run.parameters.substr(0, 80)));
    }
  }

  const TraceHeader& m_header;
  std::vector<Finding> m_findings;
};

}  // namespace

std::vector<Finding> headerFindings(const TraceHeader& header) {
  return HeaderCheck(header).run();
}

std::optional<std::string> notesProblem(const std::string& notes) {
  if (notes.find_first_not_of("\n") == std::string::npos) return std::nullopt;
  try {
    if (parseJson(notes, "", schema::kMaxJsonDepth).is_object()) return std::nullopt;
  } catch (const Error&) {
    return "are not valid JSON";
  }
  return "are not a JSON object";
}

std::uint64_t numberBytes(const std::string& compute_dtype) {
  if (compute_dtype == "f32") return 4;
  return compute_dtype == "bf16" || compute_dtype == "f16" ? 2 : 0;
}

}  // namespace kvatlas::trace
