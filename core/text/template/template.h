// Chat templates in the subset of Jinja2 that models use, rendered as Hugging Face Transformers renders them:
// trim_blocks, lstrip_blocks, the immutable sandbox, loop controls, its own tojson. What is not known is an error that
// names the line.
#pragma once

#include <nlohmann/json.hpp>

#include "core/text/template/date.h"
#include "core/text/template/limits.h"

namespace kvatlas::text::jinja {

struct Statement;

// Immutable; may be rendered from several threads.
class Template {
 public:
  // Error "<name>: line 3: …" for what is no template, or uses what is not supported.
  Template(std::string_view source, std::string name, const Limits& limits = {});
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  // The same sentence for what goes wrong; UsageError where the template itself refuses what it is given
  // (raise_exception). Work and memory are bounded by the limits.
  [[nodiscard]] std::string render(const nlohmann::ordered_json& variables, const DateTime& now) const;

 private:
  std::string m_name;
  Limits m_limits;
  std::vector<Statement> m_block;
};

}  // namespace kvatlas::text::jinja
