#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/reference/reference_text.h"
#include "core/base/version.h"

namespace kvatlas::app {
namespace {

// Text for roff: no escapes, real minus signs, no line that begins like a request.
std::string roff(const std::string& text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
    line_start = c == '\n';
  }
  return out;
}

std::string upperCase(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

// "INT in [1 - 4096]" as " (1 to 4096)".
std::string limits(const std::string& check) {
  const std::size_t open = check.find('['), middle = check.find(" - "), close = check.find(']');
  if (open == std::string::npos || middle == std::string::npos || close == std::string::npos) return {};
  return fmt::format(" ({} to {})", check.substr(open + 1, middle - open - 1),
                     check.substr(middle + 3, close - middle - 3));
}

std::string describe(const ReferenceOption& option) {
  std::string text = option.description;
  if (!option.choices.empty() && option.description.find(option.choices.front()) == std::string::npos)
    text += fmt::format("{}one of {}", text.empty() ? "" : "; ", fmt::join(option.choices, ", "));
  text += limits(option.limits);
  if (!option.default_value.empty()) text += fmt::format(" (default: {})", option.default_value);
  if (option.required) text += " (required)";
  return text;
}

std::string optionEntry(const ReferenceOption& option) {
  std::string names;
  for (const std::string& name : option.names)
    names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", roff(name));
  if (!option.isFlag()) names += fmt::format(" \\fI{}\\fR", roff(option.value));
  return fmt::format(".TP\n{}\n{}\n", names, roff(describe(option)));
}

std::string synopsis(const ReferenceCommand& command) {
  std::string line = fmt::format(".B {}\n", roff(command.name()));
  if (!command.options.empty()) line += "[\\fIOPTIONS\\fR]\n";
  if (!command.commands.empty()) line += "\\fICOMMAND\\fR …\n";
  for (const ReferenceOption& positional : command.positionals)
    line += positional.required ? fmt::format("\\fI{}\\fR\n", roff(positional.names.front()))
                                : fmt::format("[\\fI{}\\fR]\n", roff(positional.names.front()));
  return line;
}

std::string seeAlso(const ReferenceCommand& command) {
  std::vector<std::string> pages;
  if (command.words.size() > 1) {
    std::string parent;
    for (std::size_t i = 0; i + 1 < command.words.size(); ++i) parent += (i ? "-" : "") + command.words[i];
    pages.push_back(parent);
  }
  for (const ReferenceCommand& below : command.commands) pages.push_back(below.name('-'));
  std::string text;
  for (const std::string& page : pages) text += fmt::format("{}\\fB{}\\fR(1)", text.empty() ? "" : ",\n", roff(page));
  return text.empty() ? "" : ".SH SEE ALSO\n" + text + "\n";
}

}  // namespace

std::string manualPage(const ReferenceCommand& command) {
  std::string page = fmt::format(".TH {} 1 \"\" \"KVAtlas {}\" \"KVAtlas\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n{}",
                                 roff(upperCase(command.name('-'))), kVersion, roff(command.name('-')),
                                 roff(command.description), synopsis(command));
  if (!command.commands.empty()) page += ".SH COMMANDS\n";
  for (const ReferenceCommand& below : command.commands)
    page += fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(below.words.back()), roff(below.description));
  if (!command.positionals.empty()) page += ".SH ARGUMENTS\n";
  for (const ReferenceOption& positional : command.positionals)
    page += fmt::format(".TP\n\\fI{}\\fR\n{}\n", roff(positional.names.front()), roff(describe(positional)));
  if (!command.options.empty()) page += ".SH OPTIONS\n";
  for (const ReferenceOption& option : command.options) page += optionEntry(option);
  if (command.footer.find_first_not_of('\n') != std::string::npos)
    page += fmt::format(".SH NOTES\n.nf\n{}\n.fi\n", roff(command.footer));
  page += ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage, 130 stopped.\n";
  return page + seeAlso(command);
}

}  // namespace kvatlas::app
